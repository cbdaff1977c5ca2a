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
import types

from . import base

ROM_MD5 = "72ffbef6504b75e69ee1045af9075f66"
# Every address comes from the disassembly; score, lives and the end of the game
# are also ALE's.
CELLS = {
  "invaders": 17,  # left in this wave, of 36
  "landed": 24,  # top bit: the invaders have reached the ground
  "lives": 73,
  "score_high": 102,  # two binary-coded decimals each
  "score_low": 104,
}
at = types.SimpleNamespace(**CELLS)

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


@base.where_changed(operator.itemgetter(*CELLS.values()))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  saucers, points = divmod((_score(after) - _score(before)) % 10_000, 200)
  return {
    f"invader_{points}": points > 0,
    "saucer": saucers,
    "life_lost": _lives(after) < _lives(before),
    "invaders_landed": _landed(after) and not _landed(before),
    "wave_cleared": before[at.invaders] > 0 == after[at.invaders],
  }


def _score(ram: bytes) -> int:
  return base.decimal(bytes((ram[at.score_high], ram[at.score_low])))


def _landed(ram: bytes) -> bool:
  return ram[at.landed] >= 128


def _lives(ram: bytes) -> int:
  """As ALE has it: all are lost when the invaders land."""
  return 0 if _landed(ram) else ram[at.lives]


DECODER = base.Decoder("space_invaders", ROM_MD5, CELLS, EVENTS, decode)
