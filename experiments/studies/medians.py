"""Median human-normalised scores of sets of games."""

from collections.abc import Callable, Sequence

import numpy as np

from . import atari57, statistics, suites
from . import results as results_lib
from .results import Result

SUITES = {
  "57 games": suites.ATARI_57,
  "6 games of hard exploration": suites.HARD_EXPLORATION,
  "12 games of the ablation": suites.ABLATION,
}
_MAX_POINTS = 40  # of a curve; each is a bootstrap


def within(games: Sequence[str]) -> dict[str, Sequence[str]]:
  """The sets, by name, all of whose games a study has."""
  return {
    name: suite for name, suite in SUITES.items() if set(suite) <= set(games)
  }


def final(
  results: Sequence[Result],
  games: Sequence[str],
  arm: str,
  share: float = 1.0,
) -> statistics.Interval | None:
  """Median over the games of the human-normalised final return.

  0 is a random policy's, 1 is a person's. None where a game lacks runs.
  """
  return _median(results, games, arm, results_lib.final, share)


def curve(
  results: Sequence[Result], games: Sequence[str], arm: str, column: str
) -> tuple[np.ndarray, np.ndarray] | None:
  """The median of a column of the evaluations over frames.

  Returns:
    Frames, [points], and the median with its bounds at each, [3, points]; None
    where a game lacks runs.
  """
  logged = [r for game in games for r in results_lib.select(results, game, arm)]
  if not logged:
    return None
  shortest = min((r.evaluations["frames"] for r in logged), key=len)
  every = -(-len(shortest) // _MAX_POINTS)
  frames = shortest[::-1][::every][::-1]  # the last one among them
  medians = []
  for frame in frames:

    def at_frame(result: Result, frame: float = frame) -> float:
      columns = result.evaluations
      return float(np.interp(frame, columns["frames"], columns[column]))

    medians.append(_median(results, games, arm, at_frame))
  return None if None in medians else (frames, np.array(medians).T)


def _median(
  results: Sequence[Result],
  games: Sequence[str],
  arm: str,
  measure: Callable[[Result], float],
  share: float = 1.0,
) -> statistics.Interval | None:
  strata = [
    [
      atari57.human_normalised(game, measure(result))
      for result in results_lib.select(results, game, arm, share)
    ]
    for game in games
  ]
  return statistics.median(strata) if all(strata) else None
