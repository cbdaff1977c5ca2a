"""Gravitar: the rules that its decoder follows, one by one."""

import collections

import accounts
import numpy as np
import pytest
import scenes

from behavior_transfer import envs

_CELLS = envs.decoder("gravitar").cells
_SAUCER, _BUNKERS = 0, (0x0E, 0x1C, 0x2A)
_WRECKS = 0x62, 0x9A  # without fuel below, and with


def _shot(before, after, kinds):
  """How many things of these kinds are wrecks now."""
  things = slice(_CELLS["thing_0"], _CELLS["thing_6"] + 1)
  was, now = before[things], after[things]
  return int((np.isin(was, kinds) & np.isin(now, _WRECKS)).sum())


def test_gravitar_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  for before, after, events in accounts.decoded("gravitar"):
    screens = before[_CELLS["screen"]], after[_CELLS["screen"]]
    if screens == (3, 3):
      assert _shot(before, after, _BUNKERS) == events.get("bunker", 0)
      assert _shot(before, after, _SAUCER) == events.get("saucer", 0)
    elif "saucer" in events:
      saucer = 115
      assert before[saucer] == 0x40


def _events(frames):
  decoder, total = envs.decoder("gravitar"), collections.Counter()
  for frame in frames:
    total.update(accounts.check(decoder, frame))
  return total


def test_gravitar_planets_are_cleared_on_the_way_out():
  """The last of a system brings what the others do, and more."""
  assert _events(scenes.gravitar_planet_is_left(last=False)) == {"planet": 1}
  last = _events(scenes.gravitar_planet_is_left(last=True))
  assert last == {"planet": 1, "system": 1, "extra_life": 2}


def test_gravitar_fuel_is_taken_from_the_last_thing_too():
  frames = scenes.gravitar_last_thing_is_fuel()
  assert _events(frames) == {"fuel": 1}


def test_gravitar_reactor_pays_where_it_was_hit():
  assert not _events(scenes.gravitar_reactor_is_left(hit=False))
  events = _events(scenes.gravitar_reactor_is_left(hit=True))
  assert events == {"reactor_hit": 1, "reactor": 1, "extra_life": 2}


def test_gravitar_game_ends_for_want_of_fuel():
  events = _events(scenes.gravitar_runs_out_of_fuel())
  assert events == {"out_of_fuel": 1, "life_lost": 1}


@pytest.mark.parametrize("fuel", [(1, 0), (0, 0x90)])
def test_gravitar_last_life_is_lost_where_the_game_ends(fuel):
  *frames, last = scenes.gravitar_dies_for_good(*fuel)
  assert _events([last]) == {"life_lost": 1}
  assert "life_lost" not in _events(frames)


@pytest.mark.parametrize("systems", [0, 1])
@pytest.mark.parametrize("planets", [0, 1])
@pytest.mark.parametrize(
  ("points", "shot"),
  [(0x0000, {}), (0x0100, {"saucer": 1}), (0x0250, {"bunker": 1})],
)
def test_gravitar_events_of_one_frame_are_told_apart(
  systems, planets, points, shot
):
  decoder = envs.decoder("gravitar")
  before, after = np.zeros((2, 128), np.uint8)
  for ram in before, after:
    ram[_CELLS["screen"]] = 3
  points += 0x4000 * systems + 0x1000 * planets
  after[_CELLS["score_mid"]], after[_CELLS["score_low"]] = divmod(points, 256)
  events = decoder.decode(before, after)
  paid = {"system": systems, "planet": planets, **shot}
  assert events == {event: count for event, count in paid.items() if count}
