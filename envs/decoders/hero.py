"""H.E.R.O. (Activision, 1984).

Found by disassembling the ROM, and checked on play. The score moves in these
places only:

  a miner is reached      1000
  a wall is blown up      75, one at most in a frame
  a creature dies         50, up to three in a frame
  a level ends            a tick for each unit of power left (20 to 1000 points
                          by the level, a table in the ROM), then 50 for each
                          stick of dynamite; nothing else can pay meanwhile
  beyond 999,999          the counter shows "!!!!!!" and stays so; in its
                          binary-coded digits ALE reads 1,222,221

Since the play and the bonus exclude one another, the amount says which event it
was, once it is known which of the two is on. On the twentieth level a tick of
power pays as much as a miner, so the amount alone would not do.
"""

from . import base

# Every address comes from the disassembly; the first four are also ALE's.
CELLS = {
  "lives": 51,
  "score_high": 55,  # two binary-coded decimals each
  "score_mid": 56,
  "score_low": 57,
  "room": 28,
  "wall": 32,  # x of the room's wall that can be destroyed, 0 if there is none
  "laser_heat": 49,  # counts up under the laser; the wall goes when it wraps
  "dynamite": 50,  # sticks left
  "level_over": 114,  # 0 in play, 255 from the miner to the next level
  "level": 117,  # from 0; after the twentieth the thirteenth comes again
}

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


def decode(before: bytes, after: bytes) -> dict[str, int]:
  """{event: count} of one emulator frame; see `base.Decoder.decode`."""
  before, after = bytes(before), bytes(after)
  # Laser heat, dynamite, lives and score lie side by side: most frames, in
  # which none of them changes, end here.
  if before[49:58] == after[49:58] and before[117] == after[117]:
    return {}
  counts = _paid(before, after) if before[55:58] != after[55:58] else {}
  same_place = before[28] == after[28] and before[117] == after[117]
  wall_gone = before[32] != 0 and after[32] == 0 and same_place
  counts["laser_wall"] = int(wall_gone and before[49] == 255 and after[49] == 0)
  counts["life_lost"] = int(after[51] < before[51])
  counts["level_up"] = int(after[117] != before[117])
  return {event: count for event, count in counts.items() if count}


def _paid(before: bytes, after: bytes) -> dict[str, int]:
  points = _score(after) - _score(before)
  if after[55:58] == _OVERFLOWN:
    return {"score_overflow": points}
  if before[114]:
    # Where no dynamite is left, the last tick of power already fills the
    # stock for the next level.
    dynamite = 50 if after[50] == before[50] - 1 else 0
    return {"power_bonus": points - dynamite, "dynamite_bonus": dynamite}
  miners, points = divmod(points, 1000)
  walls = int(points % 50 == 25)
  creatures = (points - 75 * walls) // 50
  return {"miner": miners, "wall": walls, "creature": creatures}


def _score(ram: bytes) -> int:
  return base.decimal(ram[55], ram[56], ram[57])


DECODER = base.Decoder(
  game="hero",
  rom_md5="fca4a5be1251927027f2c24774a02160",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
)
