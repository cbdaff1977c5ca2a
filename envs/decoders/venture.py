"""Venture (Coleco, 1982).

Found by disassembling the ROM, and checked on play. One routine moves the
score, at most once in a frame, and counts in hundreds. It is called for

  a treasure taken    twice the value, which is 100 in the first dungeon and
                      grows by 100 with each dungeon, up to 900
  a monster shot      the value once, but only after the room's treasure has
                      been taken: before that it pays nothing
  beyond 999,900      the four digits roll over

What both pay grows with the dungeon. Hence treasures and monsters are counted
by events that pay nothing, and their points by others. Two amounts can be the
same in different dungeons, so memory tells which it was.

Two maps of four rooms each take turns. A treasure counts for the dungeon only
once it has been carried out of its room: who dies in there finds it again, and
is paid again. No life is ever won.

Recorded play has the treasures of two rooms, monsters with and without pay, and
lives lost. The other treasures, the end of a dungeon, higher values and the
roll-over were seen where a cell is overwritten before the ROM pays.

ALE counts the lives in reserve and one more, and none where the game is over.
"""

import operator

from . import base

# Every address comes from the disassembly; lives, score, state and wait are
# also ALE's.
CELLS = {
  "kept": 17,  # a bit for each room of the map whose treasure was carried out
  "taken": 18,  # 0 until the room's treasure has been taken; not reset outside
  "y": 20,  # of the hero in a room, from the top down
  "map_y": 26,  # of the hero on the map; of the arrow in a room
  "monster_1": 29,  # motion of each of four, or of a treasure; 0xf2 if shot
  "monster_4": 32,
  "state": 63,  # bits: 7 the game stands still, 6 in a room
  "lives": 70,  # in reserve
  "score_high": 71,  # two binary-coded decimals each, thousands of hundreds
  "score_low": 72,
  "wait": 77,  # 1 after a death, 2 after a dungeon, 255 when that is over
  "level": 78,  # from 0
  "x": 79,  # of the hero in a room
  "map_x": 85,  # of the hero on the map; of the arrow in a room
  "value": 88,  # in hundreds, from 1 to 9
  "hall_monster": 89,  # 128 until it comes
  "room": 90,  # 0 to 3 belong to the map 8, 4 to 7 to the map 9
}
_KEPT = CELLS["kept"]
_TAKEN = CELLS["taken"]
_Y = CELLS["y"]
_MAP_Y = CELLS["map_y"]
_MONSTERS = slice(CELLS["monster_1"], CELLS["monster_4"] + 1)
_STATE = CELLS["state"]
_LIVES = CELLS["lives"]
_SCORE = slice(CELLS["score_high"], CELLS["score_low"] + 1)
_WAIT = CELLS["wait"]
_LEVEL = CELLS["level"]
_X = CELLS["x"]
_MAP_X = CELLS["map_x"]
_HALL_MONSTER = CELLS["hall_monster"]
_ROOM = CELLS["room"]
# But for a monster shot, no event comes without a change of one of these.
_WATCHED = operator.itemgetter(
  *(_TAKEN, _SCORE, _ROOM, _KEPT, _HALL_MONSTER),
  *(_LEVEL, _STATE, _WAIT, _LIVES),
)

_MAPS = 8  # and above; below, rooms

EVENTS = {
  **{
    f"treasure_{room}": base.Event(0, f"The treasure of room {room} was taken.")
    for room in range(_MAPS)
  },
  "monster": base.Event(0, "A monster was shot."),
  "treasure_points": base.Event(1, "A point for treasures."),
  "monster_points": base.Event(1, "A point for monsters."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,900."),
  "room_entered": base.Event(0, "A room was entered."),
  "room_cleared": base.Event(0, "A treasure was carried out of its room."),
  "hall_monster": base.Event(0, "The monster that cannot be shot came in."),
  "level_up": base.Event(0, "The next dungeon began."),
  "life_lost": base.Event(0, "A life was lost."),
}

_SHOT = 0xF2
_STANDS_STILL = 0x80
_WAITED = 0xFF


def decode(before: bytes, after: bytes) -> dict[str, int]:
  """{event: count} of one emulator frame; see `base.Decoder.decode`."""
  before, after = bytes(before), bytes(after)
  # In most frames nothing has happened.
  monsters = after[_MONSTERS]
  if _WATCHED(before) == _WATCHED(after) and (
    _SHOT not in monsters or before[_MONSTERS] == monsters
  ):
    return {}
  treasure = not before[_TAKEN] and after[_TAKEN] > 0
  counts = {}
  if before[_SCORE] != after[_SCORE]:
    # Two zeros that never change follow the four digits.
    points, rolled_over = base.six_digits(
      before[_SCORE] + b"\0", after[_SCORE] + b"\0"
    )
    counts["treasure_points" if treasure else "monster_points"] = points
    counts["score_rollover"] = rolled_over
  if treasure:
    counts[f"treasure_{after[_ROOM]}"] = 1
  counts["monster"] = sum(
    was != _SHOT and now == _SHOT
    for was, now in zip(before[_MONSTERS], monsters, strict=True)
  )
  counts["room_entered"] = int(before[_ROOM] >= _MAPS > after[_ROOM])
  counts["room_cleared"] = int(after[_KEPT] & ~before[_KEPT] > 0)
  counts["hall_monster"] = int(
    before[_HALL_MONSTER] >= 0x80 > after[_HALL_MONSTER]
  )
  counts["level_up"] = int(before[_LEVEL] != after[_LEVEL])
  counts["life_lost"] = int(_lives(after) < _lives(before))
  return {event: count for event, count in counts.items() if count}


def place(ram: bytes) -> base.Place:
  """Where the hero is; a map is a room too.

  It holds in every frame: who dies stays where he was until he starts again on
  the map.
  """
  x, y = (_MAP_X, _MAP_Y) if ram[_ROOM] >= _MAPS else (_X, _Y)
  return base.Place(ram[_LEVEL], ram[_ROOM], ram[x], ram[y])


def _lives(ram: bytes) -> int:
  waited = ram[_STATE] & _STANDS_STILL and ram[_WAIT] == _WAITED
  return 0 if waited and not ram[_LIVES] else (ram[_LIVES] & 7) + 1


DECODER = base.Decoder(
  game="venture",
  rom_md5="3e899eba0ca8cd2972da1ae5479b4f0d",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
  place=place,
)
