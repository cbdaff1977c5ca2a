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
import types

from . import base

ROM_MD5 = "3e899eba0ca8cd2972da1ae5479b4f0d"
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
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)
_MONSTERS = slice(at.monster_1, at.monster_4 + 1)
_CHANGING = operator.itemgetter(
  *(at.taken, _SCORE, at.room, at.kept, at.hall_monster),
  *(at.level, at.state, at.wait, at.lives),
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


def _watched(ram: bytes) -> tuple:
  monsters = ram[_MONSTERS]  # which move in each frame
  return _CHANGING(ram), monsters if _SHOT in monsters else None


@base.where_changed(_watched)
def decode(before: bytes, after: bytes) -> dict[str, int]:
  treasure = not before[at.taken] and after[at.taken] > 0
  # Two zeros that never change follow the four digits.
  points, rolled_over = base.six_digits(
    before[_SCORE] + b"\0", after[_SCORE] + b"\0"
  )
  monsters = zip(before[_MONSTERS], after[_MONSTERS], strict=True)
  return {
    "treasure_points" if treasure else "monster_points": points,
    "score_rollover": rolled_over,
    f"treasure_{after[at.room]}": treasure,
    "monster": sum(was != _SHOT == now for was, now in monsters),
    "room_entered": before[at.room] >= _MAPS > after[at.room],
    "room_cleared": after[at.kept] & ~before[at.kept] > 0,
    "hall_monster": before[at.hall_monster] >= 0x80 > after[at.hall_monster],
    "level_up": before[at.level] != after[at.level],
    "life_lost": _lives(after) < _lives(before),
  }


def place(ram: bytes) -> base.Place:
  """Where the hero is; a map is a room too.

  It holds in every frame: who dies stays where he was until he starts again on
  the map.
  """
  x, y = (at.map_x, at.map_y) if ram[at.room] >= _MAPS else (at.x, at.y)
  return base.Place(ram[at.level], ram[at.room], ram[x], ram[y])


def _lives(ram: bytes) -> int:
  waited = ram[at.state] & _STANDS_STILL and ram[at.wait] == _WAITED
  return 0 if waited and not ram[at.lives] else (ram[at.lives] & 7) + 1


DECODER = base.Decoder("venture", ROM_MD5, CELLS, EVENTS, decode, place)
