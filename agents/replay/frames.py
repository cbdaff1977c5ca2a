"""An environment's frames in compressed blocks.

Knows neither JAX nor agents: it runs in the processes that step environments.
Consecutive frames are nearly alike, so a block of them takes little more than
its first one. Where an observation is a stack of frames, only the newest is
kept; the others are rows of their own.
"""

import numpy as np
import zstandard

from . import cutter as cutter_lib

LEVEL = 1  # the next ones save nothing


# Consecutive frames of one episode, the oldest first, and how many they are.
Block = tuple[bytes, int]


def compress(
  compressor: zstandard.ZstdCompressor, data: bytes | memoryview
) -> bytes:
  """Compresses so that what is kept takes its own size in memory.

  The compressor's bytes lie at the start of a hole that is as large as what
  they were made of, and the heap grows by as much.
  """
  return bytes(memoryview(compressor.compress(data)))


class FrameRecorder:
  """Compresses the frames of one environment, an episode after the other."""

  def __init__(self, cutter: cutter_lib.Cutter, num_stacked: int):
    """Initialises the recorder.

    Args:
      cutter: says where blocks end.
      num_stacked: C; above 1, observations are stacks of C frames along the
        last axis, the newest last.
    """
    self._cutter = cutter
    self._kept = slice(None) if num_stacked == 1 else slice(-1, None)
    self._compressor = zstandard.ZstdCompressor(LEVEL)
    # Those of the block at hand come first; to allocate them anew would take
    # longer than to compress them.
    self._frames: np.ndarray | None = None
    self._num_frames = 0
    self._row = 0

  def begin(self, observation: np.ndarray) -> None:
    """Row 0 of an episode; what was left of the one before is dropped."""
    self._row = self._num_frames = 0
    self._append(observation)

  def add(self, observation: np.ndarray, is_last: bool) -> Block | None:
    """The next row; returns the block that ends with it."""
    self._row += 1
    frames = self._append(observation)
    if not (is_last or self._cutter.ends_block(self._row)):
      return None
    self._num_frames = 0
    return compress(self._compressor, frames.data), len(frames)

  def _append(self, observation: np.ndarray) -> np.ndarray:
    """Keeps a frame; returns those of the block so far."""
    frame = observation[..., self._kept]
    if self._frames is None:
      longest = self._cutter.sequence_period + 1
      self._frames = np.empty((longest, *frame.shape), frame.dtype)
    self._frames[self._num_frames] = frame
    self._num_frames += 1
    return self._frames[: self._num_frames]

  def save_state(self) -> dict[str, np.ndarray]:
    """All that decides about the blocks to come."""
    frames = np.empty(0, np.uint8)
    if self._frames is not None and self._num_frames:
      frames = self._frames[: self._num_frames].copy()
    return {"row": np.array([self._row]), "frames": frames}

  def restore_state(self, arrays: dict[str, np.ndarray]) -> None:
    self._row = int(arrays["row"][0])
    self._num_frames = 0
    for frame in arrays["frames"]:
      self._append(frame)
