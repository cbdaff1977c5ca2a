"""The newest steps of environments in lock-step, and the priorities they give.

A new sequence enters replay with the priority that the learner would give it.
Needed are the T learned rows and the one behind them, so rings of little more
than T rows do. Shared by both replays; Reverb's has one environment.

Axes: E environments, A entries of the head, T learned rows, B sequences.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import networks, sequences
from . import cutter as cutter_lib

_COLUMNS = ("action", "reward", "discount", "valid")


def padding(spec: sequences.Sequences) -> np.ndarray:
  """The record `[]` of a row without transition; its dtype is that of all.

  Args:
    spec: what `sequences.item_spec` gives.
  """
  columns = {**{name: getattr(spec, name) for name in _COLUMNS}, **spec.extras}
  fields = [(name, x.dtype, x.shape[1:]) for name, x in columns.items()]
  record = np.zeros((), np.dtype(fields))
  record["action"] = networks.NO_ACTION
  return record


def as_sequences(
  records: np.ndarray, observation: Any, recurrent_state: Any
) -> sequences.Sequences:
  """The columns of records, on whatever axes."""
  names = records.dtype.names or ()
  columns = {name: np.ascontiguousarray(records[name]) for name in names}
  transition = [columns.pop(name) for name in _COLUMNS]
  fields = [observation, *transition, recurrent_state, columns]
  return sequences.Sequences._make(fields)


class Window:
  """Rings of records and action values, one of each environment.

  Attributes:
    num_rows: int64 `[E]`, rows of the episode so far.
  """

  def __init__(
    self,
    cutter: cutter_lib.Cutter,
    num_environments: int,
    spec: sequences.Sequences,
    num_entries: int,
  ):
    """Initialises rings without rows.

    Args:
      cutter: of the agent's sequences.
      num_environments: E.
      spec: what `sequences.item_spec` gives.
      num_entries: A.
    """
    self._cutter = cutter
    self._padding = padding(spec)
    # With an episode's last observation, the sequence that the row before
    # completed is still there.
    self._size = cutter.trace_length + 2
    self._records = np.full((num_environments, self._size), self._padding)
    self._q = np.zeros((*self._records.shape, num_entries), np.float32)
    self._environments = np.arange(num_environments)
    self.num_rows = np.zeros(num_environments, np.int64)

  def begin(self, index: int) -> None:
    """Environment `index` begins an episode."""
    self.num_rows[index] = 0

  def push(
    self,
    action: np.ndarray,
    reward: np.ndarray,
    discount: np.ndarray,
    extras: Mapping[str, np.ndarray],
    q: np.ndarray,
  ) -> None:
    """One more transition of every environment.

    Args:
      action, reward, discount: `[E]`.
      extras: what else replay keeps of a step, `[E, ...]`.
      q: float32 `[E, A]`, the action values that it was decided on.
    """
    records = np.full(len(self._environments), self._padding)
    columns = {"action": action, "reward": reward, "discount": discount}
    for name, column in {**columns, **extras}.items():
      records[name] = column
    records["valid"] = True
    at = self._environments, self.num_rows % self._size
    self._records[at], self._q[at] = records, q
    self.num_rows += 1

  def push_last(self, index: int, q: np.ndarray) -> None:
    """An episode's last observation, which nothing was decided on.

    Args:
      index: of the environment.
      q: float32 `[A]`, its action values.
    """
    at = index, self.num_rows[index] % self._size
    self._records[at], self._q[at] = self._padding, q
    self.num_rows[index] += 1

  def records(self, index: int, first: int, last: int) -> np.ndarray:
    """Those of some of the newest T + 2 rows of an environment."""
    return self._records[index, np.arange(first, last + 1) % self._size]

  def learned(
    self, found: Sequence[tuple[int, cutter_lib.Span]], batch: int
  ) -> tuple[np.ndarray, sequences.Sequences]:
    """The learned rows of sequences, as the learner would see them.

    Args:
      found: up to B pairs of an environment and a sequence that its newest
        row completed, or the one before, or the end of its episode.
      batch: B, to which they are padded.

    Returns:
      Action values float32 `[T + 1, B, A]`, 0 behind the episode's end; and
      time-major T rows without observation and recurrent state.
    """
    index, first, last = np.zeros((3, batch), np.int64)
    last -= 1
    for b, (environment, span) in enumerate(found):
      index[b], last[b] = environment, span.last
      first[b] = span.first + self._cutter.burn_in
    rows = first + np.arange(self._cutter.trace_length + 1)[:, None]
    at = index, rows % self._size
    records, q = self._records[at], self._q[at]
    records[rows > last], q[rows > last] = self._padding, 0.0
    return q, as_sequences(records[:-1], None, None)

  def save_state(self) -> dict[str, np.ndarray]:
    """Copies of all of it."""
    return {
      "records": self._records.view(np.uint8).copy(),
      "q": self._q.copy(),
      "num_rows": self.num_rows.copy(),
    }

  def restore_state(self, arrays: Mapping[str, np.ndarray]) -> None:
    """Takes what `save_state` gave, among others."""
    self._records[:] = arrays["records"].view(self._records.dtype)
    self._q[:] = arrays["q"]
    self.num_rows[:] = arrays["num_rows"]
