"""What every environment here tells, beside the time steps of `dm_env`."""

import abc
import copy
from collections.abc import Mapping
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from .decoders import base

MOST_STACKED = 100  # frames, of which environments keep a picture each


def time_step(
  reward: np.float32, observation: np.ndarray, *, is_over: bool, is_cut: bool
) -> dm_env.TimeStep:
  """The time step after an action.

  Args:
    reward: Of the step.
    observation: After it.
    is_over: Whether the game ended the episode, with discount 0.
    is_cut: Whether the clock did, with discount 1 where the game had not.
  """
  step_type = dm_env.StepType.LAST if is_over or is_cut else dm_env.StepType.MID
  discount = np.float32(0 if is_over else 1)
  return dm_env.TimeStep(step_type, reward, discount, observation)


class GameEnvironment(dm_env.Environment):
  """A game: pixels to actions, and what its rewards are made of.

  Observations are one uint8 array `[height, width, num_stacked]`. Rewards and
  discounts are float32 scalars. Environments are pickled and copied as they
  stand; the copy goes on as the original would.
  """

  def __new__(cls, *arguments, **keywords):
    """Keeps what it is made with, for copies."""
    self = super().__new__(cls)
    self._made_with = arguments, keywords
    return self

  def __reduce__(self):
    return _remake, (type(self), *self._made_with, self.save_state())

  def __copy__(self):
    return copy.deepcopy(self)

  def action_spec(self) -> specs.DiscreteArray:
    return specs.DiscreteArray(
      len(self.action_meanings), np.int32, name="action"
    )

  def reward_spec(self) -> specs.Array:
    return specs.Array((), np.float32, name="reward")

  def discount_spec(self) -> specs.BoundedArray:
    return specs.BoundedArray((), np.float32, 0.0, 1.0, name="discount")

  @property
  @abc.abstractmethod
  def game(self) -> str:
    """The name of the game, whichever of its variants this is."""

  @property
  @abc.abstractmethod
  def action_meanings(self) -> list[str]:
    """A name for each action, in the order of the action spec."""

  @property
  @abc.abstractmethod
  def native_reward(self) -> np.float32:
    """What the game itself paid for the last step."""

  @property
  @abc.abstractmethod
  def events(self) -> dict[str, int]:
    """{event: count} of the last step; empty for games without events."""

  @property
  @abc.abstractmethod
  def event_names(self) -> tuple[str, ...]:
    """All events that there are in this game and variant."""

  @property
  @abc.abstractmethod
  def place(self) -> base.Place | None:
    """Where the player is, if that is known."""

  @property
  @abc.abstractmethod
  def lives(self) -> int:
    """Lives left; 0 in games that count none."""

  @abc.abstractmethod
  def ram(self) -> np.ndarray:
    """A copy of the console's memory, uint8; empty where there is none."""

  @abc.abstractmethod
  def render(self) -> np.ndarray:
    """The current picture in colour, uint8 `[height, width, 3]`."""

  @abc.abstractmethod
  def save_state(self) -> bytes:
    """All that depends on the past in what follows, random choices included."""

  @abc.abstractmethod
  def restore_state(self, state: bytes):
    """Goes on as the environment that saved the state.

    Args:
      state: From `save_state` of an environment of the same game and options,
        of whatever seed, reward and process. Rewards are no part of it, but
        conditions on them are.

    Raises:
      ValueError: It is not of such an environment; the message says why.
    """


def _remake(
  kind: type[GameEnvironment],
  arguments: tuple,
  keywords: Mapping[str, Any],
  state: bytes,
) -> GameEnvironment:
  environment = kind(*arguments, **keywords)
  environment.restore_state(state)
  return environment
