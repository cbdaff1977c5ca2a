"""H.E.R.O. (Activision, 1984)."""

from . import base

CELLS = {
  "lives": 51,
  "score_high": 55,
  "score_mid": 56,
  "score_low": 57,
  "level": 117,
}

EVENTS = {
  "miner": base.Event(1000, "A miner was reached, which ends the level."),
  "wall": base.Event(75, "A wall was blown up with dynamite."),
  "creature": base.Event(50, "A creature was shot or blown up."),
  "power_bonus": base.Event(1, "Points for power left at a level's end."),
  "dynamite_bonus": base.Event(1, "Points for dynamite left at its end."),
  "laser_wall": base.Event(0, "A wall was cut down with the laser."),
  "life_lost": base.Event(0, "A life was lost."),
  "level_up": base.Event(0, "A level begins, the first one apart."),
}


def _score(ram: bytes) -> int:
  return int(ram[55:58].hex())


def decode(before, after) -> dict[str, int]:
  before, after = bytes(before), bytes(after)
  events = {}
  if before[55:58] != after[55:58]:
    points = _score(after) - _score(before)
    if points >= 1000:
      events["miner"] = 1
      points -= 1000
    if points % 10 == 5:
      events["wall"] = 1
      points -= 75
    if points:
      if points == 50:
        events["creature"] = 1
      else:
        events["power_bonus"] = points
  if after[51] < before[51]:
    events["life_lost"] = before[51] - after[51]
  if after[117] > before[117]:
    events["level_up"] = 1
  return events


DECODER = base.Decoder(
  game="hero",
  rom_md5="fca4a5be1251927027f2c24774a02160",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
)
