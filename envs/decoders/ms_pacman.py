"""Ms. Pac-Man (Atari, 1982).

Found by disassembling the ROM, and checked on play. The score moves in these
places only, each at most once in a frame, several of them perhaps together:

  a dot, or an energy pill    10 or 50; never both in one frame
  a ghost                     200, 400, 800, 1600
  a fruit                     100, 200, 500, 700, 1000, 2000, 5000 by its kind
  at 10,000                   an extra life, noted by the game in the lowest
                              bit of its score, so that ALE pays 1 point
  beyond 999,999              the six digits roll over

A strawberry pays as much as the first ghost: the ghosts' own state tells them
apart.
"""

import operator
import types

from . import base

ROM_MD5 = "87e79cd41ce136fd4f72cc6e2c161bee"
# Every address comes from the disassembly; score, lives and timer are also
# ALE's.
CELLS = {
  "maze": 0,  # which of the four mazes
  "ghost_0": 1,  # high half of the byte: 8 and above while edible, 4 once eaten
  "ghost_1": 2,
  "ghost_2": 3,
  "ghost_3": 4,
  "x": 10,  # of Ms. Pac-Man
  "fruit_x": 11,  # 0 if there is none
  "y": 16,  # of Ms. Pac-Man, from the top down
  "timer": 39,  # of the scenes that interrupt play; 0x53 ends a life
  "dot_map": 59,  # a bit for each dot left, in the 42 cells from here
  "eaten": 116,  # top two bits: ghosts eaten since the energy pill, modulo 4
  "pill_map": 117,  # bits 2 to 5: energy pills left
  "dots": 119,  # dots and energy pills eaten in this maze
  "score_low": 120,  # two binary-coded decimals each
  "score_mid": 121,
  "score_high": 122,
  "lives": 123,  # low half of the byte: lives in reserve; high half: the fruit
}
at = types.SimpleNamespace(**CELLS)
_GHOSTS = slice(at.ghost_0, at.ghost_3 + 1)
# The lowest digits first.
_SCORE = slice(at.score_high, at.score_low - 1, -1)
# Dots, score and lives lie side by side.

EVENTS = {
  "dot": base.Event(10, "A dot was eaten."),
  "energy_pill": base.Event(50, "An energy pill was eaten."),
  "ghost_200": base.Event(200, "The first ghost after an energy pill."),
  "ghost_400": base.Event(400, "The second ghost after an energy pill."),
  "ghost_800": base.Event(800, "The third ghost after an energy pill."),
  "ghost_1600": base.Event(1600, "The fourth ghost after an energy pill."),
  "fruit": base.Event(1, "A point for eating a fruit."),
  "extra_life": base.Event(1, "The extra life of the first 10,000 points."),
  "score_rollover": base.Event(-1_000_000, "The score passed 999,999."),
  "life_lost": base.Event(0, "A life was lost."),
  "maze_cleared": base.Event(0, "The last dot of a maze was eaten."),
}

_GHOST_EVENTS = ("ghost_1600", "ghost_200", "ghost_400", "ghost_800")
_MAZE_DOTS = (154, 150, 158, 154)  # energy pills included
_LIFE_ENDS = 0x53


@base.where_changed(operator.itemgetter(slice(at.dots, at.lives + 1), at.timer))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  full = _MAZE_DOTS[after[at.maze] & 3]
  return {
    **_paid(before, after),
    "life_lost": _lives(after) < _lives(before),
    "maze_cleared": before[at.dots] < full == after[at.dots],
  }


def place(ram: bytes) -> base.Place:
  """Where Ms. Pac-Man is; the room is the maze, the level its fruit.

  The game counts no boards. Each maze is played twice, with another fruit each
  time; then the last two mazes take turns, and from the eighth board on the
  fruit is drawn at random. So fruit and maze tell the first seven boards apart,
  and a later one is new if its pair of fruit and maze is.

  It holds in every frame: while play is interrupted she stays where she was,
  until a life or a board starts.
  """
  return base.Place(ram[at.lives] >> 4, ram[at.maze], ram[at.x], ram[at.y])


def _paid(before: bytes, after: bytes) -> dict[str, int]:
  points, rolled_over = base.six_digits(before[_SCORE], after[_SCORE])
  hundreds, tens_and_ones = divmod(points, 100)
  counts = {
    "score_rollover": rolled_over,
    "extra_life": tens_and_ones % 10,
    "dot": tens_and_ones // 10 == 1,
    "energy_pill": tens_and_ones // 10 == 5,
    "fruit": 100 * hundreds,
  }
  if hundreds and _ghost_eaten(before, after):
    event = _GHOST_EVENTS[after[at.eaten] >> 6]
    counts[event] = 1
    counts["fruit"] -= EVENTS[event].native_value
  return counts


def _ghost_eaten(before: bytes, after: bytes) -> bool:
  return any(
    was >> 4 != 4 and now >> 4 == 4
    for was, now in zip(before[_GHOSTS], after[_GHOSTS], strict=True)
  )


def _lives(ram: bytes) -> int:
  reserve = ram[at.lives] & 15
  return 0 if not reserve and ram[at.timer] == _LIFE_ENDS else (reserve & 7) + 1


DECODER = base.Decoder("ms_pacman", ROM_MD5, CELLS, EVENTS, decode, place)
