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


def pack(records: np.ndarray, compressor: zstandard.ZstdCompressor) -> bytes:
  """Compresses records `[N]`: first byte of all, second byte of all, ..."""
  planes = records.view(np.uint8).reshape(len(records), -1).T
  return frames.compress(compressor, np.ascontiguousarray(planes).tobytes())


def unpack(data: bytes, num_rows: int) -> np.ndarray:
  """The bytes of records that `pack` was given, uint8 `[N, bytes of one]`."""
  return np.frombuffer(data, np.uint8).reshape(-1, num_rows).T


def load(
  into: np.ndarray,
  first: int,
  blocks: Sequence[StoredBlock],
  rows_of: Callable[[StoredBlock], np.ndarray],
) -> None:
  """Writes the rows from `first` on; leaves those that no block has.

  Args:
    into: uint8 `[L, ...]`.
    first: may be below 0.
    blocks: that have rows of these.
    rows_of: a block -> its rows, uint8 `[N, ...]`.
  """
  for block in blocks:
    begin = max(block.first, first)
    end = max(min(block.last + 1, first + len(into)), begin)
    rows = rows_of(block)[begin - block.first : end - block.first]
    into[begin - first : end - first] = rows


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
