"""An environment of a few lines; who steps it need not know what learns."""

import json
import os
import pathlib
import signal
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


class Broken(Corridor):
  """Raises at the end of its first episode."""

  def step(self, action: int) -> dm_env.TimeStep:
    if self._step == self._length - 1:
      raise OSError("the emulator is gone")
    return super().step(action)


class Deadly(Corridor):
  """Kills its process after some steps, as often as it is asked to.

  A file of the folder tells of each time. Of all seeds, one does.
  """

  def __init__(
    self, seed: int, only: int, folder: pathlib.Path, deaths: int, after: int
  ):
    super().__init__(seed)
    self._folder, self._left = folder, after
    self._deaths = deaths if seed == only else 0

  def step(self, action: int) -> dm_env.TimeStep:
    self._left -= 1
    times = len(list(self._folder.glob("death_*")))
    if self._left < 0 and times < self._deaths:
      (self._folder / f"death_{times}").touch()
      os.kill(os.getpid(), signal.SIGKILL)
    return super().step(action)


class Doomed(Corridor):
  """Has its run stopped at a step, and kills its process; of all seeds, one."""

  def __init__(self, seed: int, only: int, at: int):
    super().__init__(seed)
    self._left = at if seed == only else 0

  def step(self, action: int) -> dm_env.TimeStep:
    self._left -= 1
    if self._left == 0:
      os.kill(os.getppid(), signal.SIGTERM)
      os.kill(os.getpid(), signal.SIGKILL)
    return super().step(action)


class Signalling(Corridor):
  """Sends its process a signal at a step; of all seeds, one does."""

  def __init__(self, seed: int, only: int, number: signal.Signals, at: int):
    super().__init__(seed)
    self._number, self._left = number, at if seed == only else 0

  def step(self, action: int) -> dm_env.TimeStep:
    self._left -= 1
    if self._left == 0:
      os.kill(os.getpid(), self._number)
    return super().step(action)


SPEC = Spec(specs.Array((8, 8, 1), np.uint8), specs.DiscreteArray(3))
