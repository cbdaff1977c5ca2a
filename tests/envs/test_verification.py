"""Verification finds what a decoder does not account for."""

import dataclasses

import numpy as np
import pytest
import replay

from behavior_transfer import envs
from behavior_transfer.envs import console, verification

_FRAMES = 6_000


@pytest.mark.parametrize("game", ["hero", "ms_pacman"])
def test_play_is_accounted_for(game):
  account = verification.verify(
    envs.decoder(game), console.random_actions(_FRAMES, seed=1)
  )
  assert account.failure is None
  assert account.frames == _FRAMES
  assert account.events["life_lost"] > 0


def test_recorded_play_is_accounted_for():
  actions = replay.recording("hero")
  account = verification.verify(envs.decoder("hero"), actions)
  assert account.failure is None
  assert account.frames == len(actions)
  assert account.events["miner"] == 4


def test_an_event_that_is_overlooked_ends_it_with_a_picture():
  right = envs.decoder("hero")

  def decode(before, after):
    events = right.decode(before, after)
    events.pop("wall", None)
    return events

  wrong = dataclasses.replace(right, decode=decode)
  actions = replay.recording("hero")
  failure = verification.verify(wrong, actions).failure
  assert failure.paid == 75
  assert failure.events == {}
  assert failure.screen.shape == (210, 160, 3)
  assert failure.screen.dtype == np.uint8
  account = verification.verify(right, actions[: failure.frame])
  assert account.events["wall"] == 1


def test_random_actions_are_held_and_as_many_as_asked_for():
  actions = list(console.random_actions(5_000, seed=3))
  assert len(actions) == 5_000
  assert set(actions) == set(range(18))
  changes = np.count_nonzero(np.diff(actions))
  assert 5_000 / 30 < changes < 5_000 / 8
  assert actions == list(console.random_actions(5_000, seed=3))
