"""An actor that learns from the intrinsic reward of where it gets to."""

import functools
from collections.abc import Sequence
from typing import Any

import dm_env
import jax
import jax.numpy as jnp
import numpy as np
from acme import adders
from acme.jax import variable_utils

from .. import actor as actor_lib
from .. import batching, policies
from . import config as config_lib
from . import intrinsic, mixture


@functools.lru_cache(maxsize=8)
def _compiled(reward: intrinsic.IntrinsicReward):
  """The jitted reward of E environments, shared by all actors of an agent."""

  def begin(params, observation, states, index):
    state = batching.take(states, index)
    return batching.put(states, index, reward.begin(params, observation, state))

  def step(params, embeddings, observations, states):
    # One by one, since each has parameters of its own; to stack or to gather
    # those would take longer than the networks do.
    embedded = jnp.stack(
      [
        reward.embed(embedding, observations[i])
        for i, embedding in enumerate(embeddings)
      ]
    )
    return jax.vmap(reward.step_embedded, in_axes=(None, 0, 0, 0))(
      params, observations, embedded, states
    )

  # The memories are megabytes each: they are written in place.
  return (
    jax.jit(lambda num: batching.repeat(reward.init(), num), static_argnums=0),
    jax.jit(begin, donate_argnums=2),
    jax.jit(step, donate_argnums=3),
  )


class NGUActor(actor_lib.BatchedActor):
  """Records the reward of the agent's own in place of the environment's.

  That is beta r_i, or r_e + beta r_i in a mixture. The environment's reward is
  not even read where the agent is unsupervised. In each environment the
  embedding stays what it was at the start of its episode, so that the episode's
  memory is of one kind.
  """

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    variable_client: variable_utils.VariableClient,
    adders: Sequence[adders.Adder | None],
    config: config_lib.NGUConfig,
    first_environment: int = 0,
    num_environments: int = 1,
  ):
    """Initialises the actor.

    Args:
      policy: of `acting.make_policy`.
      random_key: as `BatchedActor` has it.
      variable_client: gives the parameters "policy" and "intrinsic".
      adders: where each environment's transitions go.
      config: the agent's.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    super().__init__(
      policy,
      random_key,
      variable_client,
      adders,
      first_environment,
      num_environments,
    )
    init, self._begin_reward, self._reward = _compiled(policy.intrinsic_reward)
    with jax.default_device(variable_client.device):
      states = init(len(adders))
    self._intrinsic_states = jax.device_put(states, variable_client.device)
    self._unsupervised = config.unsupervised
    self._betas = mixture.betas(config)
    # Parameters of each environment's embedding, as its episode began.
    self._embeddings: list[Any] = [None] * len(adders)

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    super().observe_first(index, timestep)
    _, params = self._variable_client.params
    self._embeddings[index] = params.trained.get("embedding")
    self._intrinsic_states = self._begin_reward(
      params, timestep.observation, self._intrinsic_states, index
    )

  def observe(
    self, actions: Sequence[Any], timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    betas = self._betas[self._extras["mixture_index"]]
    rewards = betas * self._intrinsic_rewards(timesteps)
    if not self._unsupervised:
      rewards += np.array([x.reward for x in timesteps], np.float32)
    super().observe(
      actions,
      [
        timestep._replace(reward=reward)
        for timestep, reward in zip(timesteps, rewards, strict=True)
      ],
    )

  def _intrinsic_rewards(
    self, timesteps: Sequence[dm_env.TimeStep]
  ) -> np.ndarray:
    """The rewards for the steps that led to these, float32 `[E]`.

    Raises:
      FloatingPointError: one is not finite; nothing could be learned from it.
    """
    _, params = self._variable_client.params
    observations = np.stack([timestep.observation for timestep in timesteps])
    rewards, factors, self._intrinsic_states = self._reward(
      params, self._embeddings, observations, self._intrinsic_states
    )
    rewards, factors = jax.device_get((rewards, factors))
    figures = {"intrinsic_reward": rewards, **factors}
    self._telemetry = {**self._telemetry, **figures}
    (broken,) = np.nonzero(~np.isfinite(rewards))
    for index in broken:
      values = (f"{name} {float(x[index])}" for name, x in figures.items())
      raise FloatingPointError(
        f"in environment {self._environments[index]}, the intrinsic reward is "
        f"not finite: {', '.join(values)}; its networks have diverged (see the "
        "learner's losses), or the observation is not what they take"
      )
    return rewards

  @property
  def _policy_params(self) -> Any:
    return self._variable_client.params[0]
