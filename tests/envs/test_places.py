"""Places: read on play whose course is known, all the way through.

The scripts were searched for on the emulator, and the screens around each
change of room were looked at.
"""

import itertools

import numpy as np
import pytest
import replay

from behavior_transfer import envs
from behavior_transfer.envs.decoders import montezuma_revenge

_NOOP, _UP, _RIGHT, _LEFT, _DOWN, _UP_RIGHT, _JUMP_RIGHT, _JUMP_LEFT = (
  0,
  2,
  3,
  4,
  5,
  6,
  11,
  12,
)

# To the key of the first room and, for four frames a step, out by a door.
_KEY = (
  *((_JUMP_RIGHT, 30), (_UP, 3), (_JUMP_RIGHT, 8), (_DOWN, 8), (_LEFT, 10)),
  *((_JUMP_LEFT, 20), (_UP, 10), (_JUMP_LEFT, 10), (_RIGHT, 3), (_DOWN, 8)),
  *((_RIGHT, 10), (_JUMP_RIGHT, 30)),
)
_RIGHT_DOOR = (
  *((_UP, 16), (_JUMP_LEFT, 4), (_DOWN, 4), (_JUMP_RIGHT, 1), (_UP, 12)),
  (_RIGHT, 10),
)
_LEFT_DOOR = (
  *((_UP, 10), (_JUMP_LEFT, 1), (_UP, 8), (_JUMP_LEFT, 3), (_UP, 16)),
  *((_LEFT, 2), (_JUMP_LEFT, 20)),
)


def _act(ale, game, script):
  """The place after each emulator frame of (action, frames)."""
  read, places = envs.place_reader(game), []
  for action, frames in script:
    for _ in range(frames):
      ale.act(action)
      places.append(read(ale.getRAM().tobytes()))
  return places


def _recorded(game):
  script = ((int(action), 1) for action in replay.recording(game))
  return _act(replay.console(game), game, script)


def _rooms(places):
  """(level, room) of each stay in a room."""
  return [key for key, _ in itertools.groupby(places, lambda p: p[:2])]


def _range(places, axis):
  values = [getattr(place, axis) for place in places]
  return values[0], values[-1]


def test_frostbite_goes_through_a_level():
  """From the shore down to the floes and, by the igloo, on to the second."""
  places = _recorded("frostbite")
  assert _rooms(places) == [(0, 0), (1, 0)]
  assert places[0] == (0, 0, 64, 27)
  assert max(place.y for place in places) > 100
  assert max(place.x for place in places) == 150
  for before, after in itertools.pairwise(places):
    if after[2:] != (64, 27):  # where each life begins
      assert abs(before.x - after.x) <= 6
      assert abs(before.y - after.y) <= 6


def test_gravitar_goes_from_screen_to_screen():
  """To a saucer, the reactor and a planet, from the map and back to it."""
  places, planet, map_, reactor, fight = _recorded("gravitar"), 3, 4, 6, 7
  rooms = [room for _, room in _rooms(places)]
  assert rooms == [map_, fight, map_, reactor, map_, planet]
  for before, after in itertools.pairwise(places):
    if before.room == after.room and after[2:] != (80, 15):  # a new life
      assert abs(before.x - after.x) <= 4
      assert abs(before.y - after.y) <= 4
    if (before.room, after.room) == (fight, map_):
      met = next(p for p in places if p.room == fight)
      assert after[2:] == places[places.index(met) - 1][2:]


def test_gravitar_is_nowhere_before_and_after_the_game():
  ram, read = bytearray(128), envs.place_reader("gravitar")
  screen = envs.decoder("gravitar").cells["screen"]
  for number, known in enumerate((False, False, True, True, True, True)):
    ram[screen] = number
    assert (read(ram) is not None) == known


def test_hero_moves():
  """It comes in from the top, waits, flies right and left, down and up."""
  ale = replay.console("hero")
  fall, right, left, up = (
    _act(ale, "hero", [script])
    for script in ((_NOOP, 140), (_RIGHT, 20), (_LEFT, 20), (_UP, 60))
  )
  assert fall[0] == (0, 0, 32, 138)
  assert {place.x for place in fall} == {32}
  assert fall[-1] == (0, 0, 32, 73)
  assert _range(right, "x") == (32, 51)
  assert _range(left, "x") == (52, 36)
  assert _range(right + left, "y") == (73, 60)
  assert {place.x for place in up} == {36}
  assert _range(up, "y") == (60, 78)


def test_hero_goes_through_rooms_and_levels():
  places = _recorded("hero")
  assert _rooms(places) == [
    *((0, 0), (0, 1)),
    *((1, 0), (1, 1), (1, 2), (1, 1), (1, 2), (1, 3)),
    *((2, room) for room in range(6)),
    *((3, room) for room in range(8)),
    (4, 0),
  ]
  for before, after in itertools.pairwise(places):
    if before.level != after.level:
      assert after == (before.level + 1, 0, 32, 139)
    elif before.room != after.room:
      down = after.room > before.room
      assert before.y <= 4 if down else before.y == 137
      assert after.y == 137 if down else after.y <= 4
      assert abs(before.x - after.x) <= 1


def test_ms_pacman_moves():
  """She starts in the lower half; corridors lead left, right and down."""
  ale = replay.console("ms_pacman")
  still, left, right, down = (
    _act(ale, "ms_pacman", [script])
    for script in ((_NOOP, 250), (_LEFT, 80), (_RIGHT, 64), (_DOWN, 40))
  )
  assert set(still) == {(0, 0, 88, 98)}
  assert _range(left, "x") == (88, 48)
  assert _range(right, "x") == (49, 95)
  assert {place.y for place in left + right} == {98}
  assert down[-1] == (0, 0, 102, 122)


def test_ms_pacman_goes_through_boards():
  """Each is cut short: the game is told that one dot is left."""
  ale, rng = replay.console("ms_pacman"), np.random.default_rng(0)
  cells, places = envs.decoder("ms_pacman").cells, []
  for _ in range(12_000):
    ram = ale.getRAM()
    dots = (154, 150, 158, 154)[ram[cells["maze"]]]
    if 0 < ram[cells["dots"]] < dots:
      ale.setRAM(cells["dots"], dots - 1)
      ale.setRAM(cells["lives"], int(ram[cells["lives"]]) & 0xF0 | 3)
    action = int(rng.integers(_UP, _DOWN + 1))
    places += _act(ale, "ms_pacman", [(action, 1)])
  boards = _rooms(places)
  assert boards[:7] == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)]
  assert {room for _, room in boards[7:]} == {2, 3}
  for before, after in itertools.pairwise(places):
    if before[:2] != after[:2]:
      assert after[2:] == (88, 98)


def test_venture_moves():
  """He waits on the map, then walks right and left, up and down."""
  ale = replay.console("venture")
  wait, right, left, up, down = (
    _act(ale, "venture", [script])
    for script in ((_NOOP, 70), (_RIGHT, 8), (_LEFT, 12), (_UP, 8), (_DOWN, 8))
  )
  assert set(wait) == {(0, 8, 68, 76)}
  assert _range(right, "x") == (68, 70)
  assert _range(left, "x") == (70, 67)
  assert {place.y for place in right + left} == {76}
  assert _range(up, "y") == (76, 74)
  assert _range(down, "y") == (74, 76)
  assert {place.x for place in up + down} == {67}


def test_venture_goes_in_and_out_of_rooms():
  """By doors: on the map and in the room he stands at the same one."""
  doors = {0: ((110, 50), (59, 18)), 1: ((64, 62), (130, 60))}
  doors[2] = (140, 10), (130, 12)
  places, outside = _recorded("venture"), 8
  rooms = [room for _, room in _rooms(places)]
  assert rooms == [8, 0, 8, 2, 8, 1, 8, 0, 8]
  for before, after in itertools.pairwise(places):
    moves = [abs(a - b) for a, b in zip(before[2:], after[2:], strict=True)]
    if after == (0, outside, 68, 76):  # where each life begins
      continue
    if before.room == after.room:
      assert max(moves) <= 1
      continue
    out, room = (before, after) if before.room == outside else (after, before)
    for place, door in zip((out, room), doors[room.room], strict=True):
      assert abs(place.x - door[0]) + abs(place.y - door[1]) <= 3


def _montezuma(*steps):
  ale = replay.console("montezuma_revenge")
  return ale, _act(
    ale, "montezuma_revenge", [(action, 4 * n) for action, n in steps]
  )


def test_montezuma_moves():
  """Down the ladder, to the right on its platform, a jump to the rope."""
  _, places = _montezuma((_DOWN, 9), (_RIGHT, 9), (_JUMP_RIGHT, 3))
  ladder, walk, jump = places[:30], places[36:72], places[72:]
  assert {place.x for place in ladder} == {77}
  assert _range(ladder, "y") == (226, 197)
  assert _range(walk, "x") == (74, 92)
  assert {place.y for place in walk} == {192}
  assert jump[-1] == (0, 1, 102, 209)


def test_montezuma_starts_again_where_it_started():
  """Who runs over the edge dies, and is not moved until the next life."""
  ale, places = _montezuma((_DOWN, 9), (_LEFT, 20))
  assert ale.lives() == 5
  *_, last = places
  assert places[-8:] == [last] * 8
  places = _act(ale, "montezuma_revenge", [(_NOOP, 80)])
  assert [place for place, _ in itertools.groupby(places)] == [
    last,
    (0, 1, 77, 235),
  ]


@pytest.mark.parametrize(
  ("door", "left_at", "room", "entered_at"),
  [(_RIGHT_DOOR, 149, 2, 1), (_LEFT_DOOR, 5, 0, 152)],
)
def test_montezuma_goes_through_doors(door, left_at, room, entered_at):
  _, places = _montezuma(*_KEY, *door)
  (change,) = (i for i, place in enumerate(places) if place is None)
  before, after = places[:change], places[change + 1 :]
  assert {place[:2] for place in before} == {(0, 1)}
  assert {place[:2] for place in after} == {(0, room)}
  assert before[-1] == (0, 1, left_at, 235)
  assert after[0] == (0, room, entered_at, 235)
  assert abs(after[0].x - after[5].x) == 5


def test_montezuma_goes_on_to_the_next_level():
  """Past the treasure room, into which a poke shortens the way."""
  game = "montezuma_revenge"
  ale, _ = _montezuma(*_KEY, *_RIGHT_DOOR)
  ale.setRAM(montezuma_revenge.CELLS["room"], 16)
  places = _act(ale, game, [(_LEFT, 60), (_NOOP, 700)])
  assert _rooms(place or (None, None) for place in places) == [
    (0, 16),
    (None, None),
    (0, 15),
    (1, 1),
  ]


def test_pitfall_goes_from_screen_to_screen():
  """On the ground and in the tunnel, out at one edge and in at the other."""
  places = _recorded("pitfall")
  assert _rooms(places)[:2] == [(0, 196), (0, 137)]
  assert {32, 86} <= {place.y for place in places}
  for before, after in itertools.pairwise(places):
    if before.room != after.room:
      assert before.y == after.y
      assert (before.x, after.x) in [(148, 8), (8, 148)]
    elif after.x != 20:  # where each life begins; a ladder pulls him in
      assert abs(before.x - after.x) <= (8 if after.x == 76 else 1)


def test_private_eye_goes_through_the_town():
  """The car drives right, room by room; the detective leaps out of it."""
  places = _recorded("private_eye")
  rooms = _rooms(places)
  assert rooms[0] == (0, 0)
  assert {room for _, room in rooms} >= set(range(15))
  assert max(place.y for place in places) == 99
  for before, after in itertools.pairwise(places):
    assert abs(before.y - after.y) <= 6
    if before.room == after.room:
      assert abs(before.x - after.x) <= 6
    else:
      right = after.room == (before.room + 1) % 32
      assert right or after.room == (before.room - 1) % 32
      assert (before.x > 140) == (after.x < 24) == right


def test_private_eye_goes_through_a_door():
  """From the first street to the right into the wood behind it."""
  ale = replay.console("private_eye")
  places = _act(ale, "private_eye", [(_RIGHT, 100), (_UP_RIGHT, 80), (_UP, 95)])
  assert _rooms(places) == [(0, 0), (0, 1), (0, 19)]
  for before, after in itertools.pairwise(places):
    if before.room == 1 and after.room == 19:
      assert before.x == after.x == 76


def test_a_place_is_read_from_arrays_as_from_bytes():
  for game in (
    "frostbite",
    "gravitar",
    "hero",
    "ms_pacman",
    "montezuma_revenge",
    "pitfall",
    "private_eye",
    "venture",
  ):
    ram = replay.console(game).getRAM()
    read = envs.place_reader(game)
    assert read(ram) == read(ram.tobytes())


def test_other_games_have_no_places():
  assert envs.place_reader("breakout") is None
