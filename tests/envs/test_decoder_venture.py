"""Venture: the rules that its decoder follows, one by one."""

import collections

import accounts
import pytest
import scenes

from behavior_transfer import envs

_CELLS = envs.decoder("venture").cells


def _treasures(events):
  return sum(n for event, n in events.items() if event.startswith("treasure_"))


def test_venture_events_leave_their_traces_in_ram():
  """The value, and whether a treasure is taken, confirm what is paid."""
  for before, after, events in accounts.decoded("venture"):
    value = 100 * int(before[_CELLS["value"]])
    treasure = before[_CELLS["taken"]] == 0 < after[_CELLS["taken"]]
    assert events.get("treasure_points", 0) == 2 * value * treasure
    pays = before[_CELLS["taken"]] > 0
    shot = events.get("monster", 0)
    assert events.get("monster_points", 0) == shot * value * pays
    if treasure:
      assert events[f"treasure_{before[_CELLS['room']]}"] == 1
    else:
      assert not _treasures(events)


def test_venture_rooms_are_cleared_on_the_way_out():
  cells = [_CELLS[name] for name in ("room", "kept")]
  for before, after, events in accounts.decoded("venture"):
    (room, kept), now = (tuple(ram[cells]) for ram in (before, after))
    if "room_cleared" in events:
      bit = 1 << room % 4
      assert now == (8 + room // 4, kept | bit)
      assert not kept & bit
    else:
      assert now[1] == kept


def test_venture_dungeon_ends_with_its_fourth_room():
  """After a while; then the other map comes, and all is worth more."""
  decoder, total = envs.decoder("venture"), collections.Counter()
  cells = [_CELLS[name] for name in ("room", "kept", "level", "value")]
  for frame in scenes.venture_dungeon_ends():
    events = accounts.check(decoder, frame)
    total.update(events)
    if "level_up" in events:
      assert tuple(frame.before[cells]) == (8, 0b1111, 0, 1)
      assert tuple(frame.after[cells]) == (9, 0, 1, 2)
  assert total == {"room_cleared": 1, "level_up": 1}


@pytest.mark.parametrize("room", range(8))
def test_venture_treasures_of_every_room(room):
  decoder, total = envs.decoder("venture"), collections.Counter()
  for frame in scenes.venture_treasure(room):
    total.update(accounts.check(decoder, frame))
  assert total == {f"treasure_{room}": 1, "treasure_points": 200}


@pytest.mark.parametrize("value", range(1, 10))
def test_venture_pays_the_value(value):
  """In binary-coded decimals, beyond the fourth dungeon too."""
  decoder = envs.decoder("venture")
  for event, times in (("treasure_points", 2), ("monster_points", 1)):
    index, _ = accounts.frames_with("venture", event)[0]
    frame = next(accounts.poked("venture", index, value=value))
    events = accounts.check(decoder, frame)
    assert events[event] == 100 * times * value
