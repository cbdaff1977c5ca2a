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
  moments: Moments, values: chex.Array, horizon: float = float("inf")
) -> Moments:
  """Adds values by the parallel formula of Chan et al. (1983).

  Args:
    moments: so far.
    values: float32 `[N, ...]`.
    horizon: values after which the count stays where it is, so that the past
      is forgotten exponentially from there on; infinity never forgets.
  """
  chex.assert_shape(values, (None, *moments.mean.shape))
  count, num = moments.count, values.shape[0]
  total = count + num
  delta = values.mean(axis=0) - moments.mean
  mean = moments.mean + delta * num / total
  squares = (
    moments.variance * count
    + values.var(axis=0) * num
    + jnp.square(delta) * count * num / total
  )
  return Moments(jnp.minimum(total, horizon), mean, squares / total)


def deviation(moments: Moments) -> chex.Array:
  """The standard deviation, or 1 where the values have not differed yet."""
  deviation = jnp.sqrt(moments.variance)
  return jnp.where(deviation == 0, 1.0, deviation)
