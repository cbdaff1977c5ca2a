"""Freeway (Activision, 1981).

Found by disassembling the ROM, and checked on play. The score moves in one
place only: a point when the chicken reaches the far side. ALE would pay nothing
where it passes 99, but a game of 8,192 frames leaves time for 43.

A hit sets the chicken's state to a countdown, which sinks by one every other
frame: while two of its bits are set the cars push the chicken back, and
whatever touches it then only makes that last; after that it is stunned, and can
be hit anew.
"""

from . import base

# Both addresses come from the disassembly; the score is also ALE's. Those of
# the second player, who stands still, come one cell later.
CELLS = {
  "score": 103,  # two binary-coded decimals
  "state": 106,  # 0: walks; from 0x5c: pushed; from 0x4f: stunned; 0x8f: across
}
_SCORE = CELLS["score"]
_STATE = CELLS["state"]

EVENTS = {
  "crossing": base.Event(1, "The chicken reached the far side."),
  "hit": base.Event(0, "A car hit the chicken."),
}


_PUSHED = 0x50


def decode(before: bytes, after: bytes) -> dict[str, int]:
  """{event: count} of one emulator frame; see `base.Decoder.decode`."""
  counts = {}
  if _score(after) > _score(before):
    counts["crossing"] = 1
  if _pushed(after) and not _pushed(before):
    counts["hit"] = 1
  return counts


def _score(ram: bytes) -> int:
  return base.decimal(bytes(ram[_SCORE : _SCORE + 1]))


def _pushed(ram: bytes) -> bool:
  return ram[_STATE] & _PUSHED == _PUSHED


DECODER = base.Decoder(
  game="freeway",
  rom_md5="8e0ab801b1705a740b476b7f588c6d16",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
)
