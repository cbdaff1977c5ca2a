"""What the runs of a study gave, as they logged it."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from behavior_transfer.agents import checkpoints
from behavior_transfer.experiments import workdirs

from . import arms, atari57, statistics
from .study import Run

RECORD, EVALUATIONS = "run.json", "eval.csv"
LOGS = EVALUATIONS, "train.csv"


@dataclasses.dataclass(frozen=True)
class Result:
  """A run that is complete.

  Attributes:
    run: Which.
    evaluations: Columns of its evaluations, in their order.
    training: Columns of its training episodes.
  """

  run: Run
  evaluations: workdirs.Columns
  training: workdirs.Columns


def is_complete(run: Run, folder: pathlib.Path) -> bool:
  """Whether the run has spent its budget and played its last evaluation."""
  log = workdirs.read_log(folder / run.name / EVALUATIONS)
  return bool(log) and log["frames"][-1] >= run.frames


def is_done(run: Run, folder: pathlib.Path) -> bool:
  """Whether nothing is left to do: complete, and of use to those that need it.

  The checkpoints of a learner may be deleted by then. Those of a pre-training
  may not, since others start from them.
  """
  if run.arm not in arms.PRETRAININGS:
    return is_complete(run, folder)
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
    Result(run, *(workdirs.read_log(folder / run.name / log) for log in LOGS))
    for run in runs
    if is_complete(run, folder)
  ]


def select(
  results: Sequence[Result],
  game: str,
  arm: str,
  pretraining_frames: int | None = None,
) -> list[Result]:
  """The seeds of an arm on a game; None means the longest pre-training."""
  found = [r for r in results if (r.run.game, r.run.arm) == (game, arm)]
  if pretraining_frames is None:
    pretraining_frames = max(
      (r.run.pretraining_frames for r in found), default=0
    )
  return [r for r in found if r.run.pretraining_frames == pretraining_frames]


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
  """By how much a+ is used more in the middle third than in the first."""
  use = result.evaluations["extra_action"]
  return _mean(use, 1 / 3, 2 / 3) - _mean(use, 0, 1 / 3)


def extra_action_fall(result: Result) -> float:
  """By how much a+ is used less in the last third than in the middle one."""
  use = result.evaluations["extra_action"]
  return _mean(use, 1 / 3, 2 / 3) - _mean(use, 2 / 3, 1)


MEASURES: dict[str, Callable[[Result], float]] = {
  function.__name__: function
  for function in (final, overall, early, extra_action_rise, extra_action_fall)
}


def median_normalised(
  results: Sequence[Result],
  games: Sequence[str],
  arm: str,
  pretraining_frames: int | None = None,
) -> statistics.Interval | None:
  """Median over the games of the human-normalised final return.

  0 is a random policy's, 1 is a person's. None where a game lacks runs, or is
  none of the 57.
  """
  strata = [
    [
      atari57.human_normalised(game, final(result))
      for result in select(results, game, arm, pretraining_frames)
    ]
    for game in games
    if game in atari57.SCORES
  ]
  if len(strata) < len(games) or not all(strata):
    return None
  return statistics.median(strata)


def _mean(values: np.ndarray, start: float, stop: float) -> float:
  """Mean of a part, of one value at least."""
  first = min(round(start * len(values)), len(values) - 1)
  last = max(round(stop * len(values)), first + 1)
  return float(np.mean(values[first:last]))
