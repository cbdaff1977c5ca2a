"""What is to be learned: a game, and how it is played."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import dm_env
import numpy as np
from dm_env import specs

from behavior_transfer import envs


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

  def make(self, seed: int) -> envs.AtariEnvironment:
    """A fresh environment."""
    return envs.make(self.game, seed=seed, **dataclasses.asdict(self.options))

  def describe(self) -> tuple[TaskSpec, list[str]]:
    """What policies see and do; names of the actions.

    Raises:
      ValueError: There is no such game, or an option is out of its range.
    """
    with self.make(seed=0) as environment:
      spec = TaskSpec(environment.observation_spec(), environment.action_spec())
      return spec, environment.action_meanings


class GameObserver:
  """Sums up native score and events of an episode, as Acme's observers do."""

  def __init__(self):
    self._native_return = 0.0
    self._events: dict[str, int] = {}

  def observe_first(
    self, environment: envs.AtariEnvironment, timestep: dm_env.TimeStep
  ):
    """Starts an episode."""
    del timestep
    self._native_return = 0.0
    self._events = dict.fromkeys(_events(environment.game), 0)

  def observe(
    self,
    environment: envs.AtariEnvironment,
    timestep: dm_env.TimeStep,
    action: np.ndarray,
  ):
    """Adds a step."""
    del timestep, action
    self._native_return += float(environment.native_reward)
    for event, count in environment.events.items():
      self._events[event] += count

  def get_metrics(self) -> dict[str, float]:
    """Native return, and how often each event of the game occurred."""
    counts = {f"event_{name}": n for name, n in self._events.items()}
    return {"native_return": self._native_return, **counts}


def _events(game: str) -> Sequence[str]:
  decoder = envs.variant(game).decoder
  return () if decoder is None else tuple(decoder.events)
