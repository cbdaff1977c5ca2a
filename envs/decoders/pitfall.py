"""Pitfall! (Activision, 1982).

Found by disassembling the ROM, and checked on play. The score, 2000 at the
start, moves in these places only, of which one frame can have one:

  a treasure is taken    money bag 2000, silver 3000, gold 4000, ring 5000; of
                         each there are eight, in 255 screens
  Harry falls down       100 for a hole above the tunnel; not for tar, water or
                         quicksand, which cost a life, nor for a ladder
  a log is touched       1 in each frame, unless he climbs or jumps over it
  below 0                the score becomes 0
  beyond 999,999         the six digits roll over

Hence the amount says which event it was, but where a fall takes what is left of
a score below 100; his height tells that he fell. What the score had not is
given back by an event of its own.

Recorded play has falls, logs and lost lives; the other events were seen where a
cell is overwritten before the ROM pays.

The game ends with the third life, after twenty minutes, or with the last
treasure, of which ALE notices the first alone. It counts the last life as lost
where Harry begins to die, the others where he starts again.
"""

import operator
import types

from . import base

ROM_MD5 = "3e90cf23106f2e08b2781e41299de556"
# Every address comes from the disassembly; score, lives and pause are also
# ALE's.
CELLS = {
  "lives": 0,  # in reserve: 0xa0 two, 0x80 one, 0 none
  "screen": 1,  # one of 255 in a fixed order; the tunnel skips two at a time
  "object": 19,  # of the screen; the lowest two bits are a treasure's kind
  "shaft": 29,  # 255 where there is a ladder, with or without holes, else 0
  "pause": 30,  # frames left of a death; not 0 before and after a game, too
  "score_high": 85,  # two binary-coded decimals each
  "score_mid": 86,
  "score_low": 87,
  "minutes": 88,  # left, two binary-coded decimals; likewise the seconds
  "seconds": 89,
  "x": 97,  # of Harry, 8 to 148
  "y": 105,  # of Harry, from the top down; 32 on the ground
  "treasures": 113,  # left, less one
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)

EVENTS = {
  "money_bag": base.Event(2000, "A money bag was taken."),
  "silver": base.Event(3000, "A silver bar was taken."),
  "gold": base.Event(4000, "A gold bar was taken."),
  "ring": base.Event(5000, "A diamond ring was taken."),
  "fall": base.Event(-100, "Harry fell through a hole into the tunnel."),
  "log": base.Event(-1, "Harry touched a rolling log for a frame."),
  "spared": base.Event(1, "A point of a fall that the score did not have."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,999."),
  "all_found": base.Event(0, "The last treasure was taken."),
  "life_lost": base.Event(0, "A life was lost."),
  "time_out": base.Event(0, "The twenty minutes were up."),
}

_BY_POINTS = {2000: "money_bag", 3000: "silver", 4000: "gold", 5000: "ring"}
_FALLEN = 34  # the height at which a fall costs
_NONE_LEFT = 255


@base.where_changed(operator.itemgetter(at.lives, at.pause, _SCORE, at.y))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  counts = _paid(before, after)
  counts["life_lost"] = _lives(after) < _lives(before)
  if before[at.pause] != after[at.pause]:
    none_left = after[at.treasures] == _NONE_LEFT != before[at.treasures]
    counts["all_found"] = none_left
    time_left = after[at.minutes] or after[at.seconds]
    counts["time_out"] = not (before[at.pause] or time_left)
  return counts


def place(ram: bytes) -> base.Place:
  """Where Harry is.

  It holds in every frame: who dies stays where he was until he starts again.
  """
  return base.Place(0, ram[at.screen], ram[at.x], ram[at.y])


def _paid(before: bytes, after: bytes) -> dict[str, int]:
  points = base.decimal(after[_SCORE]) - base.decimal(before[_SCORE])
  if after[at.shaft] and before[at.y] != after[at.y] == _FALLEN:
    return {"fall": 1, "spared": 100 + points}
  rolled_over = int(points < -100)
  points += 1_000_000 * rolled_over
  if points > 0:
    return {"score_rollover": rolled_over, _BY_POINTS[points]: 1}
  return {"log": -points}


def _lives(ram: bytes) -> int:
  lives = {0xA0: 3, 0x80: 2}.get(ram[at.lives], 1)
  return 0 if not ram[at.lives] and ram[at.pause] else lives


_LAST = frozenset(("all_found", "time_out"))
DECODER = base.Decoder(
  "pitfall", ROM_MD5, CELLS, EVENTS, decode, place, last_events=_LAST
)
