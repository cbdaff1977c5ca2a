"""What the runs of a study gave, as they logged it."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Collection, Sequence

import numpy as np

from behavior_transfer.agents import checkpoints
from behavior_transfer.experiments import workdirs

from .study import Run

RECORD, LOG = "run.json", "eval.csv"
_PLACES = ("--workdir=", "--pretrained=")  # flags that name a folder


@dataclasses.dataclass(frozen=True)
class Result:
  """A run that is complete.

  Attributes:
    run: Which.
    evaluations: Columns of its evaluations, in their order.
  """

  run: Run
  evaluations: workdirs.Columns


def check_folder(runs: Sequence[Run], folder: pathlib.Path):
  """Refuses a folder in which others of these names are.

  Raises:
    ValueError: A run there was started with other flags.
  """
  for run in runs:
    record = folder / run.name / RECORD
    if record.exists():
      there = _settings(json.loads(record.read_text())["command"])
      here = _settings(run.command)
      if there != here:
        raise ValueError(
          f"{folder}/{run.name} was started with"
          f" {' '.join(sorted(there - here)) or 'less'}; this study and scale"
          f" have {' '.join(sorted(here - there)) or 'less'}: choose another"
          " --folder"
        )


def _settings(command: Sequence[str]) -> set[str]:
  return {x for x in command if x[:2] == "--" and not x.startswith(_PLACES)}


def is_complete(run: Run, folder: pathlib.Path) -> bool:
  """Whether the run has spent its budget and played its last evaluation."""
  log = workdirs.read_log(folder / run.name / LOG)
  return bool(log) and log["frames"][-1] >= run.frames


def needed(runs: Sequence[Run], folder: pathlib.Path) -> set[str]:
  """Names of the runs that those start from which are not complete."""
  left = [run for run in runs if not is_complete(run, folder)]
  return {need for run in left for need in run.needs}


def is_done(run: Run, folder: pathlib.Path, needed: Collection[str]) -> bool:
  """Whether nothing is left to do.

  The checkpoints of a run may be deleted by then, unless it is among those that
  are needed.
  """
  if not is_complete(run, folder):
    return False
  if run.name not in needed:
    return True
  try:
    path = checkpoints.resolve(folder / run.name)
    manifest = checkpoints.read_manifest(path)
  except (ValueError, OSError):  # there is no checkpoint
    return False
  repeat = manifest["environment"]["action_repeat"]
  return manifest["counts"]["evaluated"] * repeat >= run.frames


def read(runs: Sequence[Run], folder: pathlib.Path) -> list[Result]:
  """Results of the runs that are complete, pre-trainings included."""
  return [
    Result(run, workdirs.read_log(folder / run.name / LOG))
    for run in runs
    if is_complete(run, folder)
  ]


def select(
  results: Sequence[Result], game: str, arm: str, share: float = 1.0
) -> list[Result]:
  """The seeds of an arm on a game, at a share of the pre-training's budget."""
  wanted = (game, arm, share)
  return [r for r in results if (r.run.game, r.run.arm, r.run.share) == wanted]


def final(result: Result) -> float:
  """Mean return of the last quarter of the evaluations."""
  return _mean(result.evaluations["episode_return"], 3 / 4, 1)


def overall(result: Result) -> float:
  """Mean return of all evaluations: high for who learns soon, and much."""
  return _mean(result.evaluations["episode_return"], 0, 1)


def early(result: Result) -> float:
  """Mean return of the first half of the evaluations."""
  return _mean(result.evaluations["episode_return"], 0, 1 / 2)


def extra_action_rise(result: Result) -> float:
  """By how much a+ is used more in the first half than in its beginning.

  The beginning is the first evaluation, which the rest of the half is compared
  with.
  """
  use = result.evaluations["extra_action"]
  return _mean(use, 1 / len(use), 1 / 2) - float(use[0])


def extra_action_fall(result: Result) -> float:
  """By how much a+ is used less in the last quarter than in the first half."""
  use = result.evaluations["extra_action"]
  return _mean(use, 0, 1 / 2) - _mean(use, 3 / 4, 1)


MEASURES: dict[str, Callable[[Result], float]] = {
  function.__name__: function
  for function in (final, overall, early, extra_action_rise, extra_action_fall)
}


def _mean(values: np.ndarray, start: float, stop: float) -> float:
  """Mean of a part, of one value at least."""
  first = min(round(start * len(values)), len(values) - 1)
  last = max(round(stop * len(values)), first + 1)
  return float(np.mean(values[first:last]))
