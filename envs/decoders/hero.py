"""H.E.R.O. (Activision, 1984).

Found by disassembling the ROM, and checked on play. The score moves in these
places only:

  a miner is reached      1000
  a wall is blown up      75, one at most in a frame
  a creature dies         50, up to three in a frame
  a level ends            a tick for each unit of power left (20 to 1000 points
                          by the level, a table in the ROM), then 50 for each
                          stick of dynamite; nothing else can pay meanwhile
  beyond 999,999          the counter turns into six blocks, which ALE reads as
                          1,222,221; the game then plays its demonstration and
                          pays nothing more

Since the play and the bonus exclude one another, the amount says which event it
was, once it is known which of the two is on. On the twentieth level a tick of
power pays as much as a miner, so the amount alone would not do.
"""

import operator
import types

from . import base

ROM_MD5 = "fca4a5be1251927027f2c24774a02160"
# Every address comes from the disassembly; lives and score are also ALE's.
CELLS = {
  "x": 27,  # of the hero
  "room": 28,
  "y": 31,  # of the hero, from the bottom up
  "wall": 32,  # x of the room's wall that can be destroyed, 0 if there is none
  "power": 43,
  "laser_heat": 49,  # counts up under the laser; the wall goes when it wraps
  "dynamite": 50,  # sticks left
  "lives": 51,
  "score_high": 55,  # two binary-coded decimals each
  "score_mid": 56,
  "score_low": 57,
  "level_over": 114,  # 0 in play, 255 from the miner to the next level
  "level": 117,  # from 0; after the twentieth the thirteenth comes again
  "dying_0": 119,  # frames left of a creature's death, 0 while it lives
  "dying_1": 120,
  "wall_hit": 122,  # 0x75 while dynamite that destroyed a wall explodes
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)
# Laser heat, dynamite, lives and score lie side by side.

EVENTS = {
  "miner": base.Event(1000, "The miner was reached, which ends the level."),
  "wall": base.Event(75, "A wall was blown up with dynamite."),
  "creature": base.Event(50, "A creature was shot or blown up."),
  "power_bonus": base.Event(1, "A point for power left when the level ended."),
  "dynamite_bonus": base.Event(1, "A point for dynamite left at that time."),
  "score_overflow": base.Event(1, "A point of the jump beyond 999,999."),
  "laser_wall": base.Event(0, "A wall was cut down with the laser."),
  "life_lost": base.Event(0, "A life was lost."),
  "level_up": base.Event(0, "The next level began."),
}

_OVERFLOWN = b"\xbb\xbb\xbb"


@base.where_changed(
  operator.itemgetter(slice(at.laser_heat, at.score_low + 1), at.level)
)
def decode(before: bytes, after: bytes) -> dict[str, int]:
  counts = _paid(before, after) if before[_SCORE] != after[_SCORE] else {}
  level_up = before[at.level] != after[at.level]
  same_room = before[at.room] == after[at.room] and not level_up
  wall_gone = before[at.wall] != 0 and after[at.wall] == 0 and same_room
  cut = before[at.laser_heat] == 255 and after[at.laser_heat] == 0
  return {
    **counts,
    "laser_wall": wall_gone and cut,
    "life_lost": after[at.lives] < before[at.lives],
    "level_up": level_up,
  }


def place(ram: bytes) -> base.Place:
  """Where the hero is.

  It holds in every frame: at the end of a level and of a life the hero stays
  where it was, then comes in from the top.
  """
  return base.Place(ram[at.level], ram[at.room], ram[at.x], ram[at.y])


def _paid(before: bytes, after: bytes) -> dict[str, int]:
  points = base.decimal(after[_SCORE]) - base.decimal(before[_SCORE])
  if after[_SCORE] == _OVERFLOWN:
    return {"score_overflow": points}
  if before[at.level_over]:
    # Where no dynamite is left, the last tick of power already fills the
    # stock for the next level.
    dynamite = 50 if after[at.dynamite] == before[at.dynamite] - 1 else 0
    return {"power_bonus": points - dynamite, "dynamite_bonus": dynamite}
  miners, points = divmod(points, 1000)
  walls = int(points % 50 == 25)
  creatures = (points - 75 * walls) // 50
  return {"miner": miners, "wall": walls, "creature": creatures}


DECODER = base.Decoder("hero", ROM_MD5, CELLS, EVENTS, decode, place)
