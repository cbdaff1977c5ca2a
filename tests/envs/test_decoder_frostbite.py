"""Frostbite: how its decoder tells fish from floes."""

import collections

import accounts
import scenes

from behavior_transfer import envs


def test_frostbite_fish_pays_in_ticks():
  decoder, total = envs.decoder("frostbite"), collections.Counter()
  for frame in scenes.frostbite_fish():
    events = accounts.check(decoder, frame)
    assert events.get("fish_points", 10) == 10
    total.update(events)
  assert total == {"floe": 1, "floe_points": 10, "fish": 1, "fish_points": 200}


def test_frostbite_tick_and_floe_of_one_frame_are_told_apart():
  decoder = envs.decoder("frostbite")
  events = [
    accounts.check(decoder, f) for f in scenes.frostbite_tick_and_floe()
  ]
  assert {"floe": 1, "floe_points": 10, "fish_points": 10} in events
