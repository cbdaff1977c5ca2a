"""An environment of a few lines; who steps it need not know what learns."""

import json
from typing import NamedTuple

import dm_env
import numpy as np
from dm_env import specs


class Spec(NamedTuple):
  """What an agent is told of an environment."""

  observations: specs.Array
  actions: specs.DiscreteArray


class Corridor(dm_env.Environment):
  """Pays for steps to the right."""

  def __init__(self, seed: int, length: int = 7):
    self._rng = np.random.default_rng(seed)
    self._length = length
    self._step = 0

  def reset(self) -> dm_env.TimeStep:
    self._step = 0
    return dm_env.restart(self._observe())

  def step(self, action: int) -> dm_env.TimeStep:
    self._step += 1
    reward = np.float32(action == 1)
    if self._step == self._length:
      return dm_env.termination(reward, self._observe())
    return dm_env.transition(reward, self._observe())

  def observation_spec(self) -> specs.Array:
    return SPEC.observations

  def action_spec(self) -> specs.DiscreteArray:
    return SPEC.actions

  def save_state(self) -> bytes:
    return json.dumps([self._rng.bit_generator.state, self._step]).encode()

  def restore_state(self, state: bytes):
    self._rng.bit_generator.state, self._step = json.loads(state)

  def _observe(self) -> np.ndarray:
    return self._rng.integers(0, 256, (8, 8, 1), np.uint8)


SPEC = Spec(specs.Array((8, 8, 1), np.uint8), specs.DiscreteArray(3))
