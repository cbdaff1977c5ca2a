"""What is reported of episodes."""

import collections
from collections.abc import Mapping, Sequence

import dm_env
import numpy as np
from acme.utils import observers


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

  def telemetry(self) -> dict[str, float]:
    """Means over the steps of the episode."""
    steps = max(len(self._rewards), 1)
    return {name: total / steps for name, total in self._telemetry.items()}

  def row(self) -> dict[str, float]:
    """All of it, by name."""
    row = {
      "episode_return": sum(self._rewards),
      "episode_length": len(self._rewards),
      **self.telemetry(),
    }
    for watcher in self._watchers:
      row.update(watcher.get_metrics())
    return row


def summary(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
  """Means over episodes, and the span of their returns."""
  returns = [row["episode_return"] for row in rows]
  means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
  return {
    "evaluation_episodes": len(rows),
    **means,
    "episode_return_min": min(returns),
    "episode_return_max": max(returns),
  }
