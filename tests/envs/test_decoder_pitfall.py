"""Pitfall: its treasures, and how its games end."""

import collections

import accounts
import pytest
import scenes

from behavior_transfer import envs


@pytest.mark.parametrize(("values", "expected"), scenes.TREASURES)
def test_pitfall_pays_for_treasures(values, expected):
  total, decoder = collections.Counter(), envs.decoder("pitfall")
  for frame in scenes.pitfall_treasure(values):
    total.update(accounts.check(decoder, frame))
  assert total == expected


def test_pitfall_ends_by_its_clock():
  decoder = envs.decoder("pitfall")
  *frames, last = (
    accounts.check(decoder, frame) for frame in scenes.pitfall_times_out()
  )
  assert {"time_out": 1} in [*frames, last]


def test_pitfall_last_life_is_lost_where_harry_begins_to_die():
  decoder = envs.decoder("pitfall")
  lost = 0
  for frame in scenes.pitfall_dies_for_good():
    events = accounts.check(decoder, frame)
    if "life_lost" in events:
      lost += 1
      assert frame.lives_before == 1
      assert not frame.before[decoder.cells["pause"]]
  assert lost == 3
