"""Gravitar (Atari, 1983).

Found by disassembling the ROM, and checked on play. One routine moves the
score, from these places only:

  a saucer is shot      100, on the map, over a planet or in a fight
  a bunker is shot      250; the wreck of the ship pays for it as well
  a planet is cleared   1000, where the ship leaves it and no bunker is left
  a system is cleared   4000, where no planet is left, or where the ship leaves
                        the reactor in time after it has been hit
  beyond 999,999        the six digits roll over

Several may come in one frame: the last bunker is shot while the ship leaves,
and the planet was the last. No two sums of them are the same; where 4000 comes
from, the screen tells.

Whenever the score passes a multiple of 10,000 a life is won without points,
and so are two with a system. The game is over where no life is left or no fuel.
ALE counts the lives in reserve and one more, six before the game begins, and
none where it is over.

Recorded play has a saucer, a bunker, fuel, a planet and the reactor entered,
and lives lost. What a planet, a system and the reactor pay, extra lives, the
roll-over and the end of the fuel were seen where a cell is overwritten before
the ROM pays.
"""

import operator
import types

from . import base

ROM_MD5 = "8ac18076d01a6b63acf6e2cab4968940"
# Every address comes from the disassembly; lives, score and screen are also
# ALE's.
CELLS = {
  "screen": 1,  # 0 title, 1 game over, 2 map, 3 planet, 4 reactor, 5 fight
  "planet": 2,  # bits: 0 and 1 planet, 2 and 3 system, 4 and 5 round
  "planets_left": 3,  # a bit for each planet of the system
  "lives": 4,  # in reserve
  "score_high": 7,  # two binary-coded decimals each
  "score_mid": 8,
  "score_low": 9,
  "fuel_high": 10,  # two binary-coded decimals each, of hundreds
  "fuel_low": 11,
  "x": 31,  # of the ship
  "y": 32,  # of the ship, from the top down
  "heading": 35,  # 0 to 15; above, frames of an explosion
  "thing_0": 58,  # of the seven on a planet; 0x38 fuel, 0x46 fuel being taken
  "thing_6": 64,
  "hit": 112,  # 255 once the reactor has been hit; in the reactor only
}
at = types.SimpleNamespace(**CELLS)
_SCORE = slice(at.score_high, at.score_low + 1)
_FUEL = slice(at.fuel_high, at.fuel_low + 1)
_THINGS = slice(at.thing_0, at.thing_6 + 1)

EVENTS = {
  "saucer": base.Event(100, "A saucer was shot."),
  "bunker": base.Event(250, "A bunker was shot."),
  "planet": base.Event(1000, "A planet without bunkers was left."),
  "system": base.Event(4000, "It was the last planet of its system."),
  "reactor": base.Event(4000, "The reactor was hit, and left in time."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,999."),
  "planet_entered": base.Event(0, "A planet was entered."),
  "reactor_entered": base.Event(0, "The reactor was entered."),
  "reactor_hit": base.Event(0, "The reactor was hit."),
  "fight": base.Event(0, "A saucer of the map was met."),
  "fuel": base.Event(0, "Fuel was taken, 5000 units."),
  "extra_life": base.Event(0, "A life won at a multiple of 10,000, or two."),
  "life_lost": base.Event(0, "A life was lost, or all, for want of fuel."),
  "out_of_fuel": base.Event(0, "The game ended for want of fuel."),
}

_TITLE, _OVER, _, _ON_PLANET, _REACTOR, _FIGHT = range(6)
_ENTERED = {
  _ON_PLANET: "planet_entered",
  _REACTOR: "reactor_entered",
  _FIGHT: "fight",
}
_FUEL_LIES, _FUEL_TAKEN = 0x38, 0x46


@base.where_changed(
  operator.itemgetter(at.screen, at.lives, _SCORE, _THINGS, at.hit)
)
def decode(before: bytes, after: bytes) -> dict[str, int]:
  counts = _paid(before, after)
  was, now = before[at.screen], after[at.screen]
  for screen, event in _ENTERED.items():
    counts[event] = was != screen == now
  counts["out_of_fuel"] = was != _OVER == now and not any(after[_FUEL])
  if was == now == _REACTOR:
    counts["reactor_hit"] = not before[at.hit] and after[at.hit] > 0
  if was == now == _ON_PLANET:
    taken = (_FUEL_LIES, _FUEL_TAKEN)
    things = zip(before[_THINGS], after[_THINGS], strict=True)
    counts["fuel"] = [*things].count(taken)
  lives = _lives(after) - _lives(before)
  return {**counts, "extra_life": max(lives, 0), "life_lost": lives < 0}


def place(ram: bytes) -> base.Place | None:
  """Where the ship is, None before and after the game.

  The level is the system, and 3 systems and an empty number are one round. The
  rooms are the planets of a system, 0 to 3, the map 4, the reactor 6 and a
  fight 7.
  """
  screen, planet = ram[at.screen], ram[at.planet]
  if screen in (_TITLE, _OVER):
    return None
  room = planet & 3 if screen == _ON_PLANET else screen + 2
  return base.Place(planet >> 2 & 15, room, ram[at.x], ram[at.y])


def _paid(before: bytes, after: bytes) -> dict[str, int]:
  points, rolled_over = base.six_digits(before[_SCORE], after[_SCORE])
  systems, points = divmod(points, 4000)
  planets, points = divmod(points, 1000)
  bunkers, points = divmod(points, 250)
  in_reactor = before[at.screen] == _REACTOR
  return {
    "score_rollover": rolled_over,
    "reactor" if in_reactor else "system": systems,
    "planet": planets,
    "bunker": bunkers,
    "saucer": points // 100,
  }


def _lives(ram: bytes) -> int:
  if ram[at.screen] == _TITLE:
    return 6
  return 0 if ram[at.screen] == _OVER else ram[at.lives] + 1


DECODER = base.Decoder("gravitar", ROM_MD5, CELLS, EVENTS, decode, place)
