"""The embedded replay on disk: each save writes what is new, once.

A save makes one segment, a file named by the number of sequences that had come
by then. It has the sequences since the save before, and those of their blocks
that no earlier segment has. What changes is little and goes into the run's
checkpoint, with the list of the segments.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ... import files
from .. import checkpoints
from . import blocks as blocks_lib
from . import store

_SUFFIX = ".npz"


class Saver:
  """Saves a replay into a folder of its own, and restores it."""

  def __init__(
    self, replay: store.Replay, folder: str | os.PathLike, keep: int = 3
  ):
    """Initialises the saver; nothing is read or written yet.

    Args:
      replay: an empty one, or one that was saved nowhere else.
      folder: of segments, created if missing.
      keep: checkpoints of the run that stay.
    """
    self._replay, self._folder = replay, Path(folder)
    # While a checkpoint is being written, there is one more.
    self._keep = keep + 1
    self._segments: list[int] = []
    # Of the newest saves, the oldest segment that each needs.
    self._needed: list[int] = []

  def save(self) -> dict[str, np.ndarray]:
    """Writes the new segment, and removes those that nobody needs.

    Returns:
      What the checkpoint has to hold.
    """
    self._folder.mkdir(parents=True, exist_ok=True)
    replay = self._replay
    begin, end = max(self._segments, default=0), replay.inserts
    live = replay.live_blocks().values()
    if end > begin:
      new = [block for block in live if not block.segment]
      self._write(end, {**replay.save_sequences(begin), **blocks_lib.save(new)})
      for block in new:
        block.segment = end
      self._segments.append(end)
    self._needed.append(min((block.segment for block in live), default=0))
    self._needed = self._needed[-self._keep :]
    self._segments = [s for s in self._segments if s >= min(self._needed)]
    self._remove_others()
    return {
      **replay.save_state(),
      "segments": np.array(self._segments, np.int64),
      "needed": np.array(self._needed, np.int64),
    }

  def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
    """Restores an empty replay, and removes what was written later.

    Args:
      arrays: what `save` returned.

    Raises:
      CheckpointError: a file is missing or damaged.
    """
    self._segments = arrays["segments"].tolist()
    self._needed = arrays["needed"].tolist()
    self._replay.restore_state(arrays)
    known: dict[int, blocks_lib.StoredBlock] = {}
    for segment in self._segments:
      if segment >= self._needed[-1]:
        self._read(segment, known)
    self._remove_others()

  def _path(self, segment: int) -> Path:
    return self._folder / f"{segment:012d}{_SUFFIX}"

  def _write(self, segment: int, arrays: Mapping[str, np.ndarray]) -> None:
    path = self._path(segment)
    with files.whole(path) as partial:
      files.write_arrays(partial, arrays)

  def _read(
    self, segment: int, known: dict[int, blocks_lib.StoredBlock]
  ) -> None:
    path = self._path(segment)
    try:
      with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
      new = blocks_lib.restore(arrays)
      for block in new.values():
        block.segment = segment
      known.update(new)
      self._replay.restore_sequences(arrays, known)
    except FileNotFoundError:
      fault = "no such segment of replay"
      raise checkpoints.CheckpointError(path, fault) from None
    except Exception as error:
      fault = f"damaged segment of replay, {type(error).__name__} {error}"
      raise checkpoints.CheckpointError(path, fault) from None

  def _remove_others(self) -> None:
    kept = {self._path(segment) for segment in self._segments}
    for path in self._folder.glob(f"*{_SUFFIX}"):
      if path not in kept:
        path.unlink()
