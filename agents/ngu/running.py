"""Running mean and variance of a stream of numbers, or of arrays of them."""

from typing import NamedTuple

import chex
import jax.numpy as jnp


class Moments(NamedTuple):
  """What a stream has been like so far.

  Attributes:
    count: float32 `[]`, values seen; no more than the horizon of `update`.
    mean: float32 `[...]`, of one value's shape; 0 while the count is 0.
    variance: float32 `[...]`, of the population; 0 while the count is 0.
  """

  count: chex.Array
  mean: chex.Array
  variance: chex.Array


def empty(shape: tuple[int, ...] = ()) -> Moments:
  """Moments of a stream that has not begun, of values of that shape."""
  zeros = jnp.zeros(shape, jnp.float32)
  return Moments(jnp.zeros((), jnp.float32), zeros, zeros)


def update(
  moments: Moments,
  values: chex.Array,
  horizon: float = float("inf"),
  valid: chex.Array | None = None,
) -> Moments:
  """Adds values by the parallel formula of Chan et al. (1983).

  Args:
    moments: so far.
    values: float32 `[N, ...]`.
    horizon: values after which the count stays where it is, so that the past
      is forgotten exponentially from there on; infinity never forgets.
    valid: bool `[N]`, which of the values count; None for all.
  """
  chex.assert_shape(values, (None, *moments.mean.shape))
  if valid is None:
    valid = jnp.ones(values.shape[:1], bool)
  count, num = moments.count, valid.sum()
  total = count + num
  weights = valid.reshape(-1, *[1] * moments.mean.ndim) / jnp.maximum(num, 1)
  new_mean = (weights * values).sum(axis=0)
  new_variance = (weights * jnp.square(values - new_mean[None])).sum(axis=0)
  delta = new_mean - moments.mean
  share = num / jnp.maximum(total, 1)
  mean = moments.mean + share * delta
  variance = (
    (1 - share) * moments.variance
    + share * new_variance
    + share * (1 - share) * jnp.square(delta)
  )
  return Moments(jnp.minimum(total, horizon), mean, variance)


def deviation(moments: Moments) -> chex.Array:
  """The standard deviation, or 1 where the values have not differed yet."""
  deviation = jnp.sqrt(moments.variance)
  return jnp.where(deviation == 0, 1.0, deviation)
