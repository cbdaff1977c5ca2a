"""Private Eye (Activision, 1983).

Found by disassembling the ROM, and checked on play. Clues and loot lie with
suspects, each is to be brought to its owner, then the culprit is to be caught
and brought to the police. The score moves in these places only:

  a suspect is caught       100, if nothing is found on him
  a thing is found          clue 5000, loot 15,000; only the first time
  the culprit is caught     25,000, each time
  a thing is brought back   clue 10,000, loot 20,000
  the case is closed        25,000, when the culprit is brought to the police
  the car meets something   pothole -1 in each frame, brick -100, flower pot
                            -200, rat -300, bird -400, thug -1000
  a thug frees the culprit  another -24,000
  below 0 or from 800,000   the score becomes 0

Gains are told apart by what the detective holds and has found. Losses come from
three slots, which mostly are empty afterwards. Hence a hit is worth all that it
may cost, and what the score had not is given back by an event of its own. Where
the room changes in the frame of a hit, the slots do not tell what it was, and
the amount must do.

The culprit hides until all things are brought back. Recorded play has the
suspect, the first clue and all hits but the thug's; the other events were seen
where a cell is overwritten before the ROM pays.

The game has no lives. It ends with the case or by the clock, three minutes in
the first case.
"""

import collections
import itertools
import operator
import types
from collections.abc import Iterator, Mapping, Sequence

from . import base

ROM_MD5 = "ef3a4f64b6494ba770862768caf04b86"
# Every address comes from the disassembly; the score is also ALE's.
CELLS = {
  "case": 0,  # from 0
  "kind_0": 41,  # what is in the first of three slots: 30 and 31 a suspect, ...
  "held": 60,  # by the detective: 20 to 23 a clue, then loot, 28 the culprit
  "location": 62,  # kind of the room; 4 below the thing whose owner is there
  "x": 63,  # of the car, 18 to 145
  "over": 66,  # 255 from the end of a case
  "minutes": 67,  # left of the time for the case
  "seconds": 69,  # two binary-coded decimals
  "score_high": 72,  # two binary-coded decimals each
  "score_mid": 73,
  "score_low": 74,
  "clue": 75,  # room of the first clue, of those not found; three more follow
  "loot": 79,  # likewise
  "culprit": 83,  # likewise
  "room": 92,
  "done": 93,  # things brought back
  "stunned": 95,  # 160 in the frame of a hit, then fewer; 0 once that is over
  "y": 97,  # of the detective who leaps out of the car, else 0
  "found": 100,  # a bit for each thing that was found, clues lowest
  "hideout": 117,  # room where a suspect was last met, to which a thug goes
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)
_KINDS = slice(at.kind_0, at.kind_0 + 3)

EVENTS = {
  "suspect": base.Event(100, "A suspect was caught, with nothing on him."),
  "clue_found": base.Event(5000, "A clue was found."),
  "loot_found": base.Event(15_000, "A stolen thing was found."),
  "culprit_caught": base.Event(25_000, "The culprit was caught."),
  "clue_returned": base.Event(10_000, "A clue was brought where it leads."),
  "loot_returned": base.Event(20_000, "A stolen thing was brought back."),
  "case_closed": base.Event(25_000, "The culprit was brought to the police."),
  "pothole": base.Event(-1, "The car was in a pothole for a frame."),
  "brick": base.Event(-100, "A brick hit the car."),
  "flower_pot": base.Event(-200, "A flower pot hit the car."),
  "rat": base.Event(-300, "A rat ran into the car."),
  "bird": base.Event(-400, "A bird flew into the detective."),
  "thug": base.Event(-1000, "A thug was met."),
  "culprit_freed": base.Event(-24_000, "A thug freed the culprit."),
  "spared": base.Event(1, "A point of a loss that the score did not have."),
  "score_reset": base.Event(-1, "A point of a score beyond 799,999."),
  "thing_stolen": base.Event(0, "A thug took the clue or loot that was held."),
  "time_out": base.Event(0, "The time for the case was up."),
}

_HITS = {
  10: "pothole",
  4: "brick",
  3: "flower_pot",
  16: "rat",
  17: "rat",
  14: "bird",
  15: "bird",
  32: "thug",
}
_ANY_HIT = [(event, False) for event in dict.fromkeys(_HITS.values())]
_SUSPECTS = (30, 31)
_LOOT, _CULPRIT = 24, 28  # the lowest of what is held
_CLUES = 0x0F  # bits of those found
_HIT = 0xA0
_CASE_OVER = 255
_RESET_FROM = 800_000


@base.where_changed(operator.itemgetter(at.over, at.stunned, _SCORE))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  counts: dict[str, int] = {}
  if before[at.over] != after[at.over] == _CASE_OVER:
    counts["time_out"] = not (after[at.minutes] or after[at.seconds])
  hit = before[at.stunned] != after[at.stunned] == _HIT
  if before[_SCORE] != after[_SCORE] or hit:
    counts.update(_paid(before, after, hit))
  return counts


def place(ram: bytes) -> base.Place:
  """Where the detective is; the level is the case.

  It holds in every frame: the car does not move while he is out of it, and
  what hits it does not push it far.
  """
  return base.Place(ram[at.case], ram[at.room], ram[at.x], ram[at.y])


def _paid(before: bytes, after: bytes, hit: bool) -> dict[str, int]:
  had = base.decimal(before[_SCORE])
  points = base.decimal(after[_SCORE]) - had
  counts = _things(before, after)
  gained = _value(counts)
  if points > gained or _suspect_gone(before, after):
    counts["suspect"] = 1
    gained += 100
  lost = gained - points
  if had + gained >= _RESET_FROM:
    counts["score_reset"] = lost
  elif lost or hit:
    hits = _hits(before, after, lost)
    counts.update(hits, spared=-_value(hits) - lost)
  return counts


def _things(before: bytes, after: bytes) -> dict[str, int]:
  held = before[at.held]
  if after[at.done] > before[at.done]:
    returned = "loot_returned" if held >= _LOOT else "clue_returned"
    return {"case_closed" if held == _CULPRIT else returned: 1}
  if after[at.held] == _CULPRIT != held:
    return {"culprit_caught": 1}
  if found := after[at.found] & ~before[at.found]:
    return {"clue_found" if found & _CLUES else "loot_found": 1}
  return {}


def _slots(before: bytes, after: bytes) -> Iterator[tuple[int, bool]]:
  """What was in each slot, and whether it is gone; none in another room."""
  if before[at.room] == after[at.room]:
    for was, now in zip(before[_KINDS], after[_KINDS], strict=True):
      yield was, not now


def _suspect_gone(before: bytes, after: bytes) -> bool:
  """Whether one was caught who had nothing, or nothing new."""
  return before[at.held] == after[at.held] and any(
    kind in _SUSPECTS and gone for kind, gone in _slots(before, after)
  )


def _hits(before: bytes, after: bytes, lost: int) -> dict[str, int]:
  """What was met: `lost` at the least, more where the score had not enough."""
  counts = _stolen(before, after)
  lost += _value(counts)  # of which a hit accounts for the rest
  near = [(_HITS[k], gone) for k, gone in _slots(before, after) if k in _HITS]
  met = _met(near, lost) or _met(_ANY_HIT, lost)
  return {**counts, **collections.Counter(met)}


def _met(near: Sequence[tuple[str, bool]], lost: int) -> list[str]:
  """Some of what is near: all that is gone, for `lost` points or a few more."""
  num_gone = sum(gone for _, gone in near)

  def rank(some):
    cost = -sum(EVENTS[event].native_value for event, _ in some)
    left = num_gone - sum(gone for _, gone in some)
    return cost < lost, left > 0, cost != lost, cost

  chosen = min(
    (
      some
      for number in range(1, len(near) + 1)
      for some in itertools.combinations(near, number)
    ),
    key=rank,
    default=(),
  )
  return [] if rank(chosen)[0] else [event for event, _ in chosen]


def _stolen(before: bytes, after: bytes) -> dict[str, int]:
  held = before[at.held]
  if not held or after[at.held] or after[at.done] > before[at.done]:
    return {}
  return {"culprit_freed" if held == _CULPRIT else "thing_stolen": 1}


def _value(counts: Mapping[str, int]) -> int:
  return sum(n * EVENTS[event].native_value for event, n in counts.items())


DECODER = base.Decoder("private_eye", ROM_MD5, CELLS, EVENTS, decode, place)
