"""Montezuma's Revenge (Parker Brothers, 1984).

Places were found by play: through fifteen rooms, over all kinds of exits, and
past the treasure room into the next level. Events were found by disassembling
the ROM, and checked on play. One routine moves the score, at most once in a
frame, from these places only:

  a thing is taken     100 to 3000 by its kind, a table in the ROM: jewel 1000,
                       sword 100, amulet 200, key 100, torch 3000
  an enemy is killed   with the sword: skull 2000, spider 3000; snakes never die
  a door is opened     300
  a level ends         10,000; the third comes again and again, and its end pays
                       nothing
  at each 10,000       an extra life, without points
  beyond 999,999       the six digits roll over

Hence the amount says which event it was, but for sword and key and for torch
and spider, which the kind of the room's object tells apart. In the rooms of all
three levels it is one of the five things, a skull, a spider or a snake.

Random play hardly finds a key. Recorded play has key, door and life_lost; the
other events were seen where a cell is overwritten before the ROM pays: the kind
of the object that is touched, the score, the room.

ALE counts the lives in reserve and one more, and none where the game is over,
which it takes from the lives and a cell of the stack.
"""

import operator
import types

from . import base

ROM_MD5 = "3347a6dd59049b15a38394aa2dafa585"
# "x", "y" and "level" were found by play and met again in the disassembly,
# from which the others come; score, lives and stack are also ALE's.
CELLS = {
  "room": 3,  # from 0, counted along the rows of the pyramid
  "room_change": 4,  # 2 in the first frame of a room, 1 in the second, then 0
  "score_high": 19,  # two binary-coded decimals each
  "score_mid": 20,
  "score_low": 21,  # always 0
  "x": 42,  # of Panama Joe
  "y": 43,  # of Panama Joe, from the bottom up
  "object": 49,  # of the room: 1 jewel, 2 sword, 3 amulet, 4 key, 5 skull, ...
  "level": 57,  # from 0; the treasure room ends one
  "lives": 58,  # in reserve, up to 6
  "inventory": 65,  # bits: 0 amulet, 1 to 4 keys, 5 sword, 7 torch
  "objects": 67,  # half a byte for each room, in the 12 cells from here
  "stack": 126,  # 0x60 with no life in reserve where the game is over
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)

EVENTS = {
  "jewel": base.Event(1000, "A jewel was taken."),
  "sword": base.Event(100, "A sword was taken."),
  "amulet": base.Event(200, "An amulet was taken, which keeps enemies off."),
  "key": base.Event(100, "A key was taken."),
  "torch": base.Event(3000, "The torch was taken, which lights dark rooms."),
  "door": base.Event(300, "A door was opened with a key."),
  "skull": base.Event(2000, "A skull was killed with a sword."),
  "spider": base.Event(3000, "A spider was killed with a sword."),
  "level_up": base.Event(10_000, "The next level began."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,999."),
  "extra_life": base.Event(0, "The extra life of each 10,000 points."),
  "life_lost": base.Event(0, "A life was lost."),
}

_SWORD, _TORCH = 2, 6  # kinds of objects
_GAME_OVER = 0x60
_BY_POINTS = {
  100: "key",
  200: "amulet",
  300: "door",
  1000: "jewel",
  2000: "skull",
  3000: "spider",
  10_000: "level_up",
}
_BY_OBJECT = {(100, _SWORD): "sword", (3000, _TORCH): "torch"}


@base.where_changed(operator.itemgetter(_SCORE, at.lives, at.stack))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  points, rolled_over = base.six_digits(before[_SCORE], after[_SCORE])
  lives = _lives(after) - _lives(before)
  counts = {
    "score_rollover": rolled_over,
    "extra_life": lives > 0,
    "life_lost": lives < 0,
  }
  if points:
    event = _BY_OBJECT.get((points, after[at.object]), _BY_POINTS[points])
    counts[event] = 1
  return counts


def place(ram: bytes) -> base.Place | None:
  """Where Panama Joe is, None in the first frame of a room.

  There the room is the new one while x and y are still where he left the old,
  which would put him at the far end of a room that he has only just entered. In
  all other frames it holds: who dies stays where he was until he starts again.
  """
  if ram[at.room_change] == 2:
    return None
  return base.Place(ram[at.level], ram[at.room], ram[at.x], ram[at.y])


def _lives(ram: bytes) -> int:
  reserve = ram[at.lives]
  if not reserve and ram[at.stack] == _GAME_OVER:
    return 0
  return (reserve & 7) + 1


DECODER = base.Decoder(
  "montezuma_revenge", ROM_MD5, CELLS, EVENTS, decode, place
)
