"""Freeway (Activision, 1981).

Found by disassembling the ROM, and checked on play. The score moves in one
place only: a point when the chicken reaches the far side. ALE would pay nothing
where it passes 99, but a game of 8,192 frames leaves time for 43.

A hit sets the chicken's state to a countdown, which sinks by one every other
frame: while two of its bits are set the cars push the chicken back, and
whatever touches it then only makes that last; after that it is stunned, and can
be hit anew.
"""

import operator
import types

from . import base

ROM_MD5 = "8e0ab801b1705a740b476b7f588c6d16"
# Both addresses come from the disassembly; the score is also ALE's. Those of
# the second player, who stands still, come one cell later.
CELLS = {
  "score": 103,  # two binary-coded decimals
  "state": 106,  # 0: walks; from 0x5c: pushed; from 0x4f: stunned; 0x8f: across
}
at = types.SimpleNamespace(**CELLS)

EVENTS = {
  "crossing": base.Event(1, "The chicken reached the far side."),
  "hit": base.Event(0, "A car hit the chicken."),
}


_PUSHED = 0x50


@base.where_changed(operator.itemgetter(at.score, at.state))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  return {
    "crossing": _score(after) > _score(before),
    "hit": _pushed(after) and not _pushed(before),
  }


def _score(ram: bytes) -> int:
  return base.decimal(ram[at.score : at.score + 1])


def _pushed(ram: bytes) -> bool:
  return ram[at.state] & _PUSHED == _PUSHED


DECODER = base.Decoder("freeway", ROM_MD5, CELLS, EVENTS, decode)
