"""An Acme actor that drives a policy of this zoo in one environment."""

import functools
from typing import Any

import dm_env
import jax
import numpy as np
from acme import adders, core
from acme.jax import variable_utils

from . import policies


@functools.lru_cache(maxsize=8)
def _compiled(policy: policies.Policy):
  """Jitted start and step, shared by all actors of a policy."""

  def step(params, observation, state):
    action, state = policy.select_action(params, observation, state)
    return action, state, policy.telemetry(state)

  return jax.jit(policy.init), jax.jit(step)


class Actor(core.Actor):
  """Selects actions with a jitted policy and records what happens."""

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    variable_client: variable_utils.VariableClient,
    adder: adders.Adder | None = None,
  ):
    """Initialises the actor.

    Args:
      policy: the policy.
      random_key: consumed; each episode gets a key of its own from it.
      variable_client: gives the policy's parameters, on the device to act on.
      adder: where transitions go; None records nothing.
    """
    self._init, self._step = _compiled(policy)
    self._get_extras = policy.get_extras
    self._random_key = random_key
    self._variable_client = variable_client
    self._adder = adder
    self._state: Any = None
    self._telemetry: dict[str, jax.Array] = {}

  @property
  def telemetry(self) -> dict[str, float]:
    """Who acted at the last step: {name: 0 or 1}."""
    return {name: float(value) for name, value in self._telemetry.items()}

  def select_action(self, observation: np.ndarray) -> np.ndarray:
    action, self._state, self._telemetry = self._step(
      self._policy_params, observation, self._state
    )
    return np.asarray(action)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    self._random_key, key = jax.random.split(self._random_key)
    self._state = self._init(key)
    if self._adder:
      self._adder.add_first(timestep)

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    if self._adder:
      extras = self._get_extras(self._state)
      self._adder.add(action, next_timestep, extras)

  def update(self, wait: bool = False) -> None:
    self._variable_client.update(wait)

  @property
  def _policy_params(self) -> Any:
    return self._variable_client.params
