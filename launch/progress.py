"""The line that says how a run is doing."""

import collections
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TextIO

import numpy as np

from .experiment import Counts

_LAST_EPISODES = 10
_SEPARATOR = " | "
_TERMINAL_PERIOD = 0.5  # seconds between updates of the line in place
_FILE_PERIOD = 10.0  # seconds between lines


class ReplayStatus(NamedTuple):
  """How full the replay is, over all tables.

  Attributes:
    size: Items.
    capacity: Items at most.
    min_size: Items that must be there before the learner can start.
    inserts: Items inserted so far.
    samples: Items sampled so far.
  """

  size: int = 0
  capacity: int = 0
  min_size: int = 0
  inserts: int = 0
  samples: int = 0


class Progress:
  """Shows one live line on a terminal, a line now and then elsewhere."""

  def __init__(
    self,
    num_steps: int,
    frames_per_step: int,
    counts: Counts,
    stream: TextIO | None = None,
  ):
    """Sets up; the clock starts with the first update.

    Args:
      num_steps: Agent steps at which the run ends.
      frames_per_step: Frames per agent step.
      counts: Of the run; read whenever the line is drawn.
      stream: Where to write; None means standard error.
    """
    self._num_steps = num_steps
    self._frames_per_step = frames_per_step
    self._counts = counts
    self._stream = sys.stderr if stream is None else stream
    self._live = self._stream.isatty()
    self._period = _TERMINAL_PERIOD if self._live else _FILE_PERIOD
    self._marks: collections.deque = collections.deque(maxlen=11)
    self._episodes: collections.deque = collections.deque(maxlen=_LAST_EPISODES)
    self._evaluation: float | None = None
    self._width = 0
    self._drawn = time.monotonic()

  def episode(self, figures: Mapping[str, float]):
    """Notes the figures of a training episode that are to be shown."""
    self._episodes.append(figures)

  def evaluation(self, episode_return: float):
    """Notes the mean return of an evaluation."""
    self._evaluation = episode_return
    self._marks.clear()  # the time that it took is no part of any speed

  def update(self, replay: Callable[[], ReplayStatus]):
    """Draws the line if it is time to.

    Args:
      replay: Asks how full the replay is.
    """
    if not self._marks:  # whatever had to be compiled is so by now
      self._marks.append(self._mark())
      self._drawn = time.monotonic()
    if self._is_due():
      self._marks.append(self._mark())
      self._draw(self._parts(replay()))

  def figures(self, replay: ReplayStatus) -> dict[str, float]:
    """Speeds over the last lines, and how full the replay is."""
    (start, steps_then, learner_then), (now, steps, learner_steps) = (
      self._marks[0],
      self._mark(),
    )
    seconds = max(now - start, 1e-9)
    frames = self._frames_per_step * (steps - steps_then)
    return {
      "frames_per_second": frames / seconds,
      "learner_steps_per_second": (learner_steps - learner_then) / seconds,
      "replay_size": replay.size,
      "replay_fill": replay.size / max(replay.capacity, 1),
      "samples_per_insert": replay.samples / max(replay.inserts, 1),
    }

  def evaluating(self, played: int, num_episodes: int):
    """Draws the line during an evaluation, if it is time to."""
    if self._is_due():
      text = f"evaluating, {played}/{num_episodes} episodes"
      self._draw([self._step(), text])

  def say(self, text: str):
    """Writes a line that stays."""
    if self._width:
      self._stream.write("\r" + " " * self._width + "\r")
      self._width = 0
    self._stream.write(text + "\n")
    self._stream.flush()

  def _is_due(self) -> bool:
    return time.monotonic() - self._drawn >= self._period

  def _draw(self, parts: Sequence[str]):
    """Draws the parts of a line, the most important ones first."""
    self._drawn = time.monotonic()
    text = _SEPARATOR.join(parts)
    if self._live:
      # A line that wraps could not be drawn over.
      width = shutil.get_terminal_size().columns - 1
      while len(text) > width and _SEPARATOR in text:
        text = text.rpartition(_SEPARATOR)[0]
      text = text[:width]
      self._stream.write("\r" + text.ljust(self._width))
      self._width = len(text)
    else:
      self._stream.write(text + "\n")
    self._stream.flush()

  def _step(self) -> str:
    return f"step {self._counts.agent_steps:,}/{self._num_steps:,}"

  def _mark(self) -> tuple[float, int, int]:
    counts = self._counts
    return time.monotonic(), counts.agent_steps, counts.learner_steps

  def _parts(self, replay: ReplayStatus) -> list[str]:
    figures = self.figures(replay)
    means = _means(self._episodes)
    speed = figures["frames_per_second"]
    parts = [self._step()]
    if means:
      parts.append(f"return {means.pop('episode_return'):,.1f}")
    if self._evaluation is not None:
      parts.append(f"eval {self._evaluation:,.1f}")
    if speed > 0:
      steps = max(self._num_steps - self._counts.agent_steps, 0)
      parts.append(f"ETA {_duration(self._frames_per_step * steps / speed)}")
    parts.append(f"{speed:,.0f} frames/s")
    if figures["learner_steps_per_second"] > 0:
      parts.append(f"learner {figures['learner_steps_per_second']:.2g}/s")
    if replay.size < replay.min_size:
      parts.append(f"filling replay {replay.size / replay.min_size:.0%}")
    elif replay.inserts:
      parts.append(
        f"replay {figures['replay_fill']:.0%}"
        f" ({figures['samples_per_insert']:.2g} samples an insert)"
      )
    return parts + [
      f"{name.replace('_', ' ')} {value:.3g}" for name, value in means.items()
    ]


def _means(rows: collections.deque) -> dict[str, float]:
  names = rows[-1] if rows else ()
  return {name: np.mean([row.get(name, 0.0) for row in rows]) for name in names}


def _duration(seconds: float) -> str:
  minutes, seconds = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"
