"""Random network distillation: how new an observation is over a lifetime.

A predictor is trained to give what a fixed random network gives; its error is
large where it has seen little (Burda et al., arXiv 1810.12894). NGU multiplies
its episodic reward by a factor made of that error (arXiv 2002.06038, sec. 2);
by itself, the error is a reward too. Everything is about one environment.
"""

from typing import NamedTuple

import chex
import jax.numpy as jnp

from . import running

_PIXEL_LIMIT = 5.0  # Burda et al.: whitened pixels are clipped to +-5
# Deviations below it count as it: the mean of a pixel that never differs is
# rounded, and its deviation with it.
_GRAY_LEVEL = 1 / 255


class ReturnFilter(NamedTuple):
  """Scale of the error as a reward.

  Attributes:
    discounted_sum: float32 `[]`, of all errors so far, over episodes' ends.
    moments: of that sum.
  """

  discounted_sum: chex.Array
  moments: running.Moments


def scaled(frames: chex.Array) -> chex.Array:
  """The newest frame of each observation, `[..., H, W, C]` to 0..1, C = 1."""
  return frames[..., -1:].astype(jnp.float32) / 255.0


def whiten(frames: chex.Array, pixels: running.Moments) -> chex.Array:
  """What both networks see: scaled frames, normalised pixel by pixel.

  Args:
    frames: uint8 `[..., H, W, C]`.
    pixels: moments of scaled frames, `[H, W, 1]`.

  Returns:
    float32 `[..., H, W, 1]`.
  """
  deviation = jnp.maximum(jnp.sqrt(pixels.variance), _GRAY_LEVEL)
  deviation = jnp.where(pixels.count == 0, 1.0, deviation)
  x = scaled(frames)
  mean, deviation = (
    jnp.broadcast_to(array, x.shape) for array in (pixels.mean, deviation)
  )
  return jnp.clip((x - mean) / deviation, -_PIXEL_LIMIT, _PIXEL_LIMIT)


def lifelong_factor(
  error: chex.Array, moments: running.Moments, max_factor: float
) -> chex.Array:
  """min(max(1 + (error - mean) / deviation, 1), L) of NGU, equation 1."""
  alpha = 1.0 + (error - moments.mean) / running.deviation(moments)
  return jnp.clip(alpha, 1.0, max_factor)


def normalised_error(
  error: chex.Array, state: ReturnFilter, discount: float
) -> tuple[chex.Array, ReturnFilter]:
  """The error divided by the deviation of its discounted sum.

  As in the code of Burda et al.: the sum runs forward in time, goes on where
  an episode ends, and no mean is subtracted, so that the reward is never
  negative.

  Args:
    error: float32 `[]`.
    state: of the sum before this error.
    discount: of the sum.
  """
  discounted_sum = discount * state.discounted_sum + error
  moments = running.update(state.moments, discounted_sum[None])
  reward = error / running.deviation(moments)
  return reward, ReturnFilter(discounted_sum, moments)
