"""What is to be learned: a game, and how it is played."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import dm_env
import numpy as np
from dm_env import specs

from behavior_transfer import envs

from . import coverage as coverage_lib


@dataclasses.dataclass(frozen=True)
class EnvironmentOptions:
  """Keywords of `envs.make`; the defaults are R2D2's and NGU's protocol."""

  action_repeat: int = 4
  num_stacked: int = 1
  noop_max: int = 30
  max_episode_frames: int = 108_000
  sticky_action_probability: float = 0.0
  full_action_set: bool = True


class TaskSpec(NamedTuple):
  """As Acme's `EnvironmentSpec`, which takes long to import."""

  observations: specs.BoundedArray
  actions: specs.DiscreteArray


@dataclasses.dataclass(frozen=True)
class Task:
  """A variant of a game under its options."""

  game: str
  options: EnvironmentOptions

  def make(self, seed: int) -> envs.GameEnvironment:
    """A fresh environment."""
    return envs.make(self.game, seed=seed, **dataclasses.asdict(self.options))

  def describe(self) -> tuple[TaskSpec, list[str]]:
    """What policies see and do; names of the actions.

    Raises:
      ValueError: There is no such game, or an option is out of its range.
    """
    with self.make(seed=0) as environment:
      return describe(environment)


def describe(
  environment: envs.GameEnvironment,
) -> tuple[TaskSpec, list[str]]:
  """What policies see and do in an environment; names of the actions."""
  spec = TaskSpec(environment.observation_spec(), environment.action_spec())
  return spec, environment.action_meanings


class GameObserver:
  """Sums up an episode of a game, as Acme's observers do.

  That is the native score, the events, what every variant of the game would
  have paid for them, and how much of the game was visited.
  """

  def __init__(self):
    self._game: str | None = None
    self._variants: list[envs.Variant] = []
    self._tells_places = False
    self._native_return = 0.0
    self._events: dict[str, int] = {}
    self._cells: set[coverage_lib.Cell] = set()

  def observe_first(
    self, environment: dm_env.Environment, timestep: dm_env.TimeStep
  ):
    """Starts an episode."""
    del timestep
    assert isinstance(environment, envs.GameEnvironment)
    self._begin(environment.game)
    self._events = dict.fromkeys(environment.event_names, 0)
    self._visit(environment)

  def observe(
    self,
    environment: dm_env.Environment,
    timestep: dm_env.TimeStep,
    action: np.ndarray,
  ):
    """Adds a step."""
    del timestep, action
    assert isinstance(environment, envs.GameEnvironment)
    self._native_return += float(environment.native_reward)
    for event, count in environment.events.items():
      self._events[event] += count
    self._visit(environment)

  def get_metrics(self) -> dict[str, Any]:
    """The sums, by name."""
    metrics: dict[str, Any] = {"native_return": self._native_return}
    for variant in self._variants:
      # Rewards are linear in the counts of events.
      metrics[f"return_{variant.name}"] = variant.reward(self._events)
    metrics.update({f"event_{name}": n for name, n in self._events.items()})
    if self._tells_places:
      metrics["levels"] = len({cell[0] for cell in self._cells})
      metrics["rooms"] = len({cell[:2] for cell in self._cells})
      metrics["positions"] = len(self._cells)
    return metrics

  def save_state(self) -> dict[str, Any]:
    """The sums so far, as JSON values."""
    return {
      "game": self._game,
      "native_return": self._native_return,
      "events": [*self._events.items()],  # in the order of their columns
      "cells": sorted(self._cells),
    }

  def restore_state(self, state: Mapping[str, Any]):
    """Goes on from there."""
    if state["game"] is not None:  # None: no episode had begun
      self._begin(state["game"])
    self._native_return = state["native_return"]
    self._events = dict(state["events"])
    self._cells = {tuple(cell) for cell in state["cells"]}

  def _begin(self, game: str):
    self._game = game
    self._variants = _modded_variants(game)
    self._tells_places = envs.tells_places(game)
    self._native_return = 0.0
    self._cells = set()

  def _visit(self, environment: envs.GameEnvironment):
    place = environment.place
    if place is not None:
      self._cells.add(coverage_lib.cell(place))


class TrainingObserver(GameObserver):
  """Also tells which parts of the game an episode visited.

  That is for `coverage.Coverage`, which puts figures in its place.
  """

  def get_metrics(self) -> dict[str, Any]:
    metrics = super().get_metrics()
    if not self._tells_places:
      return metrics
    return {**metrics, coverage_lib.VISITED: sorted(self._cells)}


def make_observers(label: str) -> tuple[GameObserver]:
  """Those of an environment for training, "train", or for evaluation."""
  return (TrainingObserver() if label == "train" else GameObserver(),)


def _modded_variants(game: str) -> list[envs.Variant]:
  variants = map(envs.variant, envs.names())
  return [v for v in variants if v.game == game and v.rewards is not None]
