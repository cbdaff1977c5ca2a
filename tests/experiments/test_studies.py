"""Intervals, measures and claims, against sums done by hand."""

import itertools

import numpy as np
import pytest

from behavior_transfer.experiments import studies
from behavior_transfer.experiments.studies import (
  arms,
  atari57,
  claims,
  findings,
  report,
  results,
  statistics,
  study,
)


def _result(game, arm, returns, extra_action=None, pretraining_frames=0):
  """A run as it logged, of which only what is given matters."""
  run = study.Run(
    f"{game}/{arm}", (), 100, game, arm, pretraining_frames=pretraining_frames
  )
  evaluations = {
    "frames": np.arange(1.0, len(returns) + 1),
    "episode_return": np.array(returns, float),
  }
  if extra_action is not None:
    evaluations["extra_action"] = np.array(extra_action, float)
  return results.Result(run, evaluations, {})


def test_an_interval_is_that_of_all_resamples():
  strata = [[1.0, 2.0, 6.0], [3.0, 10.0, 11.0]]
  means = [
    [np.mean(sample) for sample in itertools.product(stratum, repeat=3)]
    for stratum in strata
  ]
  every = [(a + b) / 2 for a, b in itertools.product(*means)]
  interval = statistics.mean(strata)
  assert interval.estimate == pytest.approx((3 + 8) / 2)
  expected = np.percentile(every, [2.5, 97.5])
  np.testing.assert_allclose(interval[1:], expected, atol=0.2)


def test_the_interval_of_a_difference_resamples_both_arms():
  better, worse = [5.0, 7.0, 9.0], [1.0, 2.0, 3.0, 4.0]
  every = [
    np.mean(b) - np.mean(w)
    for b in itertools.product(better, repeat=3)
    for w in itertools.product(worse, repeat=4)
  ]
  interval = statistics.difference(better, worse)
  assert interval.estimate == pytest.approx(7 - 2.5)
  np.testing.assert_allclose(
    interval[1:], np.percentile(every, [2.5, 97.5]), atol=0.15
  )


def test_a_median_is_over_games_and_not_over_runs():
  interval = statistics.median([[0.0, 2.0], [4.0, 4.0], [100.0, 300.0]])
  assert interval.estimate == 4
  assert interval.low <= 4 <= interval.high


def test_a_single_seed_has_no_interval():
  interval = statistics.mean([[3.0]])
  assert interval.estimate == 3
  assert np.isnan(interval.low)
  assert np.isnan(interval.high)


def test_measures_by_hand():
  result = _result(
    "maze_far", "bt_ngu", [0, 2, 4, 6, 8, 10, 1, 3], [0, 0, 0, 3, 3, 3, 1, 1]
  )
  assert results.final(result) == 2
  assert results.overall(result) == 34 / 8
  assert results.early(result) == 3
  # Thirds of eight are 3, 2 and 3.
  assert results.extra_action_rise(result) == 3
  assert results.extra_action_fall(result) == pytest.approx(3 - 5 / 3)


def test_one_evaluation_is_all_parts_of_a_run():
  result = _result("maze_far", "r2d2", [7])
  assert results.final(result) == results.early(result) == 7


def test_human_normalised_scores():
  assert atari57.human_normalised("pong", -20.7) == 0
  assert atari57.human_normalised("pong", 14.6) == 1
  assert atari57.human_normalised("hero", 2 * 30826.4 - 1027) == pytest.approx(
    2
  )
  runs = [
    _result("pong", "r2d2", [14.6]),
    _result("pong", "r2d2", [14.6]),
    _result("hero", "r2d2", [1027]),
    _result("hero", "r2d2", [1027]),
  ]
  interval = results.median_normalised(runs, ("pong", "hero"), "r2d2")
  assert interval == (0.5, 0.5, 0.5)
  assert results.median_normalised(runs, ("pong", "qbert"), "r2d2") is None
  assert results.median_normalised(runs, ("maze_far",), "r2d2") is None


def test_the_longest_pretraining_is_shown_unless_another_is_asked_for():
  short, long = (
    _result("pong", "bt_ngu", [n], pretraining_frames=n) for n in (10, 20)
  )
  assert results.select([short, long], "pong", "bt_ngu") == [long]
  assert results.select([short, long], "pong", "bt_ngu", 10) == [short]
  assert results.select([short, long], "pong", "r2d2") == []


def _examine(better, worse):
  claim = claims.Claim(
    "", (claims.Comparison("maze_far", "bt_ngu", "r2d2", "final"),)
  )
  runs = [_result("maze_far", "bt_ngu", [x]) for x in better]
  runs += [_result("maze_far", "r2d2", [x]) for x in worse]
  return findings.verdict(findings.examine(claim, runs))


def test_verdicts():
  assert _examine([5, 6, 7], [1, 2, 3]) == "holds"
  assert _examine([1, 2, 3], [5, 6, 7]) == "the contrary holds"
  assert _examine([1, 5, 9], [2, 5, 8]) == "not shown"
  assert _examine([5, 5], [5, 5]) == "not shown"
  assert _examine([5], [1]) == "too few runs"
  assert _examine([5, 6], []) == "too few runs"


def test_a_claim_holds_only_where_all_of_it_does():
  holds = findings.Finding(None, statistics.Interval(1, 0.5, 2), (3, 3))
  open_ = findings.Finding(None, statistics.Interval(1, -0.5, 2), (3, 3))
  against = findings.Finding(None, statistics.Interval(-1, -2, -0.5), (3, 3))
  assert findings.verdict([holds, holds]) == "holds"
  assert findings.verdict([holds, open_]) == "not shown in part"
  assert (
    findings.verdict([holds, open_, against]) == "the contrary holds in part"
  )


@pytest.mark.parametrize("name", studies.STUDIES)
def test_a_study_has_the_runs_that_its_claims_compare(name):
  asked = studies.STUDIES[name]
  assert set(asked.arms) <= set(arms.ARMS)
  for claim in asked.claims:
    for comparison in claim.comparisons:
      assert comparison.game in asked.games
      assert comparison.better in asked.arms
      assert comparison.worse is None or comparison.worse in asked.arms
      assert comparison.measure in results.MEASURES


def test_tables_say_what_was_compared():
  small = study.Study(
    "small",
    "",
    games=("maze_far",),
    arms=("r2d2", "bt_ngu"),
    claims=(
      claims.Claim(
        "Better", (claims.Comparison("maze_far", "bt_ngu", "r2d2"),)
      ),
    ),
  )
  runs = [
    _result("maze_far", "bt_ngu", [4, 4]),
    _result("maze_far", "r2d2", [1]),
  ]
  runs += [
    _result("maze_far", "bt_ngu", [6, 6]),
    _result("maze_far", "r2d2", [3]),
  ]
  assert report.scores(runs, small)[1:] == [
    ["maze_far", "R2D2, ε-greedy", "2", "2 (1 to 3)", "2 (1 to 3)"],
    ["maze_far", "BT(π NGU)", "2", "5 (4 to 6)", "5 (4 to 6)"],
  ]
  _, claim, comparison = report.claims_table(runs, small)
  assert claim == ["Better", "", "", "", "", "holds"]
  assert comparison[1:] == [
    "maze_far",
    "BT(π NGU) less R2D2, ε-greedy; overall",
    "3 (1 to 5)",
    "2, 2",
    "holds",
  ]
  assert report.medians(runs, small)[1:] == []
