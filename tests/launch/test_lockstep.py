"""Environments that are stepped together."""

import pathlib
import sys

import jax
import numpy as np
import pytest

from behavior_transfer.launch import actors, lockstep

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


class _ForeignBuilder:
  """Knows single actors only; the second of them goes right."""

  def __init__(self):
    self.keys, self.adders, self.actors = [], [], []

  def make_actor(self, random_key, policy, spec, variable_source, adder):
    self.keys.append(tuple(np.asarray(random_key)))
    self.adders.append(adder)
    self.actors.append(_Actor(_RIGHT if len(self.actors) == 1 else 0))
    return self.actors[-1]


class _Batch(actors.SingleActors):
  """Says of each environment who it is."""

  @property
  def telemetry(self):
    return [{"number": float(i)} for i in range(len(self._actors))]


class _BatchedBuilder(_ForeignBuilder):
  """Makes an actor for several environments itself."""

  def make_batched_actor(
    self,
    random_key,
    policy,
    spec,
    variable_source,
    adders,
    first_environment,
    num_environments,
  ):
    self.place = first_environment, num_environments
    return _Batch(
      [self.make_actor(random_key, policy, spec, None, a) for a in adders]
    )


def _play(builder):
  """All rows of a loop, in the order in which the episodes ended."""
  adders = ["a", "b", "c"]
  actor = actors.make_batched_actor(
    builder, jax.random.PRNGKey(0), None, None, None, adders, 6, 12
  )
  assert builder.adders == adders
  environments = [toy.Corridor(seed=0, length=length) for length in _LENGTHS]
  loop = lockstep.LockStep(environments, actor, [()] * len(_LENGTHS))
  ended = [loop.step() for _ in range(_STEPS)]
  actor.update()
  assert all(seconds > 0 for seconds in loop.seconds.values())
  for step, episodes in enumerate(ended, start=1):
    lengths = [episode.row["episode_length"] for episode in episodes]
    assert lengths == [n for n in _LENGTHS if step % n == 0]
  return [episode for episodes in ended for episode in episodes]


@pytest.mark.parametrize("make", [_ForeignBuilder, _BatchedBuilder])
def test_each_environment_has_episodes_of_its_own(make):
  builder = make()
  rows = [episode.row for episode in _play(builder)]
  for length in _LENGTHS:
    own = [row for row in rows if row["episode_length"] == length]
    assert len(own) == _STEPS // length
    paid = length if length == _LENGTHS[1] else 0
    assert [row["episode_return"] for row in own] == [paid] * len(own)
  for actor, length in zip(builder.actors, _LENGTHS, strict=True):
    episode = ["first", *["mid"] * (length - 1), "last"]
    assert actor.told == episode * (_STEPS // length)
    assert actor.updates == 1


def test_telemetry_is_that_of_the_environment():
  for episode in _play(_BatchedBuilder()):
    number = float(_LENGTHS.index(episode.row["episode_length"]))
    assert episode.telemetry == {"number": number}
    assert episode.row["number"] == number
  assert not any(episode.telemetry for episode in _play(_ForeignBuilder()))


def test_a_batch_is_told_which_environments_it_has():
  builder = _BatchedBuilder()
  _play(builder)
  assert builder.place == (6, 12)


def test_no_two_single_actors_share_their_randomness():
  builder, key = _ForeignBuilder(), jax.random.PRNGKey(0)
  for first in (0, 2):  # as two processes with the key of their run
    actors.make_batched_actor(
      builder, key, None, None, None, [None] * 2, first, 4
    )
  assert len(set(builder.keys)) == 4
