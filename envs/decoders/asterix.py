"""Asterix (Atari, 1983).

Found by disassembling the ROM, and checked on play. The score moves in one
place only: an object is taken, one at most in a frame, since it must be in
Asterix's lane. All objects about are of one kind, of which there are 25; after
50 objects comes the next kind, after the last the seventeenth again. They pay
50, 100, 200, 300, 400 and, from the sixth kind on, 500. Beyond 999,999 the six
digits roll over.
"""

import operator
import types

from . import base

ROM_MD5 = "89a68746eff7f266bbf08de2483abe55"
# Every address comes from the disassembly; score, lives and death are also
# ALE's.
CELLS = {
  "kind": 54,  # of the objects, from 0
  "death": 71,  # frames left of a death, else 0
  "lives": 83,  # low half of the byte
  "score_high": 94,  # two binary-coded decimals each
  "score_mid": 95,
  "score_low": 96,
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)

EVENTS = {
  "object_50": base.Event(50, "An object of the first kind was taken."),
  "object_100": base.Event(100, "An object of the second kind was taken."),
  "object_200": base.Event(200, "An object of the third kind was taken."),
  "object_300": base.Event(300, "An object of the fourth kind was taken."),
  "object_400": base.Event(400, "An object of the fifth kind was taken."),
  "object_500": base.Event(500, "An object of a later kind was taken."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,999."),
  "next_kind": base.Event(0, "Fifty objects were taken: another kind comes."),
  "extra_life": base.Event(0, "A life was won, at a multiple of 10,000."),
  "life_lost": base.Event(0, "A life was lost."),
}


@base.where_changed(operator.itemgetter(at.kind, at.death, at.lives, _SCORE))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  points, rolled_over = base.six_digits(before[_SCORE], after[_SCORE])
  lives = _lives(after) - _lives(before)
  return {
    f"object_{points}": points > 0,
    "score_rollover": rolled_over,
    "next_kind": before[at.kind] != after[at.kind],
    "extra_life": lives > 0,
    "life_lost": lives < 0,
  }


def _lives(ram: bytes) -> int:
  """As ALE has it: the last is lost in the last frame of its death."""
  lives = ram[at.lives] & 15
  return 0 if lives == 1 and ram[at.death] == 1 else lives


DECODER = base.Decoder("asterix", ROM_MD5, CELLS, EVENTS, decode)
