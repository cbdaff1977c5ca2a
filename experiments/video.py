"""Films an episode: the game, who acted, events, and what they paid."""

import pathlib
from typing import Any

import imageio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from behavior_transfer import envs

_FORMATS = (".gif", ".mp4")
_FRAMES_PER_SECOND = 60  # of the console
_SCALE = 3
_STRIP = 84  # pixels under the game
_FLASH = 1.0  # seconds for which events stay on the screen
_WHITE, _GRAY, _BLACK = (255, 255, 255), (150, 150, 150), (0, 0, 0)
_AGENT, _EXTRA = (38, 110, 205), (240, 140, 20)
_GAIN, _LOSS = (60, 190, 80), (225, 60, 60)


def check_format(path: pathlib.Path):
  """Refuses a name whose ending is no video's."""
  if path.suffix not in _FORMATS:
    raise ValueError(f"{path}: a video ends in {' or '.join(_FORMATS)}")


class Video:
  """A video of one episode, a picture per agent step, in the game's time."""

  def __init__(self, path: pathlib.Path, variant: str, action_repeat: int):
    """Opens the file; it has its name only once it is closed.

    Args:
      path: Ends in .gif or .mp4.
      variant: As in `envs.make`.
      action_repeat: Frames of the game per step.
    """
    check_format(path)
    self._path = path
    self._partial = path.with_name(f".partial-{path.name}")
    self._variant = envs.variant(variant)
    rate = _FRAMES_PER_SECOND / action_repeat
    options: dict[str, Any] = {"duration": 1000 / rate, "loop": 0}
    if path.suffix == ".mp4":
      options = {"fps": rate, "macro_block_size": 2}
    self._writer = imageio.get_writer(self._partial, **options)
    self._font = ImageFont.load_default(20)
    self._small_font = ImageFont.load_default(16)
    self._native_score = 0.0
    self._seconds = 1 / rate
    self._noted = ("", 0.0)
    self._flash = 0.0  # seconds for which it stays

  def add(
    self,
    environment: envs.GameEnvironment,
    action: int,
    episode_return: float,
    extra_action: float,
  ):
    """Adds the picture after a step.

    Args:
      environment: As it is after the step.
      action: What was executed.
      episode_return: Of the variant, so far.
      extra_action: Whether the agent left that step to a frozen policy.
    """
    self._native_score += float(environment.native_reward)
    self._note_events(environment)
    screen = environment.render()
    height, width = (_SCALE * side for side in screen.shape[:2])
    # An even size, as video codecs need it.
    picture = Image.new("RGB", (width, height + _STRIP + height % 2), _BLACK)
    game = Image.fromarray(screen).resize(
      (width, height), Image.Resampling.NEAREST
    )
    picture.paste(game)
    draw = ImageDraw.Draw(picture)
    self._draw_actor(draw, height, extra_action > 0)
    meaning = environment.action_meanings[action]
    draw.text((86, height + 8), meaning, _WHITE, self._font)
    score = f"return {episode_return:,.0f}"
    draw.text((width - 8, height + 8), score, _WHITE, self._font, anchor="ra")
    native = f"native {self._native_score:,.0f}"
    position = (width - 8, height + 34)
    draw.text(position, native, _GRAY, self._small_font, anchor="ra")
    if self._flash > 0:
      self._draw_events(draw, width, height)
    self._writer.append_data(np.asarray(picture))

  def close(self):
    """Finishes the file."""
    self._writer.close()
    self._partial.replace(self._path)

  def _note_events(self, environment: envs.GameEnvironment):
    """Keeps what happened for a while, and what paid for the whole of it."""
    self._flash -= self._seconds
    reward = float(environment.native_reward)
    each = {"reward": reward} if reward else {}
    if self._variant.events:
      each = {
        event: self._variant.reward({event: count})
        for event, count in environment.events.items()
      }
    paid = {event: reward for event, reward in each.items() if reward}
    shown, amount = paid or each, sum(paid.values())
    if shown and (paid or self._flash <= 0 or not self._noted[1]):
      text = "   ".join(
        f"{name} {value:+,.0f}" for name, value in shown.items()
      )
      self._noted, self._flash = (text, amount), _FLASH

  def _draw_actor(self, draw: ImageDraw.ImageDraw, top: int, extra: bool):
    """A field in the strip: a colour, and letters for whom colours fail."""
    letters, name, colour = "A", "agent", _AGENT
    if extra:
      letters, name, colour = "A+", "frozen", _EXTRA
    draw.rectangle((6, top + 6, 76, top + 56), colour)
    draw.text((41, top + 8), letters, _WHITE, self._font, anchor="ma")
    draw.text((41, top + 34), name, _WHITE, self._small_font, anchor="ma")

  def _draw_events(self, draw: ImageDraw.ImageDraw, width: int, height: int):
    """What happened, under the game; a frame around it where that paid."""
    text, amount = self._noted
    colour = _GRAY
    if amount:
      colour = _GAIN if amount > 0 else _LOSS
      draw.rectangle((0, 0, width - 1, height - 1), outline=colour, width=6)
    draw.text((86, height + 56), text, colour, self._font)
