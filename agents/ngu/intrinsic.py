"""The intrinsic reward of one environment, step by step.

Three kinds, after the pre-training arms of Behavior Transfer (arXiv
2102.13515, sec. 5): NGU's episodic reward times lifelong factor, random network
distillation alone, and a constant. No kind looks at the task's reward.
`jax.vmap` over observations and states serves many environments.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax.numpy as jnp

from . import config as config_lib
from . import episodic, networks, novelty, running


class IntrinsicState(NamedTuple):
  """What the reward remembers.

  Only the memory is an episode's own. The rest goes on over episodes, and
  begins anew with the actor.

  Attributes:
    memory: embeddings of this episode.
    distances: moments of the distances to neighbours.
    errors: moments of the prediction errors.
    filter: scale of the reward of random network distillation.
  """

  memory: episodic.Memory
  distances: running.Moments
  errors: running.Moments
  filter: novelty.ReturnFilter


class IntrinsicReward(NamedTuple):
  """The reward as pure functions.

  Attributes:
    init: () -> `IntrinsicState` before the first episode.
    begin: (params, observation, state) -> state; starts an episode.
    embed_each: (E params of f `[E, ...]`, observations `[E, ...]`) -> what the
      memories keep of them, float32 `[E, D]`; nothing, `[E, 0]`, without
      memories, where the params do not matter.
    step: (params, observation, what it is embedded as, state) -> (reward
      float32 `[]`, its factors {name: float32 `[]`}, state); for the step that
      led to the observation.
  """

  init: Callable[[], IntrinsicState]
  begin: Callable[..., IntrinsicState]
  embed_each: Callable[..., chex.Array]
  step: Callable[..., tuple[chex.Array, dict[str, chex.Array], IntrinsicState]]


def make_intrinsic_reward(
  intrinsic_networks: networks.IntrinsicNetworks, config: config_lib.NGUConfig
) -> IntrinsicReward:
  """The reward of `config.intrinsic_reward`."""
  nets, kind = intrinsic_networks, config.intrinsic_reward
  capacity = config.memory_capacity if kind == "ngu" else 1

  def init() -> IntrinsicState:
    return IntrinsicState(
      memory=episodic.empty(capacity, nets.embedding_size),
      distances=running.empty(),
      errors=running.empty(),
      filter=novelty.ReturnFilter(jnp.float32(0.0), running.empty()),
    )

  def embed_each(embedding_params, observations):
    if kind != "ngu":
      return jnp.zeros((len(observations), 0), jnp.float32)
    return nets.embed_each(embedding_params, observations)

  def begin(params, observation, state: IntrinsicState):
    if kind != "ngu":
      return state
    memory = state.memory._replace(num_written=jnp.int32(0))
    embedding = nets.embed(params.trained["embedding"], observation)
    return state._replace(memory=episodic.append(memory, embedding, capacity))

  def step(params, observation, embedding, state: IntrinsicState):
    if kind == "constant":
      return jnp.float32(1.0), {}, state
    error = nets.prediction_error(
      params.trained["predictor"], params, observation
    )
    if kind == "rnd":
      reward, filter_ = novelty.normalised_error(
        error, state.filter, config.rnd_discount
      )
      return reward, {"rnd_error": error}, state._replace(filter=filter_)
    errors = running.update(
      state.errors, error[None], config.statistics_horizon
    )
    factor = novelty.lifelong_factor(error, errors, config.max_novelty)
    episodic_reward, memory, distances = episodic.step(
      state.memory, state.distances, embedding, config
    )
    factors = {"episodic_reward": episodic_reward, "lifelong_factor": factor}
    new_state = state._replace(
      memory=memory, distances=distances, errors=errors
    )
    return episodic_reward * factor, factors, new_state

  return IntrinsicReward(init, begin, embed_each, step)
