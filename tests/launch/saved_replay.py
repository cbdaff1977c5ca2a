"""Reads what a launcher has saved of a replay."""

import pathlib
from typing import NamedTuple


class SavedReplay(NamedTuple):
  """The one table of a replay, as it was when it was saved.

  Attributes:
    items: That it holds.
    inserts: So far.
    samples: So far.
    keeps_ratio: Whether they are in the proportion that its limiter asks for.
  """

  items: int
  inserts: int
  samples: int
  keeps_ratio: bool


def read(folder: pathlib.Path) -> SavedReplay:
  """The newest checkpoint in the folder of a replay."""
  # Which bring TensorFlow, and take long.
  import reverb  # noqa: F401  (makes the next one importable)
  import tensorflow as tf
  from reverb.cc.checkpointing import checkpoint_pb2

  newest = max(path.parent for path in folder.glob("*/DONE"))
  (record,) = tf.data.TFRecordDataset(str(newest / "tables.tfrecord"))
  table = checkpoint_pb2.PriorityTableCheckpoint.FromString(record.numpy())
  limiter = table.rate_limiter
  inserts, samples = limiter.insert_count, limiter.sample_count
  ahead = inserts * limiter.samples_per_insert - samples
  return SavedReplay(
    len(table.items),
    inserts,
    samples,
    limiter.min_diff <= ahead <= limiter.max_diff,
  )
