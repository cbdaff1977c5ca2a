"""From the steps of environments in lock-step to sequences in replay.

The block of frames that ends with row t arrives with observation t, so one step
before the transition of row t is known: its records wait for that. At an
episode's last observation there is none to wait for.

Axes: N environments, A entries of the head.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import zstandard

from .. import sequences
from . import blocks as blocks_lib
from . import cutter as cutter_lib
from . import frames, store, window

# (q [T + 1, B, A], time-major learned rows without observation) -> [B]
InitialPriority = Callable[[np.ndarray, sequences.Sequences], Any]


class Writer:
  """Inserts the sequences of N environments; there may be several writers."""

  def __init__(
    self,
    replay: store.Replay,
    num_environments: int,
    num_entries: int,
    initial_priority: InitialPriority,
    batch: int = 8,
  ):
    """Initialises the writer; each environment is to begin an episode.

    Args:
      replay: gets the sequences.
      num_environments: N.
      num_entries: A.
      initial_priority: of new sequences, from the action values of acting.
      batch: sequences that it is given at once, always as many.
    """
    cutter = replay.cutter
    self._replay, self._cutter, self._batch = replay, cutter, batch
    self._initial_priority = initial_priority
    self._window = window.Window(
      cutter, num_environments, replay.spec, num_entries
    )
    # Which rows matter repeats itself in each period after row 0.
    rows = range(cutter.sequence_period + 1)
    self._starts = np.array([cutter.starts(row) for row in rows])
    self._ends = np.array([cutter.ends_block(row) for row in rows])
    # Recurrent states of sequences that are not complete.
    num_states = (cutter.length - 1) // cutter.sequence_period + 2
    self._states = [
      np.zeros((num_environments, num_states, *x.shape[1:]), x.dtype)
      for x in jax.tree.leaves(replay.spec.recurrent_state)
    ]
    # Of each episode, those that sequences to come will hold.
    self._blocks: list[list[blocks_lib.StoredBlock]] = [
      [] for _ in range(num_environments)
    ]
    self._compressor = zstandard.ZstdCompressor(frames.LEVEL)

  def begin(self, index: int) -> None:
    """Environment `index` begins an episode; what is left of one is dropped.

    After an episode's last step, this happens by itself.
    """
    self._window.begin(index)
    self._blocks[index] = []

  def add(
    self,
    action: np.ndarray,
    reward: np.ndarray,
    discount: np.ndarray,
    extras: Mapping[str, np.ndarray],
    q: np.ndarray,
    recurrent_state: Callable[[], Any],
    blocks: Mapping[int, frames.Block],
    last: np.ndarray,
    last_q: np.ndarray,
  ) -> None:
    """One transition of every environment.

    Args:
      action, reward, discount: `[N]`, of the transition.
      extras: what else replay keeps of a step, `[N, ...]`.
      q: float32 `[N, A]`, that it was decided on.
      recurrent_state: gives it as before the step, `[N, ...]`; called if it
        is to be kept of some environment.
      blocks: of environments whose recorder finished one with the observation
        that the transition led to.
      last: bool `[N]`, whether that was an episode's last.
      last_q: float32 `[N, A]`, the action values of that; read where `last`.
    """
    row = self._window.num_rows.copy()
    phase = (row - 1) % self._cutter.sequence_period + 1
    phase[row == 0] = 0
    self._keep_states(row, self._starts[phase], recurrent_state)
    self._window.push(action, reward, discount, extras, q)
    found: list[tuple[int, cutter_lib.Span]] = []
    for i in np.flatnonzero(self._ends[phase]).tolist():
      self._add_records(i)
      span = self._cutter.completed(int(row[i]))
      found += [(i, span)] if span else []
    for i in sorted(blocks):
      self._add_block(i, int(row[i]) + 1, blocks[i])
    ended = np.flatnonzero(last).tolist()
    for i in ended:
      self._window.push_last(i, last_q[i])
      self._add_records(i)
      found += [(i, s) for s in self._cutter.remaining(int(row[i]) + 1)]
    for k in range(0, len(found), self._batch):
      self._insert(found[k : k + self._batch])
    for i in ended:
      self.begin(i)

  def _keep_states(
    self,
    row: np.ndarray,
    starts: np.ndarray,
    recurrent_state: Callable[[], Any],
  ) -> None:
    if starts.any():
      leaves = jax.tree.leaves(recurrent_state())
      at = np.flatnonzero(starts), self._state_slot(row[starts])
      for kept, states in zip(self._states, leaves, strict=True):
        kept[at] = np.asarray(states)[starts]

  def _state_slot(self, row: Any) -> Any:
    cutter = self._cutter
    number = (row + cutter.burn_in) // cutter.sequence_period
    return number % self._states[0].shape[1]

  def _add_block(self, index: int, last: int, block: frames.Block) -> None:
    held = self._blocks[index]
    first = held[-1].last + 1 if held else 0
    data, num_frames = block
    if first + num_frames != last + 1:
      raise ValueError(
        f"environment {index} has a block of {num_frames} frames for "
        f"the rows {first} to {last}"
      )
    held.append(self._replay.new_block(first, num_frames, data))

  def _add_records(self, index: int) -> None:
    block = self._blocks[index][-1]
    records = self._window.records(index, block.first, block.last)
    block.records = blocks_lib.pack(records, self._compressor)

  def _insert(self, found: list[tuple[int, cutter_lib.Span]]) -> None:
    """Sequences that are complete, up to a batch of them."""
    q, learned = self._window.learned(found, self._batch)
    priorities = np.asarray(self._initial_priority(q, learned))
    for (i, span), priority in zip(found, priorities.tolist(), strict=False):
      lowest = span.first + 1 - self._replay.num_stacked
      slot = self._state_slot(span.start)
      held = [b for b in self._blocks[i] if lowest <= b.last <= span.last]
      self._replay.insert(
        blocks_lib.Held(span.first, tuple(held)),
        [states[i, slot] for states in self._states],
        priority,
      )
      lowest += self._cutter.sequence_period
      self._blocks[i] = [b for b in self._blocks[i] if b.last >= lowest]

  def save_state(self) -> dict[str, np.ndarray]:
    """All of it, but for blocks that are on disk with replay, which goes first.

    Where replay is not saved, that is all of it.
    """
    held = [(i, b) for i, blocks in enumerate(self._blocks) for b in blocks]
    numbers = [(i, b.number) for i, b in held]
    return {
      **self._window.save_state(),
      **{f"state_{i}": x.copy() for i, x in enumerate(self._states)},
      "held": np.array(numbers, np.int64).reshape(-1, 2),
      **blocks_lib.save([b for _, b in held if not b.segment]),
    }

  def restore_state(self, arrays: Mapping[str, np.ndarray]) -> None:
    """Of a new writer, after `replay` is restored, if it is."""
    self._window.restore_state(arrays)
    for i, states in enumerate(self._states):
      states[:] = arrays[f"state_{i}"]
    known = blocks_lib.restore(arrays) | self._replay.live_blocks()
    for i, number in arrays["held"].tolist():
      self._blocks[i].append(known[number])
      self._replay.num_blocks = max(self._replay.num_blocks, number)
