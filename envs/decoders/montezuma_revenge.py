"""Montezuma's Revenge (Parker Brothers, 1984).

Cells found by play: through fifteen rooms, over all kinds of exits, and past
the treasure room into the next level. There are no events yet, hence no
decoder.
"""

from . import base

ROM_MD5 = "3347a6dd59049b15a38394aa2dafa585"

CELLS = {
  "room": 3,  # from 0, counted along the rows of the pyramid
  "room_change": 4,  # 2 in the first frame of a room, 1 in the second, then 0
  "x": 42,  # of Panama Joe
  "y": 43,  # of Panama Joe, from the bottom up
  "level": 57,  # from 0; the treasure room ends one
}
_ROOM = CELLS["room"]
_ROOM_CHANGE = CELLS["room_change"]
_X = CELLS["x"]
_Y = CELLS["y"]
_LEVEL = CELLS["level"]


def place(ram: bytes) -> base.Place | None:
  """Where Panama Joe is, None in the first frame of a room.

  There the room is the new one while x and y are still where he left the old,
  which would put him at the far end of a room that he has only just entered. In
  all other frames it holds: who dies stays where he was until he starts again.
  """
  if ram[_ROOM_CHANGE] == 2:
    return None
  return base.Place(ram[_LEVEL], ram[_ROOM], ram[_X], ram[_Y])
