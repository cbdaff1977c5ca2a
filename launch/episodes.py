"""What is reported of episodes."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dm_env
import numpy as np
from acme.utils import observers


class Episode(NamedTuple):
  """An episode that has ended.

  Attributes:
    row: All that is reported of it, by name.
    telemetry: What the actor said of its decisions, which is part of the row.
  """

  row: dict[str, Any]
  telemetry: dict[str, float]


class EpisodeStatistics:
  """Sums up one episode after the other."""

  def __init__(self, watchers: Sequence[observers.EnvLoopObserver]):
    self._watchers = watchers
    self._rewards: list[float] = []
    self._telemetry: collections.Counter[str] = collections.Counter()

  def begin(self, environment: dm_env.Environment, timestep: dm_env.TimeStep):
    """Notes the first time step of an episode."""
    self._rewards.clear()
    self._telemetry.clear()
    for watcher in self._watchers:
      watcher.observe_first(environment, timestep)

  def step(
    self,
    environment: dm_env.Environment,
    timestep: dm_env.TimeStep,
    action: np.ndarray,
    telemetry: Mapping[str, float],
  ):
    """Notes a step.

    Args:
      environment: As it is after the step.
      timestep: What came of the action.
      action: What was done.
      telemetry: Figures that the actor gives about its decision.
    """
    self._rewards.append(float(timestep.reward))
    self._telemetry.update(telemetry)
    for watcher in self._watchers:
      watcher.observe(environment, timestep, action)

  def episode(self) -> Episode:
    """All of it."""
    steps = max(len(self._rewards), 1)
    telemetry = {name: sum_ / steps for name, sum_ in self._telemetry.items()}
    row = {
      "episode_return": sum(self._rewards),
      "episode_length": len(self._rewards),
      **telemetry,
    }
    for watcher in self._watchers:
      row.update(watcher.get_metrics())
    return Episode(row, telemetry)


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
  """Means over episodes, and the span of their returns."""
  returns = [row["episode_return"] for row in rows]
  means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
  return {
    "evaluation_episodes": len(rows),
    **means,
    "episode_return_min": min(returns),
    "episode_return_max": max(returns),
  }
