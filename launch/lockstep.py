"""Environments that are stepped together, with one decision for all."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

import dm_env
import jax
import numpy as np
from acme import adders, core
from acme.utils import observers as observers_lib

from . import episodes


class BatchedActor(Protocol):
  """Acts in E environments at once.

  A builder of such actors has `make_batched_actor`.
  """

  @property
  def telemetry(self) -> Sequence[dict[str, float]]:
    """Figures about the last step, of each environment."""

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    """Notes that an environment begins an episode."""

  def select_actions(self, observations: Sequence[Any]) -> np.ndarray:
    """Decides for all environments, `[E]`."""

  def observe(
    self, actions: np.ndarray, timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    """Notes what came of it."""

  def update(self, wait: bool = False) -> None:
    """Fetches newer parameters, if it is time to."""


class SingleActors:
  """Presents single actors of any builder as one that acts in a batch."""

  def __init__(self, actors: Sequence[core.Actor]):
    self._actors = actors

  @property
  def telemetry(self) -> list[dict[str, float]]:
    # Not part of Acme's interface.
    return [getattr(actor, "telemetry", {}) for actor in self._actors]

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    self._actors[index].observe_first(timestep)

  def select_actions(self, observations: Sequence[Any]) -> np.ndarray:
    pairs = zip(self._actors, observations, strict=True)
    return np.stack([actor.select_action(seen) for actor, seen in pairs])

  def observe(
    self, actions: np.ndarray, timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    triples = zip(self._actors, actions, timesteps, strict=True)
    for actor, action, timestep in triples:
      actor.observe(action, timestep)

  def update(self, wait: bool = False) -> None:
    for actor in self._actors:
      actor.update(wait)


def make_batched_actor(
  builder: Any,
  random_key: jax.Array,
  policy: Any,
  environment_spec: Any,
  variable_source: core.VariableSource,
  adders_: Sequence[adders.Adder | None],
  first_environment: int = 0,
  num_environments: int = 1,
) -> BatchedActor:
  """An actor for as many environments as there are adders.

  Args:
    builder: Of any agent. One that cannot make batched actors makes single
      ones, which decide one after the other.
    random_key: Consumed.
    policy: What the builder made as such.
    environment_spec: Of each environment.
    variable_source: Gives the parameters.
    adders_: Where each environment's transitions go.
    first_environment: Number of the first one among all of the run.
    num_environments: How many the run has.
  """
  if hasattr(builder, "make_batched_actor"):
    return builder.make_batched_actor(
      random_key,
      policy,
      environment_spec,
      variable_source,
      adders_,
      first_environment,
      num_environments,
    )
  # The run's actors are given one key among them.
  random_key = jax.random.fold_in(random_key, first_environment)
  keys = jax.random.split(random_key, len(adders_))
  return SingleActors(
    [
      builder.make_actor(key, policy, environment_spec, variable_source, adder)
      for key, adder in zip(keys, adders_, strict=True)
    ]
  )


class LockStep:
  """Plays one episode after the other in each of its environments.

  Attributes:
    seconds: Spent so far on the environments, on decisions, and on what the
      actor does with their outcome (adders, an intrinsic reward).
  """

  def __init__(
    self,
    environments: Sequence[dm_env.Environment],
    actor: BatchedActor,
    observers: Sequence[Sequence[observers_lib.EnvLoopObserver]],
  ):
    """Initialises the loop; nothing is played yet.

    Args:
      environments: E of them.
      actor: For as many.
      observers: Of each environment.
    """
    self._environments = environments
    self._actor = actor
    self._statistics = [episodes.EpisodeStatistics(o) for o in observers]
    self._timesteps: list[Any] = [None] * len(environments)  # None: no episode
    self.seconds = {"environment": 0.0, "inference": 0.0, "replay": 0.0}

  def step(self) -> list[episodes.Episode]:
    """Takes one step in each environment; the episodes that it ended."""
    clock = _Clock(self.seconds)
    for index, environment in enumerate(self._environments):
      before = self._timesteps[index]
      if before is None or before.last():
        timestep = environment.reset()
        clock.lap("environment")
        self._timesteps[index] = timestep
        self._actor.observe_first(index, timestep)
        clock.lap("replay")
        self._statistics[index].begin(environment, timestep)
    actions = self._actor.select_actions(
      [timestep.observation for timestep in self._timesteps]
    )
    clock.lap("inference")
    timesteps = [
      environment.step(action)
      for environment, action in zip(self._environments, actions, strict=True)
    ]
    clock.lap("environment")
    self._actor.observe(actions, timesteps)
    clock.lap("replay")
    self._timesteps = list(timesteps)
    self._note(actions, timesteps)
    return [
      statistics.episode()
      for statistics, timestep in zip(self._statistics, timesteps, strict=True)
      if timestep.last()
    ]

  def _note(self, actions, timesteps):
    parts = zip(
      self._statistics,
      self._environments,
      timesteps,
      actions,
      self._actor.telemetry,
      strict=True,
    )
    for statistics, environment, timestep, action, telemetry in parts:
      statistics.step(environment, timestep, action, telemetry)


class _Clock:
  """Adds up where time goes."""

  def __init__(self, seconds: dict[str, float]):
    self._seconds = seconds
    self._then = time.perf_counter()

  def lap(self, name: str):
    """Books the time since the last lap."""
    now = time.perf_counter()
    self._seconds[name] += now - self._then
    self._then = now
