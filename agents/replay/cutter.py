"""Where one environment's episodes are cut into sequences, in numbers alone.

An episode of n steps has the rows 0..n: row t is observation t and, but for the
last, the transition from it. With B = burn_in, T = trace_length and P =
sequence_period, sequence s is

    rows      sP - B .. sP - 1     sP .. sP + T - 1     sP + T
              burn-in              learned on           bootstrap

Rows before 0 and behind n are padding. The sequences of an episode are those
from 0 to the first that learns on step n - 1. Both replays, Reverb's and the
embedded one, ask here.
"""

import dataclasses
from typing import NamedTuple

from .. import configs


class Span(NamedTuple):
  """The rows of a sequence.

  Attributes:
    first: below 0, that many rows of padding come first.
    last: the last row that the episode has; padding follows where this is
      short of the sequence's length.
  """

  first: int
  last: int

  @property
  def start(self) -> int:
    """The row before which its recurrent state was."""
    return max(self.first, 0)


@dataclasses.dataclass(frozen=True)
class Cutter:
  """The cuts of an agent's sequences."""

  burn_in: int
  trace_length: int
  sequence_period: int

  @property
  def length(self) -> int:
    """L, rows of a sequence."""
    return self.burn_in + self.trace_length + 1

  def starts(self, row: int) -> bool:
    """Whether the recurrent state before this row is that of a sequence."""
    return row == 0 or (row + self.burn_in) % self.sequence_period == 0

  def ends_block(self, row: int) -> bool:
    """Whether a block of frames ends with this row, as sequences do."""
    return row > 0 and (row - self.trace_length) % self.sequence_period == 0

  def completed(self, row: int) -> Span | None:
    """The sequence that this row, whose transition is known, completes."""
    first = row - self.trace_length - self.burn_in
    if row < self.trace_length or not self.ends_block(row):
      return None
    return Span(first, row)

  def remaining(self, num_steps: int) -> list[Span]:
    """The sequences that are completed by the end of an episode of n steps."""
    period, beyond = self.sequence_period, num_steps - self.trace_length
    begin = max((beyond - 1) // period + 1, 0)
    end = max(-(-beyond // period), 0)
    return [
      Span(
        s * period - self.burn_in,
        min(s * period + self.trace_length, num_steps),
      )
      for s in range(begin, end + 1)
    ]


def of(config: configs.AgentConfig) -> Cutter:
  """The cutter of an agent."""
  return Cutter(config.burn_in, config.trace_length, config.sequence_period)
