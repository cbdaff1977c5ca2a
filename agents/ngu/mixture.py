"""The family of policies that NGU learns at once, one weight and one discount
each (arXiv 2002.06038, sec. 3 and App. A)."""

import chex
import jax
import numpy as np

from . import config as config_lib


def size(config: config_lib.NGUConfig) -> int:
  """N: policies that are learned."""
  return 1 if config.unsupervised else config.num_mixtures


def context(
  index: chex.Array, config: config_lib.NGUConfig
) -> tuple[jax.Array, ...]:
  """What the Q-network is told of a policy, int `[...]`: its one-hot index.

  Nothing where there is one policy.
  """
  if config.unsupervised:
    return ()
  return (jax.nn.one_hot(index, config.num_mixtures),)


def betas(config: config_lib.NGUConfig) -> np.ndarray:
  """Weight of the intrinsic reward in each policy, float32 `[N]`.

  0 for the first, beta for the last, beta * sigmoid(10 (2i - (N - 2)) / (N -
  2)) in between. Without a task reward, that of the last: it scales values.
  """
  if config.unsupervised:
    return np.full(1, config.max_beta, np.float32)
  n = config.num_mixtures
  i = np.arange(1, n - 1)
  middle = 1 / (1 + np.exp(-10 * (2 * i - (n - 2)) / max(n - 2, 1)))
  weights = np.concatenate([[0.0], middle, [1.0]])
  return (config.max_beta * weights).astype(np.float32)


def discounts(config: config_lib.NGUConfig) -> np.ndarray:
  """Discount of each policy, float32 `[N]`.

  1 - gamma goes from that of the task to the intrinsic one in even steps of
  its logarithm. Without a task reward, the intrinsic one.
  """
  if config.unsupervised:
    return np.full(1, config.intrinsic_discount, np.float32)
  logarithms = np.linspace(
    np.log(1 - config.discount),
    np.log(1 - config.intrinsic_discount),
    config.num_mixtures,
  )
  return (1 - np.exp(logarithms)).astype(np.float32)
