"""What few seeds say: intervals by bootstrap, exact tests by permutation."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

_RESAMPLES = 10_000
CONFIDENCE = 0.95


class Interval(NamedTuple):
  """An estimate with the bounds of its 95 % interval.

  The bounds are nan where a stratum has a single seed, which says nothing of
  what another would give.
  """

  estimate: float
  low: float
  high: float


def mean(strata: Sequence[Sequence[float]]) -> Interval:
  """Mean over the strata of the mean over seeds."""
  return _interval(strata, lambda means: means.mean(axis=0))


def median(strata: Sequence[Sequence[float]]) -> Interval:
  """Median over the strata, which are games, of the mean over seeds."""
  return _interval(strata, lambda means: np.median(means, axis=0))


def difference(better: Sequence[float], worse: Sequence[float]) -> Interval:
  """Mean over the seeds of one arm, less the mean over those of another."""
  return _interval((better, worse), lambda means: means[0] - means[1])


def p_value(better: Sequence[float], worse: Sequence[float] = ()) -> float:
  """How often chance alone gives a mean difference as large, or larger.

  The exact test: of all ways to divide the seeds among the two arms or, where
  there is one arm whose mean is compared with 0, to give them signs. A
  bootstrap of three to five seeds finds differences where there are none two to
  four times as often as its level says; this one does not.
  """
  from scipy import stats

  def difference(*samples: np.ndarray, axis: int) -> np.ndarray:
    first, *others = (sample.mean(axis=axis) for sample in samples)
    return first - sum(others)

  arms = [np.asarray(arm, float) for arm in (better, worse) if len(arm)]
  return stats.permutation_test(
    arms,
    difference,
    permutation_type="independent" if len(worse) else "samples",
    alternative="greater",
    n_resamples=np.inf,
  ).pvalue


def _interval(
  strata: Sequence[Sequence[float]],
  combine: Callable[[np.ndarray], np.ndarray],
) -> Interval:
  """Percentile interval; seeds are drawn anew within each stratum.

  The stratified bootstrap of Agarwal et al. (NeurIPS 2021), App. A.

  Args:
    strata: The numbers that the seeds gave, for each game or arm.
    combine: [strata, resamples] means over seeds to [resamples].
  """

  def statistic(*samples: np.ndarray, axis: int) -> np.ndarray:
    return combine(np.stack([sample.mean(axis=axis) for sample in samples]))

  from scipy import stats  # takes long, and studies also run without it

  samples = [np.asarray(stratum, float) for stratum in strata]
  estimate = float(statistic(*samples, axis=-1))
  if min(map(len, samples)) < 2:
    return Interval(estimate, np.nan, np.nan)
  bounds = stats.bootstrap(
    samples,
    statistic,
    n_resamples=_RESAMPLES,
    confidence_level=CONFIDENCE,
    method="percentile",
    vectorized=True,
    batch=500,
    random_state=np.random.default_rng(0),
  ).confidence_interval
  return Interval(estimate, float(bounds.low), float(bounds.high))
