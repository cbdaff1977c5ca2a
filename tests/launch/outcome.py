"""What a run came to, for comparison with another that should be the same."""

import csv
import pathlib

import numpy as np

_LOGS = ("train.csv", "eval.csv", "learner.csv")
_OF_THE_CLOCK = "walltime"


def read(workdir: pathlib.Path) -> dict[str, np.ndarray]:
  """All arrays of the newest checkpoint and of replay, and the logs' columns.

  Left out is what tells of time.
  """
  checkpoint = max((workdir / "checkpoints").glob("[0-9]*"))
  replay, coverage = workdir / "replay", workdir / "coverage.npz"
  paths = [*checkpoint.rglob("*.npz"), *replay.glob("*.npz"), coverage]
  found = {}
  for path in filter(pathlib.Path.exists, paths):
    with np.load(path) as arrays:
      for name, array in arrays.items():
        found[f"{path.relative_to(workdir)}:{name}"] = array
  for name in filter(lambda name: (workdir / name).exists(), _LOGS):
    with (workdir / name).open(newline="") as file:
      rows = list(csv.DictReader(file))
    for column in rows[0] if rows else ():
      if column != _OF_THE_CLOCK:
        found[f"{name}:{column}"] = np.array([row[column] for row in rows])
  return found


def without_replay(outcome: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """What is the same whenever a run was saved.

  How replay lies on the disk depends on that, and so does the engine's state,
  which has what no file of replay has yet.
  """
  return {
    name: array
    for name, array in outcome.items()
    if not name.startswith("replay/") and "/engine.npz:" not in name
  }


def assert_same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]):
  """That two runs came to the same, to the last bit."""
  assert first and first.keys() == second.keys()
  # All names at once, as they tell where to look.
  differing = [
    name
    for name, array in first.items()
    if array.dtype != second[name].dtype
    or array.shape != second[name].shape
    or array.tobytes() != second[name].tobytes()
  ]
  assert not differing, differing
