"""The embedded replay: compressed blocks, sequences of them, and sampling.

A block is held once however many sequences share it. Sequences have numbers,
their keys, in the order in which they came; the oldest goes first.

Axes: B batch, L rows of a sequence, C stacked frames.
"""

import math
import weakref
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
import zstandard

from .. import sequences
from . import blocks as blocks_lib
from . import cutter as cutter_lib
from . import window

# What Python takes for a sequence, about.
_OVERHEAD = 192

# Of memory that JAX takes on a CPU without a copy.
_ALIGNMENT = 64


class Sample(NamedTuple):
  """Drawn sequences, not decompressed yet; nothing in it changes any more.

  Attributes:
    keys: int64 `[B]`.
    probability: float64 `[B]`, with which each was drawn.
    recurrent_state: leaves, `[B, ...]`.
    sequences: what is held of each.
  """

  keys: np.ndarray
  probability: np.ndarray
  recurrent_state: list[np.ndarray]
  sequences: list[blocks_lib.Held]


class Replay:
  """Holds the newest sequences and draws them by priority.

  Attributes:
    spec: of a sequence.
    cutter: of the agent's sequences.
    num_stacked: C.
    inserts: sequences that came so far; the key of the next one.
    samples: sequences that were drawn so far.
    oldest: the lowest key that is there.
    num_bytes: that all sequences and their blocks take.
    num_blocks: that were made so far; the number of the last one.
  """

  def __init__(
    self,
    spec: sequences.Sequences,
    cutter: cutter_lib.Cutter,
    max_size: int,
    priority_exponent: float,
    num_stacked: int,
    seed: int,
    max_bytes: float,
  ):
    """Initialises an empty replay.

    Args:
      spec: what `sequences.item_spec` gives.
      cutter: of the agent's sequences.
      max_size: sequences that it holds.
      priority_exponent: of the priorities, before they are weights.
      num_stacked: C; above 1, observations are stacks of C frames along the
        last axis, blank from before the episode.
      seed: of what is drawn.
      max_bytes: that `num_bytes` may not exceed.
    """
    self.spec, self.cutter, self.num_stacked = spec, cutter, num_stacked
    self.inserts = self.samples = self.oldest = self.num_bytes = 0
    self._exponent, self._max_bytes = priority_exponent, max_bytes
    self._seed, self.num_blocks = seed, 0
    leaves, self._state_tree = jax.tree.flatten(spec.recurrent_state)
    # The memory of a slot is taken when it is first written.
    self._states = [np.zeros((max_size, *x.shape[1:]), x.dtype) for x in leaves]
    self._bytes_of_each = _OVERHEAD + sum(x[0].nbytes for x in self._states)
    self._weights = np.zeros(max_size)
    self._sequences = [blocks_lib.Held(0, ())] * max_size
    self._padding = window.padding(spec)
    self._free: list[bytearray] = []

  def __len__(self) -> int:
    return self.inserts - self.oldest

  def _slots(self, begin: int = 0) -> np.ndarray:
    """Where the sequences from that key on are, the oldest first."""
    return np.arange(max(begin, self.oldest), self.inserts) % len(
      self._sequences
    )

  def new_block(
    self, first: int, num_rows: int, frames: bytes
  ) -> blocks_lib.StoredBlock:
    """A block with a number, but without records, and in no sequence yet."""
    self.num_blocks += 1
    return blocks_lib.StoredBlock(self.num_blocks, first, num_rows, frames)

  def insert(
    self,
    sequence: blocks_lib.Held,
    recurrent_state: Sequence[np.ndarray],
    priority: float,
  ) -> None:
    """A new sequence; it may replace the oldest one.

    Args:
      sequence: its rows.
      recurrent_state: leaves, before its first row.
      priority: of the sequence.

    Raises:
      MemoryError: if replay now takes more than it may.
    """
    if len(self) == len(self._sequences):
      self._release(self.oldest)
      self.oldest += 1
    self.inserts += 1
    self._put(self.inserts - 1, sequence, recurrent_state)
    self.update_priorities(np.array([self.inserts - 1]), np.array([priority]))
    if self.num_bytes > self._max_bytes:
      raise MemoryError(
        f"replay takes {self.num_bytes / 1e9:.3f} GB with {len(self)} of "
        f"{len(self._sequences)} sequences, and may take "
        f"{self._max_bytes / 1e9:.3f}: lower --max_replay_size"
      )

  def _put(
    self,
    key: int,
    sequence: blocks_lib.Held,
    recurrent_state: Sequence[np.ndarray],
  ) -> None:
    slot = key % len(self._sequences)
    self._sequences[slot] = sequence
    for states, state in zip(self._states, recurrent_state, strict=True):
      states[slot] = state
    self.num_bytes += self._bytes_of_each
    for block in sequence.blocks:
      self.num_bytes += 0 if block.references else block.num_bytes
      block.references += 1

  def _release(self, key: int) -> None:
    self.num_bytes -= self._bytes_of_each
    for block in self._sequences[key % len(self._sequences)].blocks:
      block.references -= 1
      if not block.references:
        self.num_bytes -= block.num_bytes
        # Should an episode's next sequence bring it back, it is new again.
        block.segment = 0

  def update_priorities(self, keys: np.ndarray, priorities: np.ndarray) -> None:
    """Sets the priorities of those sequences that are still there.

    Raises:
      FloatingPointError: if one is no number, infinite or negative.
    """
    priorities = np.asarray(priorities, np.float64)
    wrong = ~(np.isfinite(priorities) & (priorities >= 0))
    if wrong.any():
      raise FloatingPointError(
        f"the priority of sequence {keys[wrong][0]} is {priorities[wrong][0]};"
        " likeliest, rewards are too large, or --learning_rate is"
      )
    weights = np.where(priorities > 0, priorities**self._exponent, 0.0)
    here = keys >= self.oldest
    self._weights[keys[here] % len(self._sequences)] = weights[here]

  def sample(self, batch_size: int) -> Sample:
    """Draws sequences, each in proportion to priority ** exponent.

    Where all priorities are zero, each is as likely as another.
    """
    # A stream of its own for each draw, so that there is no state to save.
    rng = np.random.Generator(np.random.PCG64([self._seed, self.samples]))
    cumulated = np.cumsum(self._weights)
    total = cumulated[-1]
    if total > 0:
      drawn = rng.random(batch_size) * total
      # A product that was rounded up to the total would be nobody's.
      drawn = np.minimum(drawn, np.nextafter(total, 0.0))
      slots = np.searchsorted(cumulated, drawn, side="right")
      probability = self._weights[slots] / total
    else:
      slots = rng.choice(self._slots(), batch_size)
      probability = np.full(batch_size, 1.0 / len(self))
    self.samples += batch_size
    return Sample(
      self.oldest + (slots - self.oldest) % len(self._sequences),
      probability,
      [states[slots] for states in self._states],
      [self._sequences[slot] for slot in slots],
    )

  def load(self, sample: Sample) -> sequences.Sequences:
    """Decompresses a batch, `[B, L, ...]`; in any thread."""
    decompress = zstandard.ZstdDecompressor().decompress
    length, *shape = self.spec.observation.shape
    observation = self._memory((len(sample.keys), length, *shape))
    blank = np.frombuffer(self._padding.tobytes(), np.uint8)
    records = np.tile(blank, (len(sample.keys), length, 1))
    stacked = self.num_stacked - 1
    frame = [*shape[:-1], 1] if stacked else shape
    scratch = np.empty((length + stacked, *frame), np.uint8)

    def records_of(block):
      return blocks_lib.unpack(decompress(block.records), block.num_rows)

    def frames_of(block):
      frames = np.frombuffer(decompress(block.frames), np.uint8)
      return frames.reshape(-1, *frame)

    for b, (first, blocks) in enumerate(sample.sequences):
      blocks_lib.load(records[b], first, blocks, records_of)
      into, first = scratch if stacked else observation[b], first - stacked
      into[: max(-first, 0)] = into[blocks[-1].last + 1 - first :] = 0
      blocks_lib.load(into, first, blocks, frames_of)
      if stacked:
        for i in range(self.num_stacked):
          observation[b, ..., i] = scratch[i : i + length, ..., 0]
        # Behind the episode's end there is not even an older frame.
        observation[b, blocks[-1].last + 1 - first - stacked :] = 0
    state = jax.tree.unflatten(self._state_tree, sample.recurrent_state)
    typed = records.view(self._padding.dtype)[..., 0]
    return window.as_sequences(typed, observation, state)

  def _memory(self, shape: tuple[int, ...]) -> np.ndarray:
    """Where the frames of a batch go, uint8, used again when nobody has it.

    To get and blank new memory each time would be a third of the work.
    """
    size = math.prod(shape)
    memory = self._free.pop() if self._free else bytearray()
    if len(memory) != size + _ALIGNMENT:
      memory = bytearray(size + _ALIGNMENT)
    # Views of it, JAX's too, hold this array, since that is no view of another.
    array = np.frombuffer(memory, np.uint8)
    weakref.finalize(array, self._free.append, memory).atexit = False
    start = -array.ctypes.data % _ALIGNMENT
    return array[start : start + size].reshape(shape)

  def live_blocks(self) -> dict[int, blocks_lib.StoredBlock]:
    """All blocks of sequences, by number, in the order of the sequences."""
    slots = self._slots().tolist()
    held = (self._sequences[slot].blocks for slot in slots)
    return {block.number: block for blocks in held for block in blocks}

  def save_state(self) -> dict[str, np.ndarray]:
    """What changes of all that is there; the rest is `save_sequences`'."""
    counters = self.oldest, self.inserts, self.samples, self.num_blocks
    return {
      "weights": self._weights[self._slots()],
      "counters": np.array(counters, np.int64),
    }

  def restore_state(self, arrays: Mapping[str, np.ndarray]) -> None:
    """Of an empty replay, before its sequences come back."""
    oldest, *counters = arrays["counters"].tolist()
    self.inserts, self.samples, self.num_blocks = counters
    self.oldest = max(oldest, self.inserts - len(self._sequences))
    self._weights[self._slots()] = arrays["weights"][self.oldest - oldest :]

  def save_sequences(self, begin: int) -> dict[str, np.ndarray]:
    """The sequences from this key on, but no blocks."""
    slots = self._slots(begin)
    held = [self._sequences[slot] for slot in slots]
    width = max((len(x.blocks) for x in held), default=0)
    table = np.zeros((len(held), 2 + width), np.int64)
    table[:, 0] = np.arange(self.inserts - len(held), self.inserts)
    for row, (first, blocks) in zip(table, held, strict=True):
      row[1 : 2 + len(blocks)] = first, *(block.number for block in blocks)
    states = {f"state_{i}": x[slots] for i, x in enumerate(self._states)}
    return {"sequences": table, **states}

  def restore_sequences(
    self,
    arrays: Mapping[str, np.ndarray],
    blocks: Mapping[int, blocks_lib.StoredBlock],
  ) -> None:
    """Those of them that are still to be there.

    Args:
      arrays: of `save_sequences`.
      blocks: at least all of theirs, by number.
    """
    states = [arrays[f"state_{i}"] for i in range(len(self._states))]
    for i, (key, first, *numbers) in enumerate(arrays["sequences"].tolist()):
      if self.oldest <= key < self.inserts:
        held = blocks_lib.Held(first, tuple(blocks[x] for x in numbers if x))
        self._put(key, held, [x[i] for x in states])
