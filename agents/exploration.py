"""Heavy-tailed flights and the ladder of exploration rates."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

LengthSampler = Callable[[chex.PRNGKey], chex.Array]


class Share(NamedTuple):
  """The part of the ladder that one of a run's environments draws from.

  Attributes:
    index: int32 `[]`, i, the number of the environment, from 0.
    count: int32 `[]`, N, environments of the run.
  """

  index: chex.Numeric
  count: chex.Numeric


# A single environment stands for the whole ladder.
WHOLE = Share(0, 1)


def epsilon_ladder(
  num_environments: int, base: float, alpha: float
) -> np.ndarray:
  """Exploration rate of each environment, float32 `[num_environments]`.

  epsilon_i = base ** (1 + alpha * i / (N - 1)), from Ape-X (Horgan et al.,
  2018), to which R2D2 (ICLR 2019, sec. 2.3) defers. A single environment gets
  `base`.
  """
  rungs = np.arange(num_environments) / max(num_environments - 1, 1)
  return np.power(base, 1.0 + alpha * rungs).astype(np.float32)


def rung(draw: chex.Numeric, share: Share, num_rungs: int) -> chex.Numeric:
  """floor((i + u) / N * R), the rung that environment i of N gets for u.

  Where there is an environment for each rung, it has that one in every episode.

  Args:
    draw: int32 `[]`, floor(u * R) for u in 0..1, which is all that the rung
      depends on. So no number is rounded, and no environment leaves its share.
    share: i and N.
    num_rungs: R.
  """
  return (share.index * num_rungs + draw) // share.count


def draw_epsilon(
  key: chex.PRNGKey, ladder: np.ndarray, share: Share = WHOLE
) -> chex.Array:
  """A rung drawn uniformly from the environment's share of the ladder."""
  draw = jax.random.randint(key, (), 0, len(ladder))
  return jnp.asarray(ladder)[rung(draw, share, len(ladder))]


@functools.cache
def _zeta_thresholds(exponent: float, max_length: int) -> np.ndarray:
  weights = np.arange(1, max_length + 1, dtype=np.float64) ** -exponent
  cumulative = np.cumsum(weights) / weights.sum()
  # Compared with 32 random bits: a float32 uniform has 24, too few for a tail
  # in which one length has a probability of 6e-9.
  thresholds = np.floor(cumulative[:-1] * 2.0**32)
  return np.minimum(thresholds, 2.0**32 - 1).astype(np.uint32)


def zeta_length(exponent: float, max_length: int) -> LengthSampler:
  """Sampler of flight lengths n in 1..max_length with P(n) ~ n^-exponent.

  The distribution of BT (arXiv 2102.13515, sec. 3, exponent 2) and of
  temporally extended epsilon-greedy exploration (Dabney et al., 2021), cut off
  at `max_length` and renormalised.
  """
  thresholds = _zeta_thresholds(exponent, max_length)

  def sample(key: chex.PRNGKey) -> chex.Array:
    bits = jax.random.bits(key, dtype=jnp.uint32)
    index = jnp.searchsorted(jnp.asarray(thresholds), bits, side="right")
    return 1 + index.astype(jnp.int32)

  return sample


def single_step(key: chex.PRNGKey) -> chex.Array:
  """Length sampler of plain epsilon-greedy: every flight lasts one step."""
  del key
  return jnp.ones((), jnp.int32)


def continue_or_start_flight(
  start_key: chex.PRNGKey,
  length_key: chex.PRNGKey,
  remaining: chex.Array,
  start_probability: chex.Array,
  sample_length: LengthSampler,
) -> tuple[chex.Array, chex.Array, chex.Array]:
  """One step of the flight counter n of BT's Algorithm 1.

  The step on which a length is drawn is the first step of that flight, so that
  a flight of length n lasts exactly n steps.

  Args:
    start_key, length_key: consumed.
    remaining: int32 `[]`, n before this step; 0 at the start of an episode.
    start_probability: chance of a start when not already in flight.
    sample_length: key -> length, at least 1.

  Returns:
    in_flight bool `[]`, started bool `[]`, and n after this step.
  """
  chex.assert_rank(remaining, 0)
  started = (remaining == 0) & (
    jax.random.uniform(start_key) < start_probability
  )
  remaining = jnp.where(started, sample_length(length_key), remaining)
  in_flight = remaining > 0
  return in_flight, started, jnp.maximum(remaining - 1, 0)
