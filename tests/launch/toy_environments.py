"""Environments for workers: small, random, and with states that can be kept."""

import functools
import json
import os
import sys
import threading
import zlib
from collections.abc import Sequence

import dm_env
import numpy as np

from behavior_transfer.launch.embedded import stepping

SHAPE = (6, 5, 1)


class Walk(dm_env.Environment):
  """Shows noise and the sum of the actions; its episodes differ in length."""

  def __init__(self, seed: int):
    self._rng = np.random.default_rng(seed)
    self._left = self._sum = 0

  def reset(self) -> dm_env.TimeStep:
    self._left, self._sum = int(self._rng.integers(1, 9)), 0
    return dm_env.restart(self._observe())

  def step(self, action: int) -> dm_env.TimeStep:
    self._left -= 1
    self._sum += int(action)
    reward = self._rng.random(dtype=np.float32)
    if self._left:
      return dm_env.transition(reward, self._observe())
    if self._sum % 2:
      return dm_env.truncation(reward, self._observe())
    return dm_env.termination(reward, self._observe())

  def observation_spec(self):
    raise NotImplementedError

  action_spec = observation_spec

  def save_state(self) -> bytes:
    state = self._rng.bit_generator.state
    return json.dumps([state, self._left, self._sum]).encode()

  def restore_state(self, state: bytes):
    generator, self._left, self._sum = json.loads(state)
    self._rng.bit_generator.state = generator

  def _observe(self) -> np.ndarray:
    observation = self._rng.integers(0, 256, SHAPE, np.uint8)
    observation[0] = self._sum % 256
    return observation


class Failing(Walk):
  """Of seed 3, it raises at the third step."""

  def __init__(self, seed: int):
    super().__init__(seed)
    self._steps, self._fails = 0, seed == 3

  def step(self, action: int) -> dm_env.TimeStep:
    self._steps += 1
    if self._fails and self._steps == 3:
      raise ValueError("the third step of seed 3")
    return super().step(action)


class Stuck(Walk):
  """Its steps never end."""

  def step(self, action: int) -> dm_env.TimeStep:
    threading.Event().wait()
    raise AssertionError


class Trivial(Walk):
  """Takes no time, and goes on for ever."""

  _MID = dm_env.transition(np.float32(1), np.zeros(SHAPE, np.uint8))

  def step(self, action: int) -> dm_env.TimeStep:
    return self._MID


class ActionObserver:
  """Tells the sum of an episode's actions."""

  def observe_first(self, environment, timestep):
    assert timestep.first()
    self._sum = 0

  def observe(self, environment, timestep, action):
    self._sum += int(action)

  def get_metrics(self):
    # A tuple and a scalar of NumPy, which JSON does not know.
    return {"actions": np.int64(self._sum), "pairs": [(self._sum, "a")]}

  def save_state(self):
    return {"sum": self._sum}

  def restore_state(self, state):
    self._sum = state["sum"]


class SurroundingsObserver(ActionObserver):
  """Tells of the process that it is in."""

  def get_metrics(self):
    return {
      "jax": "jax" in sys.modules,
      "main": getattr(sys.modules["__main__"], "__file__", None),
      "threads": os.environ.get("OMP_NUM_THREADS"),
    }


class FailingObserver(ActionObserver):
  def get_metrics(self):
    raise KeyError("no metrics")


class ZlibRecorder:
  """A block every four observations."""

  def __init__(self):
    self._frames: list[np.ndarray] = []

  def begin(self, observation: np.ndarray):
    assert not self._frames
    self._frames.append(observation)

  def add(
    self, observation: np.ndarray, is_last: bool
  ) -> tuple[bytes, int] | None:
    self._frames.append(observation)
    if len(self._frames) < 4 and not is_last:
      return None
    block = zlib.compress(np.stack(self._frames)), len(self._frames)
    self._frames.clear()
    return block

  def save_state(self) -> dict[str, np.ndarray]:
    return {"frames": np.array(self._frames, np.uint8).reshape(-1, *SHAPE)}

  def restore_state(self, arrays: dict[str, np.ndarray]):
    self._frames = list(arrays["frames"])


class NoRecorder(ZlibRecorder):
  def begin(self, observation: np.ndarray):
    pass

  def add(self, observation: np.ndarray, is_last: bool) -> None:
    return None


def make_all(classes):
  """What a plan's observers are made by; it pickles."""
  return [each() for each in classes]


def make_plan(
  num: int,
  environment: type[Walk] = Walk,
  observers: Sequence[type[ActionObserver]] = (ActionObserver,),
  recorder: type[ZlibRecorder] = ZlibRecorder,
) -> stepping.Plan:
  return stepping.Plan(
    environment_factory=environment,
    observer_factory=functools.partial(make_all, tuple(observers)),
    recorder_factory=recorder,
    seeds=tuple(range(num)),
    observation_shape=SHAPE,
  )
