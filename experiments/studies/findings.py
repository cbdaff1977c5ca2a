"""What became of the paper's claims in a study's runs."""

from collections.abc import Sequence
from typing import NamedTuple

from . import arms, claims, statistics
from . import results as results_lib
from .results import Result
from .study import Run

LEVEL = 0.05  # of the tests, one-sided

# From what weighs most in a claim that is made of several comparisons.
CONTRARY, TOO_FEW, NOT_SHOWN, HOLDS = (
  "the contrary holds",
  "too few runs",
  "not shown",
  "holds",
)


class Finding(NamedTuple):
  """What a comparison gave.

  Attributes:
    comparison: Which.
    seeds: Of the better and of the worse arm.
    verdict: One of the words above.
    interval: Of the difference; None where runs are missing.
    p_value: Of a difference at least as large; None where runs are missing.
  """

  comparison: claims.Comparison
  seeds: tuple[int, int]
  verdict: str
  interval: statistics.Interval | None = None
  p_value: float | None = None


def examine(
  claim: claims.Claim, results: Sequence[Result], plan: Sequence[Run]
) -> list[Finding]:
  """Puts a claim to the test.

  Args:
    claim: Which.
    results: Of the runs that are complete.
    plan: All runs of the study. Where one is missing there is no verdict:
      whoever looks again and again finds what is not there.
  """
  return [
    _compare(comparison, results, plan) for comparison in claim.comparisons
  ]


def verdict(findings: Sequence[Finding]) -> str:
  """What becomes of a claim, which holds where all of its comparisons do."""
  verdicts = [finding.verdict for finding in findings]
  for word in (CONTRARY, TOO_FEW, NOT_SHOWN):
    if word in verdicts:
      count = verdicts.count(word)
      return (
        word
        if count == len(verdicts)
        else f"{word} in {count} of {len(verdicts)}"
      )
  return HOLDS


def _compare(
  comparison: claims.Comparison, results: Sequence[Result], plan: Sequence[Run]
) -> Finding:
  game, better, worse = comparison.game, comparison.better, comparison.worse
  runs = [
    [run for run in plan if (run.game, run.arm, run.share) == (game, arm, 1)]
    for arm in (better, worse)
  ]
  if worse is not None and _transfer_from_the_same(better, worse):
    # Which policies an arm transfers from depends on how many seeds it has.
    common = set.intersection(*({run.seed for run in arm} for arm in runs))
    runs = [[run for run in arm if run.seed in common] for arm in runs]
  measure = results_lib.MEASURES[comparison.measure]
  done = {result.run.name: result for result in results}
  values = [
    [measure(done[run.name]) for run in arm if run.name in done] for arm in runs
  ]
  seeds = len(values[0]), len(values[1])
  if seeds != (len(runs[0]), len(runs[1])):
    return Finding(comparison, seeds, TOO_FEW)
  if worse is None:
    interval = statistics.mean(values[:1])
  else:
    interval = statistics.difference(*values)
  p_value = statistics.p_value(*values)
  opposite = statistics.p_value(*(tuple(-x for x in arm) for arm in values))
  word = (
    HOLDS if p_value <= LEVEL else CONTRARY if opposite <= LEVEL else NOT_SHOWN
  )
  return Finding(comparison, seeds, word, interval, p_value)


def _transfer_from_the_same(one: str, other: str) -> bool:
  sources = {arms.ARMS[arm].pretraining for arm in (one, other)}
  return len(sources) == 1 and None not in sources
