"""An Acme actor that learns from the intrinsic reward of where it gets to."""

import functools
from typing import Any

import dm_env
import jax
import numpy as np
from acme import adders
from acme.jax import variable_utils

from .. import actor as actor_lib
from .. import policies
from . import config as config_lib
from . import intrinsic, mixture


@functools.lru_cache(maxsize=8)
def _compiled(reward: intrinsic.IntrinsicReward):
  """The jitted reward, shared by all actors of an agent."""
  # The memory is megabytes: it is written in place.
  return (
    jax.jit(reward.init),
    jax.jit(reward.begin, donate_argnums=2),
    jax.jit(reward.step, donate_argnums=2),
  )


class NGUActor(actor_lib.Actor):
  """Records the reward of the agent's own in place of the environment's.

  That is beta r_i, or r_e + beta r_i in a mixture. The environment's reward is
  not even read where the agent is unsupervised. The embedding stays what it was
  at the start of an episode, so that the episode's memory is of one kind.
  """

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    variable_client: variable_utils.VariableClient,
    adder: adders.Adder,
    config: config_lib.NGUConfig,
  ):
    """Initialises the actor.

    Args:
      policy: of `acting.make_policy`.
      random_key: consumed; each episode gets a key of its own from it.
      variable_client: gives the parameters "policy" and "intrinsic".
      adder: where transitions go.
      config: the agent's.
    """
    super().__init__(policy, random_key, variable_client, adder)
    init, self._begin, self._reward = _compiled(policy.intrinsic_reward)
    self._intrinsic_state = init()
    self._unsupervised = config.unsupervised
    self._betas = mixture.betas(config)
    self._beta = self._betas[0]  # of the episode
    self._embedding: Any = None
    self._factors: dict[str, jax.Array] = {}

  @property
  def telemetry(self) -> dict[str, float]:
    """Who acted at the last step, and the reward for where it led."""
    factors = {name: float(value) for name, value in self._factors.items()}
    return {**super().telemetry, **factors}

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    super().observe_first(timestep)
    self._beta = self._betas[int(self._state.mixture_index)]
    _, params = self._variable_client.params
    self._embedding = params.trained.get("embedding")
    self._intrinsic_state = self._begin(
      params, timestep.observation, self._intrinsic_state
    )

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    reward = self._beta * self._intrinsic_reward(next_timestep.observation)
    if not self._unsupervised:
      reward += np.float32(next_timestep.reward)
    super().observe(action, next_timestep._replace(reward=reward))

  def _intrinsic_reward(self, observation: np.ndarray) -> np.float32:
    """The reward for the step that led to an observation.

    Raises:
      FloatingPointError: it is not finite; nothing could be learned from it.
    """
    _, params = self._variable_client.params
    if self._embedding is not None:
      trained = {**params.trained, "embedding": self._embedding}
      params = params._replace(trained=trained)
    reward, factors, self._intrinsic_state = self._reward(
      params, observation, self._intrinsic_state
    )
    self._factors = {"intrinsic_reward": reward, **factors}
    if not np.isfinite(reward):
      values = (f"{name} {float(x)}" for name, x in self._factors.items())
      raise FloatingPointError(
        f"the intrinsic reward is not finite: {', '.join(values)}; its "
        "networks have diverged (see the learner's losses), or the observation "
        "is not what they take"
      )
    return np.float32(reward)

  @property
  def _policy_params(self) -> Any:
    return self._variable_client.params[0]
