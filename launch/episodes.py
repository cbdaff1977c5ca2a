"""What is reported of episodes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import dm_env
import numpy as np


class Observer(Protocol):
  """Sees the episodes of one environment, as Acme's observers do."""

  def observe_first(
    self, environment: dm_env.Environment, timestep: dm_env.TimeStep
  ) -> None:
    """Notes the first time step of an episode."""

  def observe(
    self,
    environment: dm_env.Environment,
    timestep: dm_env.TimeStep,
    action: np.ndarray,
  ) -> None:
    """Notes a step."""

  def get_metrics(self) -> dict[str, Any]:
    """What is to be reported of the episode so far."""

  def save_state(self) -> dict[str, Any]:
    """All that it knows of the episode so far, as JSON values."""

  def restore_state(self, state: Mapping[str, Any]) -> None:
    """Goes on from there."""


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

  def __init__(self, observers: Sequence[Observer]):
    self._observers = observers
    self._return, self._length = 0.0, 0
    self._telemetry: dict[str, float] = {}

  def begin(self, environment: dm_env.Environment, timestep: dm_env.TimeStep):
    """Notes the first time step of an episode."""
    self._return, self._length, self._telemetry = 0.0, 0, {}
    for observer in self._observers:
      observer.observe_first(environment, timestep)

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
    self._return += float(timestep.reward)
    self._length += 1
    for name, value in telemetry.items():
      self._telemetry[name] = self._telemetry.get(name, 0.0) + float(value)
    for observer in self._observers:
      observer.observe(environment, timestep, action)

  def episode(self) -> Episode:
    """All of it."""
    steps = max(self._length, 1)
    telemetry = {name: sum_ / steps for name, sum_ in self._telemetry.items()}
    row = {
      "episode_return": self._return,
      "episode_length": self._length,
      **telemetry,
    }
    for observer in self._observers:
      row.update(observer.get_metrics())
    return Episode(row, telemetry)

  def save_state(self) -> dict[str, Any]:
    """The sums so far and its observers' state, as JSON values."""
    return {
      "return": self._return,
      "length": self._length,
      "telemetry": self._telemetry.copy(),
      "observers": [observer.save_state() for observer in self._observers],
    }

  def restore_state(self, state: Mapping[str, Any]):
    """Goes on from there, with observers of the same kinds."""
    self._return, self._length = state["return"], state["length"]
    self._telemetry = dict(state["telemetry"])
    pairs = zip(self._observers, state["observers"], strict=True)
    for observer, observed in pairs:
      observer.restore_state(observed)


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
