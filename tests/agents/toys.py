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


class Maze(dm_env.Environment):
  """A maze without any reward, seen from above as one bright pixel.

  Its corridors are those of a fixed random spanning tree over 8 x 8 cells: 127
  squares that can be stood on. Episodes start in the middle and are cut off
  after `time_limit` steps; the four actions move, or bump into a wall.
  """

  _CELLS = 8
  _MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))

  def __init__(self, time_limit: int = 200):
    self._time_limit = time_limit
    side = 2 * self._CELLS - 1
    self.free = np.zeros((side, side), bool)
    self._start = (2 * (self._CELLS // 2),) * 2
    self._carve(np.random.default_rng(0))
    self.visited: set[tuple[int, int]] = set()  # in this episode

  def _carve(self, rng):
    """Depth first, from the start."""
    path = [self._start]
    self.free[self._start] = True
    while path:
      row, column = path[-1]
      ways = [
        (row + 2 * down, column + 2 * right)
        for down, right in self._MOVES
        if 0 <= row + 2 * down < len(self.free)
        and 0 <= column + 2 * right < len(self.free)
        and not self.free[row + 2 * down, column + 2 * right]
      ]
      if not ways:
        path.pop()
        continue
      way = ways[rng.integers(len(ways))]
      self.free[way] = True
      self.free[(row + way[0]) // 2, (column + way[1]) // 2] = True
      path.append(way)

  def observation_spec(self):
    side = len(self.free)
    return specs.BoundedArray((side, side, 1), np.uint8, 0, 255, name="pixels")

  def action_spec(self):
    return specs.DiscreteArray(4, name="action")

  def reset(self):
    self._position, self._time = self._start, 0
    self.visited = {self._position}
    return dm_env.restart(self._observation())

  def step(self, action):
    self._time += 1
    position = tuple(np.add(self._position, self._MOVES[action]))
    inside = min(position) >= 0 and max(position) < len(self.free)
    if inside and self.free[position]:
      self._position = position
    self.visited.add(self._position)
    if self._time == self._time_limit:
      return dm_env.truncation(np.float32(0.0), self._observation())
    return dm_env.transition(np.float32(0.0), self._observation())

  def _observation(self):
    pixels = np.zeros((*self.free.shape, 1), np.uint8)
    pixels[self._position] = 255
    return pixels
