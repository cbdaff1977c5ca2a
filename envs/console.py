"""The console by itself: frames, not steps, and nothing done to the screen.

What looks into games (verification, probing) plays here; agents do in `atari`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import ale_py
import numpy as np
from ale_py import roms

from . import arguments
from .decoders import base

# They take two joysticks; without the second, ALE ends the process.
FOR_TWO_PLAYERS = ("combat", "joust", "maze_craze", "warlords")
ONE_PLAYER = "a ROM of ale-py for one player"
GAMES = tuple(g for g in roms.get_all_rom_ids() if g not in FOR_TWO_PLAYERS)
# The joystick's, as ALE numbers them in all games. Those that a game does not
# take are no-ops to ALE.
ACTIONS = tuple(ale_py.Action(number) for number in range(18))

_LONGEST_HOLD = 30  # frames
_LONGEST_GAME = 20_000  # frames; then a new one, so that more starts are seen


class Frame(NamedTuple):
  """One emulator frame.

  Attributes:
    before: The memory before it, 128 bytes.
    after: After it.
    paid: By ALE.
    life_lost: As ALE counts lives.
  """

  before: bytes
  after: bytes
  paid: int
  life_lost: bool


def rom(game: str) -> str:
  """Path of a game's ROM.

  Raises:
    ValueError: ale-py has no such game, or it takes two players.
  """
  arguments.require(game in GAMES, "game", game, ONE_PLAYER)
  return str(roms.get_rom_path(game))


def rom_md5(game: str) -> str:
  """MD5 of a game's ROM, in hexadecimal digits."""
  return base.md5(rom(game))


def gained(points: int) -> int:
  """What a score gained, where ALE says how far it rose or fell.

  No game takes 50,000 points at once: a score that falls so far has passed its
  last digit, the fifth or the sixth.
  """
  for most in (100_000, 1_000_000):
    if -most < points < -most // 2:
      return points + most
  return points


def switch_on(game: str) -> ale_py.ALEInterface:
  """A console just switched on, without sticky actions."""
  path = rom(game)
  ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
  ale = ale_py.ALEInterface()
  ale.setFloat("repeat_action_probability", 0.0)
  ale.loadROM(path)
  ale.reset_game()
  return ale


def save(ale: ale_py.ALEInterface) -> bytes:
  """The console's state, but for the screen and ALE's count of lives."""
  return ale.cloneState(include_rng=True).serialize()


def restore(ale: ale_py.ALEInterface, saved: bytes):
  """Brings a console of the same ROM into a state."""
  state = ale_py.ALEState(saved)
  ale.reset_game()
  if state.getEpisodeFrameNumber() > 0:
    # Switches and pixels are no part of a state. They stay those of the frame
    # that was emulated last: let that be one close to the state.
    ale.restoreState(state)
    ale.act(ale_py.Action.NOOP)
  ale.restoreState(state)


def play(ale: ale_py.ALEInterface, actions: Iterable[int]) -> Iterator[Frame]:
  """Takes one action a frame; a new game starts where one is over.

  Args:
    ale: The console.
    actions: ALE's numbers, of the full set.
  """
  after, lives = ale.getRAM().tobytes(), ale.lives()
  for action in actions:
    if ale.game_over() or ale.getEpisodeFrameNumber() >= _LONGEST_GAME:
      ale.reset_game()
      after, lives = ale.getRAM().tobytes(), ale.lives()
    before, lives_before = after, lives
    paid = ale.act(int(action))
    after, lives = ale.getRAM().tobytes(), ale.lives()
    yield Frame(before, after, paid, lives < lives_before)


def random_actions(frames: int, seed: int) -> Iterator[int]:
  """That many actions, each drawn uniformly and held for some frames.

  Those that change at every frame get nowhere in most games.
  """
  rng = np.random.default_rng(seed)
  while frames > 0:
    held = min(int(rng.integers(1, _LONGEST_HOLD + 1)), frames)
    yield from [int(rng.integers(len(ACTIONS)))] * held
    frames -= held
