"""Intervals, measures and claims, against sums done by hand."""

import itertools

import numpy as np
import pytest

from behavior_transfer.agents import r2d2
from behavior_transfer.experiments import presets, studies
from behavior_transfer.experiments.studies import (
  atari57,
  claims,
  figures,
  findings,
  medians,
  report,
  results,
  scales,
  statistics,
  study,
  suites,
)


def _result(game, arm, returns, extra_action=None, seed=0, share=1.0):
  """A run as it logged, of which only what is given matters."""
  name = f"{game}/{arm}@{share}/{seed}"
  run = study.Run(name, "", {}, 100, game, arm, seed, share)
  evaluations = {
    "frames": np.arange(1.0, len(returns) + 1),
    "episode_return": np.array(returns, float),
  }
  if extra_action is not None:
    evaluations["extra_action"] = np.array(extra_action, float)
  return results.Result(run, evaluations)


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
  interval = statistics.median([[0.0, 2.0], [4.0], [100.0, 300.0, 500.0]])
  assert interval.estimate == 4  # that of the runs is 100


def test_a_single_seed_has_no_interval():
  interval = statistics.mean([[3.0]])
  assert interval.estimate == 3
  assert np.isnan(interval.low)
  assert np.isnan(interval.high)


def test_measures_by_hand():
  result = _result(
    "maze_far", "bt_ngu", [0, 2, 4, 6, 8, 10, 1, 3], [4, 1, 2, 3, 9, 9, 1, 0]
  )
  assert results.final(result) == 2
  assert results.overall(result) == 34 / 8
  assert results.early(result) == 3
  assert results.extra_action_rise(result) == pytest.approx((1 + 2 + 3) / 3 - 4)
  assert results.extra_action_fall(result) == pytest.approx(10 / 4 - 0.5)


def test_one_evaluation_is_all_parts_of_a_run():
  result = _result("maze_far", "r2d2", [7], [0.5])
  assert results.final(result) == results.early(result) == 7
  assert results.extra_action_rise(result) == 0


def test_human_normalised_scores():
  assert atari57.human_normalised("pong", -20.7) == 0
  assert atari57.human_normalised("pong", 14.6) == 1
  assert atari57.human_normalised("hero", 2 * 30826.4 - 1027) == pytest.approx(
    2
  )


def _both_halves(seeds):
  """Pong as people play it, Hero as chance does, with a way to get there."""
  return [
    _result(game, "r2d2", returns, seed=seed)
    for game, returns in (("pong", [-20.7, 14.6]), ("hero", [1027, 1027]))
    for seed in range(seeds)
  ]


def test_a_median_by_hand():
  games = ("pong", "hero")
  ends = [_result("pong", "r2d2", [14.6]), _result("hero", "r2d2", [1027])]
  assert medians.final(ends, games, "r2d2").estimate == 0.5
  assert medians.final(_both_halves(2), games, "r2d2") == (0.5, 0.5, 0.5)
  frames, bounds = medians.curve(
    _both_halves(2), games, "r2d2", "episode_return"
  )
  assert [*frames] == [1, 2]
  assert bounds.T.tolist() == [[0, 0, 0], [0.5, 0.5, 0.5]]
  assert medians.final(ends, (*games, "qbert"), "r2d2") is None
  assert (
    medians.curve(ends, (*games, "qbert"), "r2d2", "episode_return") is None
  )
  assert medians.curve(ends, games, "bt_ngu", "episode_return") is None


def test_medians_are_of_the_papers_sets_of_games_alone():
  assert [*medians.within(studies.STUDIES["figure6"].games)] == [
    *medians.SUITES
  ]
  assert [*medians.within(studies.STUDIES["ablation"].games)] == [
    "12 games of the ablation"
  ]
  assert not medians.within(studies.STUDIES["figure5"].games)


def test_medians_are_drawn_over_frames_and_over_budgets(tmp_path):
  games = suites.ABLATION
  runs = [
    _result(game, "bt_ngu", [0, 1000 * share], seed=seed, share=share)
    for game in games
    for share in (0.5, 1.0)
    for seed in range(2)
  ]
  names = ("r2d2", "bt_ngu")
  figures.draw_medians(
    runs, games, names, "episode_return", tmp_path / "medians"
  )
  figures.draw_budgets(runs, games, names, {0.5: 1e6, 1.0: 2e6}, tmp_path)
  for name in ("medians", "budgets"):
    assert (tmp_path / f"{name}.png").stat().st_size > 0
    drawing = (tmp_path / f"{name}.svg").read_text()
    # Titles, and a legend of what has runs.
    assert "12 games of the ablation" in drawing
    assert "BT(π NGU)" in drawing
    assert "R2D2" not in drawing


def test_the_whole_pretraining_is_shown_unless_a_share_is_asked_for():
  half, whole = (_result("pong", "bt_ngu", [n], share=n) for n in (0.5, 1.0))
  assert results.select([half, whole], "pong", "bt_ngu") == [whole]
  assert results.select([half], "pong", "bt_ngu") == []
  assert results.select([half, whole], "pong", "bt_ngu", 0.5) == [half]
  assert results.select([half, whole], "pong", "r2d2") == []


def test_a_test_counts_the_ways_to_divide_the_seeds():
  assert statistics.p_value([5, 6, 7], [1, 2, 3]) == pytest.approx(1 / 20)
  assert statistics.p_value([1, 2, 3], [5, 6, 7]) == pytest.approx(1)
  # Ten of the 20 pairs of triples have the larger sum in front.
  assert statistics.p_value([1, 5, 8.5], [2, 4, 8]) == pytest.approx(
    np.mean(
      [
        sum(first) >= 14.5
        for first in itertools.combinations([1, 5, 8.5, 2, 4, 8], 3)
      ]
    )
  )
  assert statistics.p_value([1, 2, 3]) == pytest.approx(1 / 8)
  assert statistics.p_value([0, 0], [0, 0]) == 1


def test_tests_find_what_is_not_there_as_often_as_they_say():
  rng = np.random.default_rng(0)
  found = [
    statistics.p_value(*rng.normal(size=(2, 4))) <= findings.LEVEL
    for _ in range(300)
  ]
  assert 0.02 < np.mean(found) < 0.08


def _examine(better, worse, missing=0, arms=("bt_ngu", "r2d2")):
  """The verdict on final returns, by seed, of the planned seeds."""
  claim = claims.Claim("", (claims.Comparison("maze_far", *arms, "final"),))
  done = [
    _result("maze_far", arm, [x], seed=seed)
    for arm, values in zip(arms, (better, worse), strict=True)
    for seed, x in enumerate(values)
  ]
  plan = [result.run for result in done]
  return findings.examine(claim, done[: len(done) - missing], plan)


def test_verdicts():
  def verdict(*args, **kwargs):
    return findings.verdict(_examine(*args, **kwargs))

  assert verdict([5, 6, 7], [1, 2, 3]) == "holds"
  assert verdict([1, 2, 3], [5, 6, 7]) == "the contrary holds"
  assert verdict([1, 5, 9], [2, 5, 8]) == "not shown"
  assert verdict([5, 5], [5, 5]) == "not shown"
  assert verdict([5, 6], [1, 2]) == "not shown"  # by chance in one of six
  assert verdict([5, 6, 7], [1, 2, 3], missing=1) == "too few runs"


def test_arms_that_share_policies_are_compared_on_the_same_seeds():
  """Else one has another mixture of policies than the other."""
  (finding,) = _examine(
    [1, 2, 3, 9, 9], [1, 2, 3], arms=("bt_ngu", "bt_no_flights")
  )
  assert finding.seeds == (3, 3)
  assert finding.interval.estimate == 0
  (finding,) = _examine([1, 2, 3, 9, 9], [1, 2, 3])
  assert finding.seeds == (5, 3)


def test_a_claim_holds_only_where_all_of_it_does():
  def verdict(*words):
    return findings.verdict(
      [findings.Finding(None, (3, 3), word) for word in words]
    )

  assert verdict("holds", "holds") == "holds"
  assert verdict("holds", "not shown") == "not shown in 1 of 2"
  assert verdict("not shown", "too few runs") == "too few runs in 1 of 2"
  assert (
    verdict("holds", "too few runs", "the contrary holds")
    == "the contrary holds in 1 of 3"
  )


@pytest.mark.parametrize("name", studies.STUDIES)
def test_a_study_has_the_runs_that_its_claims_compare(name):
  asked = studies.STUDIES[name]
  planned = {
    (run.game, run.arm) for run in study.plan(asked, scales.SCALES[asked.scale])
  }
  for claim in asked.claims:
    for comparison in claim.comparisons:
      for arm in (comparison.better, comparison.worse or comparison.better):
        assert (comparison.game, arm) in planned
      assert comparison.measure in results.MEASURES


@pytest.mark.parametrize("scale", scales.SCALES)
@pytest.mark.parametrize("name", studies.STUDIES)
def test_learning_starts_long_before_a_run_ends(name, scale):
  for run in study.plan(studies.STUDIES[name], scales.SCALES[scale]):
    flags = dict(flag[2:].split("=") for flag in run.command[1:] if "=" in flag)
    preset = presets.PRESETS[flags["preset"]]
    given = {**preset.fields(r2d2.R2D2Config, run.game), **flags}
    defaults = r2d2.R2D2Config()
    sequences, period = (
      int(given.get(name, getattr(defaults, name)))
      for name in ("min_replay_size", "sequence_period")
    )
    assert 4 * (sequences * period * 4) <= run.frames, run.name


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
    _result("maze_far", arm, returns, seed=seed)
    for arm, seeds in (("bt_ngu", ([4, 4], [6, 6])), ("r2d2", ([1], [3])))
    for seed, returns in enumerate(seeds)
  ]
  assert report.scores(runs, small)[1:] == [
    ["maze_far", "R2D2, ε-greedy", "2", "2 (1 to 3)", "2 (1 to 3)"],
    ["maze_far", "BT(π NGU)", "2", "5 (4 to 6)", "5 (4 to 6)"],
  ]
  plan = [result.run for result in runs]
  _, claim, comparison = report.claims_table(runs, small, plan)
  assert claim == ["Better", "", "", "", "", "", "not shown"]
  assert comparison[1:] == [
    "maze_far",
    "BT(π NGU) less R2D2, ε-greedy; overall",
    "3 (1 to 5)",
    "0.17",
    "2, 2",
    "not shown",
  ]
  assert report.medians(runs, small)[1:] == []
