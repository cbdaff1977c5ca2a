"""Actors that drive a policy of this zoo, in one environment or in many."""

import functools
from collections.abc import Sequence
from typing import Any

import dm_env
import jax
import numpy as np
from acme import adders, core
from acme.jax import variable_utils

from . import batching, exploration, policies


@functools.lru_cache(maxsize=8)
def _compiled(policy: policies.Policy):
  """Jitted functions of E environments, shared by all actors of a policy."""

  def empty(random_key, num):
    return batching.repeat(policy.init(random_key), num)

  def begin(states, index, random_key, share, episode):
    # Of nothing else, so that neither the batch that an environment sits in
    # nor the lengths of the others' episodes can be told from its actions.
    key = jax.random.fold_in(random_key, share.index)
    key = jax.random.fold_in(key, episode)
    return batching.put(states, index, policy.init(key, share))

  def step(params, observation, state):
    action, state = policy.select_action(params, observation, state)
    seen = (action, policy.get_extras(state), policy.telemetry(state))
    return seen, state

  return (
    jax.jit(empty, static_argnums=1),
    jax.jit(begin, donate_argnums=0),
    jax.jit(jax.vmap(step, in_axes=(None, 0, 0))),
  )


class BatchedActor:
  """Acts in E environments at once, and records what happens in each.

  They go in lock-step: before the first `select_actions` each environment has
  begun an episode, and one whose episode has ended begins the next before the
  next `select_actions`.
  """

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    variable_client: variable_utils.VariableClient,
    adders: Sequence[adders.Adder | None],
    first_environment: int = 0,
    num_environments: int = 1,
  ):
    """Initialises the actor.

    Args:
      policy: the policy.
      random_key: the same for all batches of a run; each episode of each
        environment gets a key of its own from it.
      variable_client: gives the policy's parameters, on the device to act on.
      adders: where each environment's transitions go; None records nothing.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    empty, self._begin, self._step = _compiled(policy)
    # Where the parameters are, or it would be moved, and all compiled twice.
    self._random_key = jax.device_put(random_key, variable_client.device)
    self._variable_client = variable_client
    self._adders = adders
    self._environments = range(
      first_environment, first_environment + len(adders)
    )
    self._num_environments = num_environments
    self._num_episodes = [0] * len(adders)
    self._states = empty(self._random_key, len(adders))
    # Of the last step, fetched; a leading axis of E.
    self._extras: dict[str, Any] = {}
    self._telemetry: dict[str, np.ndarray] = {}

  @property
  def telemetry(self) -> list[dict[str, float]]:
    """Who acted at the last step in each environment: {name: 0 or 1}."""
    return [
      {name: float(values[i]) for name, values in self._telemetry.items()}
      for i in range(len(self._adders))
    ]

  def select_actions(self, observations: Sequence[np.ndarray]) -> np.ndarray:
    """One step of all environments.

    Args:
      observations: one of each environment.

    Returns:
      int32 `[E]`.
    """
    seen, self._states = self._step(
      self._policy_params, np.stack(observations), self._states
    )
    # All at once: a fetch costs much more than what it brings.
    actions, self._extras, self._telemetry = jax.device_get(seen)
    return actions

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    """Environment `index` of the batch begins an episode."""
    share = exploration.Share(self._environments[index], self._num_environments)
    self._states = self._begin(
      self._states, index, self._random_key, share, self._num_episodes[index]
    )
    self._num_episodes[index] += 1
    adder = self._adders[index]
    if adder is not None:
      adder.add_first(timestep)

  def observe(
    self, actions: Sequence[Any], timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    """What the actions led to, in each environment."""
    steps = zip(self._adders, actions, timesteps, strict=True)
    for index, (adder, action, timestep) in enumerate(steps):
      if adder is not None:
        extras = batching.take(self._extras, index)
        adder.add(action, timestep, extras)

  def update(self, wait: bool = False) -> None:
    self._variable_client.update(wait)

  @property
  def _policy_params(self) -> Any:
    return self._variable_client.params


class Actor(core.Actor):
  """Acme's interface to a batch of one environment."""

  def __init__(self, batch: BatchedActor):
    self._batch = batch

  @property
  def telemetry(self) -> dict[str, float]:
    """Who acted at the last step: {name: 0 or 1}."""
    (telemetry,) = self._batch.telemetry
    return telemetry

  def select_action(self, observation: np.ndarray) -> np.ndarray:
    (action,) = self._batch.select_actions([observation])
    return np.asarray(action)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    self._batch.observe_first(0, timestep)

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    self._batch.observe([action], [next_timestep])

  def update(self, wait: bool = False) -> None:
    self._batch.update(wait)
