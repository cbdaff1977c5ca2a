"""Frostbite (Activision, 1983).

Found by disassembling the ROM, and checked on play. The score moves in these
places only:

  a white floe is reached   10 times the level, up to 90
  a fish is caught          200, in twenty ticks of 10 while play goes on, so
                            that a tick and a floe may come in one frame; what
                            is left is lost where another sound takes over
  the igloo is entered      for each block of it, sixteen, and then for each
                            degree of temperature left as much as for a floe;
                            nothing else but a fish's ticks can pay meanwhile
  at each 5,000             an extra life, without points
  beyond 999,999            the six digits roll over

What a floe pays grows with the level, and a fish may pay less than it should.
Hence floes, fish and igloos are counted by events that pay nothing, and their
points by others.

Recorded play has all but fish, extra life and roll-over. Those were seen where
a cell is overwritten before the ROM pays: what the hero touches, or the score.
"""

import operator
import types

from . import base

ROM_MD5 = "4ca73eb959299471788f0b685c3ba0b5"
# Every address comes from the disassembly; lives and score are also ALE's.
CELLS = {
  "kind_0": 17,  # lowest two bits: what is in the first of four rows, 1 fish
  "value": 21,  # of a floe, two binary-coded decimals
  "touched": 56,  # row of what the hero touches, 255 if nothing
  "score_high": 72,  # two binary-coded decimals each
  "score_mid": 73,
  "score_low": 74,
  "level": 75,  # from 0
  "lives": 76,  # in reserve, up to 9
  "blocks": 77,  # of the igloo, less one; 255 if there are none
  "y": 100,  # of the hero, from the top down; 27 on the shore
  "temperature": 101,  # two binary-coded decimals
  "x": 102,  # of the hero
  "pause": 103,  # frames left of it, from one step of the bonus to the next too
  "state": 113,  # bits: 7 dying, 6 in the igloo, while the bonus is counted
  "sound": 116,  # 0x5a in the frame in which a fish is caught
  "landed": 118,  # 255 from a jump's end until a white floe has been reached
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)

EVENTS = {
  "floe": base.Event(0, "A white ice floe was reached."),
  "fish": base.Event(0, "A fish was caught."),
  "igloo": base.Event(0, "The igloo was entered, which ends the level."),
  "floe_points": base.Event(1, "A point for white ice floes."),
  "fish_points": base.Event(1, "A point for fish."),
  "block_points": base.Event(1, "A point for blocks of the igloo entered."),
  "temperature_points": base.Event(1, "A point for degrees left at that time."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,999."),
  "extra_life": base.Event(0, "The extra life of each 5,000 points."),
  "life_lost": base.Event(0, "A life was lost."),
  "level_up": base.Event(0, "The next level began."),
}

_DYING = 0x80
_IN_IGLOO = 0x40
_FISH_CAUGHT = 0x5A
_NO_BLOCKS = 0x80  # and above


@base.where_changed(
  operator.itemgetter(_SCORE, at.level, at.lives, at.state, at.sound, at.landed)
)
def decode(before: bytes, after: bytes) -> dict[str, int]:
  counts = _paid(before, after) if before[_SCORE] != after[_SCORE] else {}
  lives = _lives(after) - _lives(before)
  return {
    **counts,
    "floe": _floe(before, after),
    "fish": before[at.sound] != _FISH_CAUGHT == after[at.sound],
    "igloo": not _in_igloo(before) and _in_igloo(after),
    "extra_life": lives > 0,
    "life_lost": lives < 0,
    "level_up": after[at.level] > before[at.level],
  }


def place(ram: bytes) -> base.Place:
  """Where the hero is; each level is one room.

  It holds in every frame: who drowns sinks where he was, and who enters the
  igloo is at its door until the next level begins.
  """
  return base.Place(ram[at.level], 0, ram[at.x], ram[at.y])


def _paid(before: bytes, after: bytes) -> dict[str, int]:
  points, rolled_over = base.six_digits(before[_SCORE], after[_SCORE])
  counts = {"score_rollover": rolled_over, "fish_points": points}
  if _floe(before, after):
    event = "floe_points"
  elif _in_igloo(before) and _in_igloo(after) and not before[at.pause]:
    blocks_left = before[at.blocks] < _NO_BLOCKS
    event = "block_points" if blocks_left else "temperature_points"
  else:
    return counts
  # The cell is written anew at the end of each frame.
  value = base.decimal(before[at.value : at.value + 1])
  return {**counts, "fish_points": points - value, event: value}


def _floe(before: bytes, after: bytes) -> bool:
  return before[at.landed] >= 0x80 and not after[at.landed]


def _in_igloo(ram: bytes) -> bool:
  return ram[at.state] & (_DYING | _IN_IGLOO) == _IN_IGLOO


def _lives(ram: bytes) -> int:
  reserve = ram[at.lives] & 15
  return 0 if not reserve and ram[at.state] & _DYING else reserve + 1


DECODER = base.Decoder("frostbite", ROM_MD5, CELLS, EVENTS, decode, place)
