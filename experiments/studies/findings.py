"""What became of the paper's claims in a study's runs."""

from collections.abc import Sequence
from typing import NamedTuple

from . import claims, statistics
from . import results as results_lib


class Finding(NamedTuple):
  """What a comparison gave.

  Attributes:
    comparison: Which.
    interval: Of the difference; None where runs are missing.
    seeds: Of the better and of the worse arm.
  """

  comparison: claims.Comparison
  interval: statistics.Interval | None
  seeds: tuple[int, int]

  @property
  def verdict(self) -> str:
    """Whether the interval lies above 0, below it, or about it."""
    if self.interval is None or not self.interval.low <= self.interval.high:
      return "too few runs"
    if self.interval.low > 0:
      return "holds"
    return "the contrary holds" if self.interval.high < 0 else "not shown"


def examine(
  claim: claims.Claim, results: Sequence[results_lib.Result]
) -> list[Finding]:
  """Puts a claim to the test."""
  return [_compare(comparison, results) for comparison in claim.comparisons]


def verdict(findings: Sequence[Finding]) -> str:
  """What becomes of a claim."""
  verdicts = {finding.verdict for finding in findings}
  for word in ("too few runs", "the contrary holds", "not shown"):
    if word in verdicts:
      return word if len(verdicts) == 1 else f"{word} in part"
  return "holds"


def _compare(
  comparison: claims.Comparison, results: Sequence[results_lib.Result]
) -> Finding:
  measure = results_lib.MEASURES[comparison.measure]

  def values(arm: str | None) -> list[float]:
    if arm is None:
      return []
    return [
      measure(result)
      for result in results_lib.select(results, comparison.game, arm)
    ]

  better, worse = values(comparison.better), values(comparison.worse)
  seeds = (len(better), len(worse))
  if not better or not (worse or comparison.worse is None):
    return Finding(comparison, None, seeds)
  interval = (
    statistics.mean([better])
    if comparison.worse is None
    else statistics.difference(better, worse)
  )
  return Finding(comparison, interval, seeds)
