"""Small pixel environments in which the answer is known."""

import dm_env
import numpy as np
from dm_env import specs


class Recall(dm_env.Environment):
  """The cue of the first observation must be remembered.

  The first of `length + 1` observations shows one of two cues, the others are
  blank but for the last, which asks. The action taken there earns 1 if it
  names the cue, -1 otherwise. Without memory nothing above 0 is possible.
  """

  def __init__(self, seed: int, length: int = 6):
    self._rng = np.random.default_rng(seed)
    self._length = length

  def observation_spec(self):
    return specs.BoundedArray((6, 6, 1), np.uint8, 0, 255, name="pixels")

  def action_spec(self):
    return specs.DiscreteArray(2, name="action")

  def reset(self):
    self._cue = int(self._rng.integers(2))
    self._time = 0
    return dm_env.restart(self._observation())

  def step(self, action):
    self._time += 1
    if self._time > self._length:
      reward = 1.0 if action == self._cue else -1.0
      return dm_env.termination(np.float32(reward), self._observation())
    return dm_env.transition(np.float32(0.0), self._observation())

  def _observation(self):
    pixels = np.zeros((6, 6, 1), np.uint8)
    if self._time == 0:
      pixels[:, 3 * self._cue : 3 * self._cue + 3] = 255
    elif self._time == self._length:
      pixels[2:4] = 255
    return pixels


class Corridor(dm_env.Environment):
  """A goal at the end of a path that any wrong step leads back to its start.

  The right action differs from position to position. The goal pays 1 and ends
  the episode, which is otherwise cut off after `time_limit` steps. Acting at
  random over A actions, an attempt succeeds with probability A^-length.
  """

  def __init__(self, length: int = 12, num_actions: int = 4, time_limit=40):
    self.key = np.random.default_rng(0).integers(num_actions, size=length)
    self._num_actions = num_actions
    self._time_limit = time_limit

  def observation_spec(self):
    return specs.BoundedArray((6, 6, 1), np.uint8, 0, 255, name="pixels")

  def action_spec(self):
    return specs.DiscreteArray(self._num_actions, name="action")

  def reset(self):
    self._position = self._time = 0
    return dm_env.restart(self._observation())

  def step(self, action):
    self._time += 1
    right = action == self.key[self._position]
    self._position = self._position + 1 if right else 0
    if self._position == len(self.key):
      return dm_env.termination(np.float32(1.0), self._observation())
    if self._time == self._time_limit:
      return dm_env.truncation(np.float32(0.0), self._observation())
    return dm_env.transition(np.float32(0.0), self._observation())

  def _observation(self):
    pixels = np.zeros((36,), np.uint8)
    pixels[self._position] = 255
    return pixels.reshape(6, 6, 1)
