"""NGU's own reward, in E environments at once."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import batching, trees
from . import config as config_lib
from . import intrinsic, mixture
from . import networks as ngu_networks


@functools.lru_cache(maxsize=8)
def _compiled(reward: intrinsic.IntrinsicReward):
  """The jitted reward of E environments, shared by all batches of an agent."""

  def begin(params, observation, states, embeddings, index):
    state = reward.begin(params, observation, batching.take(states, index))
    embeddings = batching.put(embeddings, index, _embedding(params))
    return batching.put(states, index, state), embeddings

  def step(params, embeddings, observations, states):
    embedded = reward.embed_each(embeddings, observations)
    in_axes = (None, 0, 0, 0)
    return jax.vmap(reward.step, in_axes)(
      params, observations, embedded, states
    )

  # The memories are megabytes each: they are written in place.
  return (
    jax.jit(lambda num: batching.repeat(reward.init(), num), static_argnums=0),
    jax.jit(begin, donate_argnums=(2, 3)),
    jax.jit(step, donate_argnums=3),
  )


def _embedding(params: ngu_networks.IntrinsicParams) -> Any:
  """What each environment keeps from the start of its episode."""
  return params.trained.get("embedding", {})


class BatchedReward:
  """Pays beta r_i, or r_e + beta r_i in a mixture.

  The environment's reward is not even read where the agent is unsupervised. In
  each environment the embedding stays what it was at the start of its episode,
  so that the episode's memory is of one kind.
  """

  def __init__(
    self,
    reward: intrinsic.IntrinsicReward,
    config: config_lib.NGUConfig,
    size: int,
    first_environment: int = 0,
  ):
    """Initialises the reward; each environment must begin an episode next.

    Args:
      reward: what `intrinsic.make_intrinsic_reward` gives.
      config: of the agent.
      size: E.
      first_environment: number, in the run, of the first one of the batch.
    """
    init, self._begin, self._step = _compiled(reward)
    self._size = size
    self._states = init(size)
    # Parameters, as each episode began; None until the first does.
    self._embeddings: Any = None
    self._first_environment = first_environment
    self._unsupervised = config.unsupervised
    self._betas = mixture.betas(config)

  def begin(
    self,
    index: int,
    params: ngu_networks.IntrinsicParams,
    observation: np.ndarray,
  ) -> None:
    """Environment `index` begins an episode with this observation."""
    if self._embeddings is None:
      self._embeddings = batching.repeat(_embedding(params), self._size)
    self._states, self._embeddings = self._begin(
      params, observation, self._states, self._embeddings, index
    )

  def mix(
    self,
    params: ngu_networks.IntrinsicParams,
    extras: Mapping[str, np.ndarray],
    observations: np.ndarray,
    rewards: np.ndarray,
  ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What is learned from, for one step of all environments.

    Args:
      params: those of the reward among the learner's variables.
      extras: of the policy, for the step.
      observations: that it led to, `[E, ...]`.
      rewards: the environments', float32 `[E]`.

    Returns:
      The rewards, float32 `[E]`, and figures about them, `[E]` each.

    Raises:
      FloatingPointError: a reward is not finite.
    """
    own, factors, self._states = self._step(
      params, self._embeddings, observations, self._states
    )
    own, factors = jax.device_get((own, factors))
    figures = {"intrinsic_reward": own, **factors}
    (broken,) = np.nonzero(~np.isfinite(own))
    for index in broken:
      values = (f"{name} {float(x[index])}" for name, x in figures.items())
      raise FloatingPointError(
        f"in environment {self._first_environment + index}, the intrinsic "
        f"reward is not finite: {', '.join(values)}; its networks have "
        "diverged (see the learner's losses), or the observation is not what "
        "they take"
      )
    mixed = self._betas[extras["mixture_index"]] * own
    return (mixed if self._unsupervised else mixed + rewards), figures

  def save(self) -> dict[str, Any]:
    """All that it remembers."""
    # Environments whose episodes began together have the same embedding.
    embeddings = jax.device_get(self._embeddings)
    leaves = jax.tree.leaves(embeddings)
    owners: dict[tuple[bytes, ...], int] = {}
    owner = np.array(
      [
        owners.setdefault(tuple(leaf[i].tobytes() for leaf in leaves), i)
        for i in range(self._size)
      ]
    )
    distinct, which = np.unique(owner, return_inverse=True)
    return {
      "embedding_of": which,
      "states": self._states,
      "embeddings": jax.tree.map(lambda x: x[distinct], embeddings),
    }

  def restore(self, state: Mapping[str, Any]) -> None:
    """Goes on from what `save` gave."""
    which, distinct = state["embedding_of"], state.get("embeddings", {})
    states = trees.like(self._states, state["states"])
    self._states = jax.tree.map(jnp.array, states)
    self._embeddings = jax.tree.map(lambda x: jnp.array(x[which]), distinct)
