"""Actors that drive a policy of this zoo, in one environment or in many."""

from collections.abc import Sequence
from typing import Any

import dm_env
import jax
import numpy as np
from acme import adders, core
from acme.jax import variable_utils

from .. import batching, policies
from . import replay


class BatchedActor(batching.Actor):
  """Acts in E environments at once, and records what happens in each."""

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    variable_source: core.VariableSource | None,
    update_period: int,
    record_to: Sequence[adders.Adder | None],
    first_environment: int = 0,
    num_environments: int = 1,
  ):
    """Initialises the actor.

    Args:
      policy: the policy.
      random_key: the same for all batches of a run.
      variable_source: gives parameters; they are fetched to a CPU.
      update_period: steps between fetches.
      record_to: where each environment's transitions go; None records nothing.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    self._adders = record_to
    device = jax.devices("cpu")[0]
    # Where the parameters are, or all would be moved, and compiled twice.
    with jax.default_device(device):
      batch = batching.BatchedPolicy(
        policy,
        jax.device_put(random_key, device),
        len(record_to),
        first_environment,
        num_environments,
        is_recorded=any(record_to),
      )
    self._variable_client = variable_utils.VariableClient(
      variable_source,
      batch.variables,
      update_period=update_period,
      device=device,
    )
    super().__init__(batch, self._params)

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    super().observe_first(index, timestep)
    adder = self._adders[index]
    if adder is not None:
      adder.add_first(timestep)

  def observe(
    self, actions: Sequence[Any], timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    if not any(self._adders):
      return
    is_cut = np.array([bool(x.last() and x.discount) for x in timesteps])
    self._decisions, rewards, last_values = self._policy.outcome(
      self._params(),
      self._decisions,
      np.stack([timestep.observation for timestep in timesteps]),
      np.array([timestep.reward for timestep in timesteps], np.float32),
      is_cut,
    )
    last_values = np.where(is_cut[:, None], last_values, 0.0)
    steps = zip(self._adders, actions, timesteps, strict=True)
    for index, (adder, action, timestep) in enumerate(steps):
      if adder is not None:
        decision = batching.take(self._decisions, index)
        extras = {
          **decision.extras,
          replay.RECURRENT_STATE: decision.recurrent_state,
          replay.VALUES: decision.values,
          replay.LAST_VALUES: last_values[index],
        }
        adder.add(action, timestep._replace(reward=rewards[index]), extras)

  def update(self, wait: bool = False) -> None:
    """Fetches newer parameters, if it is time to."""
    self._variable_client.update(wait)

  def _params(self) -> dict[str, Any]:
    params, names = self._variable_client.params, self._policy.variables
    # Of a single name, the client gives what is behind it.
    given = params if len(names) > 1 else [params]
    return dict(zip(names, given, strict=True))


class Actor(core.Actor):
  """Acme's interface to a batch of one environment."""

  def __init__(self, batch: BatchedActor):
    self._batch = batch

  def select_action(self, observation: np.ndarray) -> np.ndarray:
    (action,) = self._batch.select_actions([observation])
    return np.asarray(action)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    self._batch.observe_first(0, timestep)

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    self._batch.observe([action], [next_timestep])

  def update(self, wait: bool = False) -> None:
    self._batch.update(wait)
