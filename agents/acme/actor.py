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
    variable_source: core.VariableSource | None,
    update_period: int,
    adders: Sequence[adders.Adder | None],
    first_environment: int = 0,
    num_environments: int = 1,
  ):
    """Initialises the actor.

    Args:
      policy: the policy.
      random_key: the same for all batches of a run.
      variable_source: gives parameters; they are fetched to a CPU.
      update_period: steps between fetches.
      adders: where each environment's transitions go; None records nothing.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    # An own reward is of use to replay alone.
    pays_itself = policy.own_reward is not None and any(
      adder is not None for adder in adders
    )
    self._names = [policies.POLICY, policies.OWN_REWARD][: 1 + pays_itself]
    self._variable_client = variable_utils.VariableClient(
      variable_source, self._names, update_period=update_period, device="cpu"
    )
    self._adders = adders
    device = self._variable_client.device
    # Where the parameters are, or all would be moved, and compiled twice.
    with jax.default_device(device):
      self._policy = batching.BatchedPolicy(
        policy,
        jax.device_put(random_key, device),
        len(adders),
        first_environment,
        num_environments,
      )
      self._reward: policies.OwnReward | None = None
      if pays_itself:
        assert policy.own_reward is not None
        self._reward = policy.own_reward(len(adders), first_environment)
    # Of the last step, fetched.
    self._decisions: batching.Decisions | None = None
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
    decisions = self._policy.step(
      self._params[policies.POLICY], np.stack(observations)
    )
    # All at once: a fetch costs much more than what it brings.
    self._decisions = jax.device_get(decisions)
    self._telemetry = self._decisions.telemetry
    return self._decisions.action

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    """Environment `index` of the batch begins an episode."""
    self._policy.begin(index)
    if self._reward is not None:
      self._reward.begin(
        index, self._params[policies.OWN_REWARD], timestep.observation
      )
    adder = self._adders[index]
    if adder is not None:
      adder.add_first(timestep)

  def observe(
    self, actions: Sequence[Any], timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    """What the actions led to, in each environment."""
    assert self._decisions is not None
    if self._reward is not None:
      timesteps = self._with_own_rewards(timesteps)
    last_values = self._last_values(timesteps)
    steps = zip(self._adders, actions, timesteps, strict=True)
    for index, (adder, action, timestep) in enumerate(steps):
      if adder is not None:
        decision = batching.take(self._decisions, index)
        extras = {
          **decision.extras,
          replay.RECURRENT_STATE: decision.recurrent_state,
          replay.VALUES: decision.values,
          replay.LAST_VALUES: last_values.get(index),
        }
        adder.add(action, timestep, extras)

  def update(self, wait: bool = False) -> None:
    self._variable_client.update(wait)

  def _with_own_rewards(
    self, timesteps: Sequence[dm_env.TimeStep]
  ) -> list[dm_env.TimeStep]:
    assert self._reward is not None and self._decisions is not None
    rewards, figures = self._reward.mix(
      self._params[policies.OWN_REWARD],
      self._decisions.extras,
      np.stack([timestep.observation for timestep in timesteps]),
      np.array([timestep.reward for timestep in timesteps], np.float32),
    )
    self._telemetry = {**self._telemetry, **figures}
    return [
      timestep._replace(reward=reward)
      for timestep, reward in zip(timesteps, rewards, strict=True)
    ]

  def _last_values(
    self, timesteps: Sequence[dm_env.TimeStep]
  ) -> dict[int, np.ndarray]:
    """Values of the observations that cut episodes off, by environment."""
    cut = [i for i, x in enumerate(timesteps) if x.last() and x.discount]
    if not cut:
      return {}
    observations = np.stack([timestep.observation for timestep in timesteps])
    values = jax.device_get(
      self._policy.action_values(self._params[policies.POLICY], observations)
    )
    return {index: values[index] for index in cut}

  @property
  def _params(self) -> dict[str, Any]:
    params = self._variable_client.params
    # Of a single name, the client gives what is behind it.
    given = params if len(self._names) > 1 else [params]
    return dict(zip(self._names, given, strict=True))


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
