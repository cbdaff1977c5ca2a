"""Ms. Pac-Man (Atari, 1982)."""

from . import base

CELLS = {
  "score_low": 120,
  "score_mid": 121,
  "score_high": 122,
  "fruit_and_lives": 123,
}

EVENTS = {
  "dot": base.Event(10, "A dot was eaten."),
  "energy_pill": base.Event(50, "An energy pill was eaten."),
  "ghost_200": base.Event(200, "The first ghost of an energy pill."),
  "ghost_400": base.Event(400, "The second ghost of an energy pill."),
  "ghost_800": base.Event(800, "The third ghost of an energy pill."),
  "ghost_1600": base.Event(1600, "The fourth ghost of an energy pill."),
  "fruit": base.Event(1, "A fruit was eaten, in points."),
  "life_lost": base.Event(0, "A life was lost."),
  "maze_cleared": base.Event(0, "The last dot of a maze was eaten."),
}


def _score(ram: bytes) -> int:
  return int(ram[122:119:-1].hex())


def decode(before, after) -> dict[str, int]:
  before, after = bytes(before), bytes(after)
  events = {}
  if before[120:123] != after[120:123]:
    points = _score(after) - _score(before)
    rest = points % 100
    if rest in (10, 60):
      events["dot"] = 1
    if rest in (50, 60):
      events["energy_pill"] = 1
    points -= rest
    if points in (200, 400, 800, 1600):
      events[f"ghost_{points}"] = 1
    elif points:
      events["fruit"] = points
  if after[123] & 7 < before[123] & 7:
    events["life_lost"] = 1
  return events


DECODER = base.Decoder(
  game="ms_pacman",
  rom_md5="87e79cd41ce136fd4f72cc6e2c161bee",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
)
