"""Environments that are stepped together, with one decision for all."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import dm_env
import numpy as np

from . import episodes, experiment


class BatchedActor(Protocol):
  """Acts in E environments at once."""

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
    observers: Sequence[Sequence[episodes.Observer]],
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
    clock = Clock(self.seconds)
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


def evaluate(
  plan: experiment.Experiment,
  actor: BatchedActor,
  seed: int,
  go_on: Callable[[int], bool],
) -> list[dict[str, Any]] | None:
  """Plays the episodes of an evaluation, one after the other.

  Args:
    plan: The run.
    actor: For one environment.
    seed: Of that.
    go_on: Called at each step with the number of episodes that have ended.

  Returns:
    The row of each episode, None where `go_on` said no.
  """
  rows: list[dict[str, Any]] = []
  with plan.environment_factory(seed) as environment:
    loop = LockStep([environment], actor, [plan.observer_factory("eval")])
    while len(rows) < plan.evaluation_episodes:
      rows += [episode.row for episode in loop.step()]
      if not go_on(len(rows)):
        return None
  return rows


class Clock:
  """Adds up where time goes."""

  def __init__(self, seconds: dict[str, float]):
    self._seconds = seconds
    self._then = time.perf_counter()

  def lap(self, name: str):
    """Books the time since the last lap."""
    now = time.perf_counter()
    self._seconds[name] += now - self._then
    self._then = now
