"""Environments that are stepped together."""

import pathlib
import sys

import numpy as np

from behavior_transfer.launch import lockstep

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import toy

_LENGTHS = (2, 3, 7)
_STEPS = 42  # a multiple of each
_RIGHT = 1  # the action that is paid


class _Actor:
  """Always does the same, and notes what it is told."""

  def __init__(self, action: int):
    self._action = action
    self.told: list[str] = []
    self.updates = 0

  def observe_first(self, timestep):
    assert timestep.first()
    self.told.append("first")

  def select_action(self, observation):
    assert observation.shape == (8, 8, 1)
    return np.int32(self._action)

  def observe(self, action, next_timestep):
    assert action == self._action
    self.told.append("last" if next_timestep.last() else "mid")

  def update(self, wait=False):
    self.updates += 1


class _Batch:
  """Single actors as one, which says of each environment who it is."""

  def __init__(self, actors):
    self._actors = actors

  @property
  def telemetry(self):
    return [{"number": float(i)} for i in range(len(self._actors))]

  def observe_first(self, index, timestep):
    self._actors[index].observe_first(timestep)

  def select_actions(self, observations):
    pairs = zip(self._actors, observations, strict=True)
    return np.stack([actor.select_action(seen) for actor, seen in pairs])

  def observe(self, actions, timesteps):
    for triple in zip(self._actors, actions, timesteps, strict=True):
      triple[0].observe(*triple[1:])

  def update(self, wait=False):
    for actor in self._actors:
      actor.update(wait)


def _play():
  """The actors, and all episodes of a loop in the order in which they ended."""
  actors = [_Actor(_RIGHT if i == 1 else 0) for i in range(len(_LENGTHS))]
  batch = _Batch(actors)
  environments = [toy.Corridor(seed=0, length=length) for length in _LENGTHS]
  loop = lockstep.LockStep(environments, batch, [()] * len(_LENGTHS))
  ended = [loop.step() for _ in range(_STEPS)]
  batch.update()
  assert all(seconds > 0 for seconds in loop.seconds.values())
  for step, episodes in enumerate(ended, start=1):
    lengths = [episode.row["episode_length"] for episode in episodes]
    assert lengths == [n for n in _LENGTHS if step % n == 0]
  return actors, [episode for episodes in ended for episode in episodes]


def test_each_environment_has_episodes_of_its_own():
  actors, episodes = _play()
  rows = [episode.row for episode in episodes]
  for length in _LENGTHS:
    own = [row for row in rows if row["episode_length"] == length]
    assert len(own) == _STEPS // length
    paid = length if length == _LENGTHS[1] else 0
    assert [row["episode_return"] for row in own] == [paid] * len(own)
  for actor, length in zip(actors, _LENGTHS, strict=True):
    episode = ["first", *["mid"] * (length - 1), "last"]
    assert actor.told == episode * (_STEPS // length)
    assert actor.updates == 1


def test_telemetry_is_that_of_the_environment():
  for episode in _play()[1]:
    number = float(_LENGTHS.index(episode.row["episode_length"]))
    assert episode.telemetry == {"number": number}
    assert episode.row["number"] == number
