"""Space Invaders (Atari, 1980).

Found by disassembling the ROM, and checked on play. The score moves in these
places only:

  an invader is shot    5, 10, 15, 20, 25, 30 by its row, the lowest first; at
                        most one in a frame, the shot being less high than the
                        gap between two rows
  the saucer is shot    200
  beyond 9,999          the four digits roll over, and ALE makes up for it

The amount says which it was: what is left of it below 100 is an invader.
"""

import operator

from . import base

# Every address comes from the disassembly; score, lives and the end of the game
# are also ALE's.
CELLS = {
  "invaders": 17,  # left in this wave, of 36
  "landed": 24,  # top bit: the invaders have reached the ground
  "lives": 73,
  "score_high": 102,  # two binary-coded decimals each
  "score_low": 104,
}
_INVADERS = CELLS["invaders"]
_LANDED = CELLS["landed"]
_LIVES = CELLS["lives"]
_SCORE_HIGH = CELLS["score_high"]
_SCORE_LOW = CELLS["score_low"]
_WATCHED = operator.itemgetter(*CELLS.values())

EVENTS = {
  "invader_5": base.Event(5, "An invader of the lowest row was shot."),
  "invader_10": base.Event(10, "An invader of the second row was shot."),
  "invader_15": base.Event(15, "An invader of the third row was shot."),
  "invader_20": base.Event(20, "An invader of the fourth row was shot."),
  "invader_25": base.Event(25, "An invader of the fifth row was shot."),
  "invader_30": base.Event(30, "An invader of the highest row was shot."),
  "saucer": base.Event(200, "The saucer was shot."),
  "life_lost": base.Event(0, "A life was lost."),
  "invaders_landed": base.Event(0, "Invaders reached the ground: all is over."),
  "wave_cleared": base.Event(0, "The last invader of a wave was shot."),
}


def decode(before: bytes, after: bytes) -> dict[str, int]:
  """{event: count} of one emulator frame; see `base.Decoder.decode`."""
  before, after = bytes(before), bytes(after)
  # In most frames nothing has happened.
  if _WATCHED(before) == _WATCHED(after):
    return {}
  saucers, points = divmod((_score(after) - _score(before)) % 10_000, 200)
  counts = {f"invader_{points}": 1} if points else {}
  counts["saucer"] = saucers
  counts["life_lost"] = int(_lives(after) < _lives(before))
  counts["invaders_landed"] = int(_landed(after) and not _landed(before))
  counts["wave_cleared"] = int(before[_INVADERS] > 0 == after[_INVADERS])
  return {event: count for event, count in counts.items() if count}


def _score(ram: bytes) -> int:
  return base.decimal(bytes((ram[_SCORE_HIGH], ram[_SCORE_LOW])))


def _landed(ram: bytes) -> bool:
  return ram[_LANDED] >= 128


def _lives(ram: bytes) -> int:
  """As ALE has it: all are lost when the invaders land."""
  return 0 if _landed(ram) else ram[_LIVES]


DECODER = base.Decoder(
  game="space_invaders",
  rom_md5="72ffbef6504b75e69ee1045af9075f66",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
)
