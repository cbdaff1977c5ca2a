"""Blocks of an episode's rows, as replay holds them.

Each has consecutive frames and, compressed on its own, the records of the same
rows (see `window`).
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import zstandard

from . import frames

# What Python and the heap take beside the data, about.
_OVERHEAD = 256


@dataclasses.dataclass(slots=True, eq=False)
class StoredBlock:
  """Consecutive rows of one episode.

  Attributes:
    number: of all blocks, in the order in which they came; from 1 on.
    first: its first row.
    num_rows: how many.
    frames: compressed.
    records: compressed; empty until the last row's is known.
    references: sequences in replay that hold it.
    segment: where it is on disk (see `saving`), 0 for nowhere.
  """

  number: int
  first: int
  num_rows: int
  frames: bytes
  records: bytes = b""
  references: int = 0
  segment: int = 0

  @property
  def last(self) -> int:
    return self.first + self.num_rows - 1

  @property
  def num_bytes(self) -> int:
    return _OVERHEAD + len(self.frames) + len(self.records)


class Held(NamedTuple):
  """A sequence, as replay holds it.

  Attributes:
    first: its first row; below 0, padding comes first.
    blocks: with all its rows, and those stacked on the first of them; the
      oldest first.
  """

  first: int
  blocks: tuple[StoredBlock, ...]


# Consecutive ones of an episode, the oldest first.
Blocks = Sequence[StoredBlock]
Decompress = Callable[[bytes], bytes]  # of one thread


def pack(records: np.ndarray, compressor: zstandard.ZstdCompressor) -> bytes:
  """Compresses records `[N]`: first byte of all, second byte of all, ..."""
  planes = records.view(np.uint8).reshape(len(records), -1).T
  return frames.compress(compressor, np.ascontiguousarray(planes).tobytes())


def load_records(
  into: np.ndarray, first: int, blocks: Blocks, decompress: Decompress
) -> None:
  """Writes the records from row `first` on; leaves what no block has.

  Args:
    into: uint8 `[bytes of a record, L]`.
    first: may be below 0.
    blocks: that have rows of these.
    decompress: of this thread.
  """
  for block in blocks:
    there, of_block = _overlap(first, into.shape[1], block)
    planes = np.frombuffer(decompress(block.records), np.uint8)
    into[:, there] = planes.reshape(-1, block.num_rows)[:, of_block]


def load_frames(
  into: np.ndarray, first: int, blocks: Blocks, decompress: Decompress
) -> None:
  """Writes the frames from row `first` on; blank where there is none.

  Args:
    into: uint8 `[L, H, W, C]`.
    first: may be below 0.
    blocks: that have rows of these.
    decompress: of this thread.
  """
  into[: max(-first, 0)] = 0
  into[blocks[-1].last + 1 - first :] = 0
  for block in blocks:
    there, of_block = _overlap(first, len(into), block)
    rows = np.frombuffer(decompress(block.frames), np.uint8)
    into[there] = rows.reshape(-1, *into.shape[1:])[of_block]


def _overlap(
  first: int, length: int, block: StoredBlock
) -> tuple[slice, slice]:
  """The rows that both have: where they go, and where they are."""
  begin = max(block.first, first)
  end = max(min(block.last + 1, first + length), begin)
  there = slice(begin - first, end - first)
  return there, slice(begin - block.first, end - block.first)


def save(blocks: Sequence[StoredBlock]) -> dict[str, np.ndarray]:
  """Arrays of blocks; neither their references nor where they are on disk."""
  table = [
    (b.number, b.first, b.num_rows, len(b.frames), len(b.records))
    for b in blocks
  ]
  data = b"".join(part for b in blocks for part in (b.frames, b.records))
  return {
    "blocks": np.array(table, np.int64).reshape(-1, 5),
    "data": np.frombuffer(data, np.uint8),
  }


def restore(arrays: Mapping[str, np.ndarray]) -> dict[int, StoredBlock]:
  """The blocks that `save` was given, by number."""
  data, end = arrays["data"].tobytes(), 0
  blocks = {}
  for number, first, num_rows, *sizes in arrays["blocks"].tolist():
    begin, middle, end = end, end + sizes[0], end + sum(sizes)
    parts = data[begin:middle], data[middle:end]
    blocks[number] = StoredBlock(number, first, num_rows, *parts)
  return blocks
