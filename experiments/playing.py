"""A game by keyboard, in a window, and its recording."""

import os
import pathlib
import sys
import warnings

import numpy as np

from behavior_transfer import envs
from behavior_transfer.envs import console, recordings

_FRAMES_PER_SECOND = 60
_DRIVER = "SDL_VIDEODRIVER"
# SDL's driver of the screen that each names; by itself SDL also takes none.
_SCREENS = {"DISPLAY": "x11", "WAYLAND_DISPLAY": "wayland"}
_PIXEL = (5, 3)  # of the window for one of the console's, which are wide


def play(variant: str, output: pathlib.Path):
  """Plays one game at the console's speed, and saves its recording.

  Arrows move, the space bar fires; escape, or closing the window, ends it. The
  title shows the variant's return, the native score and what last paid.

  Args:
    variant: As in `envs.make`, of a game of the console.
    output: Of the recording.

  Raises:
    ValueError: It is no game of the console, pygame is not installed, or there
      is no screen.
  """
  game = envs.variant(variant).game
  console.rom(game)
  actions: list[int] = []
  with envs.make(variant, seed=0, noop_max=0, action_repeat=1) as environment:
    try:
      _play(environment, variant, actions)
    finally:
      if actions:
        recordings.save(output, game, np.array(actions))
        print(f"{len(actions):,} frames in {output}")


def _play(environment: envs.GameEnvironment, title: str, actions: list[int]):
  """Appends what is played to `actions`."""
  numbers = {name: i for i, name in enumerate(environment.action_meanings)}
  total, native, paid = 0.0, 0.0, ""
  timestep = environment.reset()
  window = _Window(environment.render())
  try:
    while not timestep.last() and window.is_open:
      # Opposite directions, which no joystick has, are none.
      actions.append(numbers.get(window.joystick(), 0))
      timestep = environment.step(actions[-1])
      total += float(timestep.reward)
      native += float(environment.native_reward)
      if timestep.reward:
        paid = f"{', '.join(environment.events)} {timestep.reward:+g}"
      window.show(
        environment.render(), f"{title}: {total:g}, native {native:g}   {paid}"
      )
  finally:
    window.close()


class _Window:
  """A window with a picture, and the keyboard as a joystick."""

  def __init__(self, screen: np.ndarray):
    names = ", ".join((*_SCREENS, _DRIVER))
    no_screen = ValueError(f"play: needs a screen, by {names}")
    if sys.platform == "linux" and not os.environ.get(_DRIVER):
      drivers = [_SCREENS[name] for name in _SCREENS if os.environ.get(name)]
      if not drivers:
        raise no_screen
      os.environ[_DRIVER] = ",".join(drivers)
    try:
      with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what pygame itself imports
        import pygame
    except ImportError:
      raise ValueError(
        "play: needs pygame; pip install 'behavior-transfer[play]'"
      ) from None
    self._pygame = pygame
    # In the order of the names of ALE's actions.
    self._parts = {
      pygame.K_UP: "UP",
      pygame.K_DOWN: "DOWN",
      pygame.K_RIGHT: "RIGHT",
      pygame.K_LEFT: "LEFT",
      pygame.K_SPACE: "FIRE",
    }
    self._held: set[int] = set()
    height, width = screen.shape[:2]
    self._size = (_PIXEL[0] * width, _PIXEL[1] * height)
    try:
      pygame.display.init()
    except pygame.error:
      raise no_screen from None
    self._surface = pygame.display.set_mode(self._size)
    self._clock = pygame.time.Clock()
    self.is_open = True

  def joystick(self) -> str:
    """ALE's name of what is held, like UPRIGHTFIRE; empty for nothing."""
    for event in self._pygame.event.get():
      if event.type == self._pygame.KEYDOWN:
        self._held.add(event.key)
      elif event.type == self._pygame.KEYUP:
        self._held.discard(event.key)
      elif event.type == self._pygame.QUIT:
        self.is_open = False
    self.is_open &= self._pygame.K_ESCAPE not in self._held
    return "".join(n for key, n in self._parts.items() if key in self._held)

  def show(self, screen: np.ndarray, title: str):
    """Draws a picture, `(height, width, 3)`, and waits until it is due."""
    pygame = self._pygame
    picture = pygame.surfarray.make_surface(np.transpose(screen, (1, 0, 2)))
    self._surface.blit(pygame.transform.scale(picture, self._size), (0, 0))
    pygame.display.set_caption(title)
    pygame.display.flip()
    self._clock.tick(_FRAMES_PER_SECOND)

  def close(self):
    self._pygame.display.quit()
