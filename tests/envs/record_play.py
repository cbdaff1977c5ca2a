"""Finds play that contains given events, and records its actions.

  python tests/envs/record_play.py hero

made `envs/recordings/hero.npz`, and so on for every game in `PLAYS`. For a game
with a new decoder, add a `Play`: the events to reach one after another, and
what to call a cell.

The search is Go-Explore's first phase (Ecoffet et al., 2021): keep the emulator
state of every cell reached, return to a promising one, act at random from
there. Cells come from RAM, and so does the rank that makes one promising.
"""

import argparse
import collections
import dataclasses
import math
import pathlib
from collections.abc import Callable, Hashable

import numpy as np
import replay

from behavior_transfer import envs
from behavior_transfer.envs import recordings

ACTION_REPEAT = 4


@dataclasses.dataclass(frozen=True)
class Play:
  """What to look for in a game.

  Attributes:
    goals: Events to reach, one after another. Lives are lost only for goals
      that say so.
    cell: `cell(ram)`; states of the same cell count as the same place.
    rank: `rank(ram, goal)`, higher where the goal seems nearer.
  """

  goals: tuple[str, ...]
  cell: Callable[[bytes], Hashable]
  rank: Callable[[bytes, str], float]


@dataclasses.dataclass
class Node:
  """A state of the emulator, and how it was reached from `parent`."""

  state: object
  ram: bytes
  parent: "Node | None"
  actions: list[int]
  counts: collections.Counter  # events since the last goal
  visits: int = 0

  def history(self) -> list[int]:
    pieces, node = [], self
    while node is not None:
      pieces.append(node.actions)
      node = node.parent
    return [action for piece in reversed(pieces) for action in piece]


_ASTERIX = envs.decoder("asterix").cells
_FREEWAY = envs.decoder("freeway").cells
_FROSTBITE = envs.decoder("frostbite").cells
_GRAVITAR = envs.decoder("gravitar").cells
_HERO = envs.decoder("hero").cells
_MONTEZUMA = envs.decoder("montezuma_revenge").cells
_MS_PACMAN = envs.decoder("ms_pacman").cells
_PITFALL = envs.decoder("pitfall").cells
_PONG = envs.decoder("pong").cells
_PRIVATE_EYE = envs.decoder("private_eye").cells
_SPACE_INVADERS = envs.decoder("space_invaders").cells
_VENTURE = envs.decoder("venture").cells


def _asterix_cell(ram):
  kind, lives = (ram[_ASTERIX[name]] for name in ("kind", "lives"))
  taken, lane, x = ram[66], ram[39], ram[41]
  return kind, lives, taken, lane, x >> 3


def _asterix_rank(ram, goal):
  return 50 * ram[_ASTERIX["kind"]] + ram[66]


def _freeway_cell(ram):
  timer, y = ram[105], ram[14]
  return ram[_FREEWAY["score"]], ram[_FREEWAY["state"]], y >> 2, timer


def _freeway_rank(ram, goal):
  return -ram[14] if goal == "hit" else ram[14]


def _frostbite_cell(ram):
  names = ("level", "blocks", "state")
  place = ram[_FROSTBITE["x"]] >> 4, ram[_FROSTBITE["y"]] >> 3
  return *(ram[_FROSTBITE[name]] for name in names), place


def _frostbite_rank(ram, goal):
  return (ram[_FROSTBITE["blocks"]] + 1) & 255 if goal == "igloo" else 0


def _gravitar_cell(ram):
  names = ("screen", "planet", "heading")
  place = ram[_GRAVITAR["x"]] >> 3, ram[_GRAVITAR["y"]] >> 3
  things = ram[_GRAVITAR["thing_0"] : _GRAVITAR["thing_6"] + 1]
  return *(ram[_GRAVITAR[name]] for name in names), place, things


def _gravitar_rank(ram, goal):
  on_map = goal in ("planet_entered", "fight", "reactor_entered")
  return (ram[_GRAVITAR["screen"]] == 2) == on_map


def _hero_cell(ram):
  room, place = ram[_HERO["room"]], (ram[_HERO["x"]] >> 2, ram[_HERO["y"]] >> 2)
  stock, wall = ram[_HERO["dynamite"]], ram[_HERO["wall"]] == 0
  return ram[_HERO["level"]], room, place, wall, stock, _heat(ram) >> 3


def _hero_rank(ram, goal):
  # The miner waits in the last room.
  return _heat(ram) if goal == "laser_wall" else ram[_HERO["room"]]


def _heat(ram):
  return ram[_HERO["laser_heat"]]


def _montezuma_cell(ram):
  names = ("level", "room", "inventory")
  place = ram[_MONTEZUMA["x"]] >> 3, ram[_MONTEZUMA["y"]] >> 3
  return *(ram[_MONTEZUMA[name]] for name in names), place


def _montezuma_rank(ram, goal):
  # The first key is in the first room, and so is the door.
  return ram[_MONTEZUMA["x"]] >> 4 if goal == "door" else 0


def _ms_pacman_cell(ram):
  names = ("maze", "dots", "timer")
  place = ram[_MS_PACMAN["x"]] >> 2, ram[_MS_PACMAN["y"]] >> 2
  time_left = ram[_MS_PACMAN["eaten"]] >> 1 if _edible(ram) else 0
  fruit = ram[_MS_PACMAN["fruit_x"]] >> 3
  cells = [ram[_MS_PACMAN[name]] for name in names]
  return *cells, place, _edible(ram), time_left, fruit


def _ms_pacman_rank(ram, goal):
  if goal.startswith("ghost"):
    return 1 + (ram[_MS_PACMAN["eaten"]] >> 6) if _edible(ram) else 0
  if goal == "fruit" and ram[_MS_PACMAN["fruit_x"]]:
    return math.inf
  mazes = ram[_MS_PACMAN["lives"]] >> 4  # the fruit changes with the maze
  return 1000 * mazes + ram[_MS_PACMAN["dots"]]


def _edible(ram):
  """How many ghosts can be eaten."""
  ghosts = ram[_MS_PACMAN["ghost_0"] : _MS_PACMAN["ghost_3"] + 1]
  return sum(ghost >= 128 for ghost in ghosts)


def _pitfall_cell(ram):
  place = ram[_PITFALL["x"]] >> 2, ram[_PITFALL["y"]] >> 2
  vine = ram[94] >> 4
  return ram[_PITFALL["lives"]], ram[_PITFALL["screen"]], place, vine


def _pitfall_rank(ram, goal):
  first_to_the_right = 0xC4, 0x89, 0x12, 0x25
  screen = ram[_PITFALL["screen"]]
  return (
    first_to_the_right.index(screen) if screen in first_to_the_right else -1
  )


def _pong_cell(ram):
  ball_x, ball_y, player_y = ram[49], ram[54], ram[51]
  scores = ram[_PONG["opponent_score"]], ram[_PONG["player_score"]]
  flight = ball_x >> 3, ball_y >> 3, ram[_PONG["ball_dx"]]
  return *flight, player_y >> 3, ram[_PONG["hits"]], *scores


def _pong_rank(ram, goal):
  # Behind, when a point is to be won, and fast: the opponent misses such balls.
  speed = (ram[_PONG["ball_dx"]] + 128) % 256 - 128
  return speed if goal == "point_won" else ram[_PONG["hits"]]


# Rooms of the first case where it happens, on the way to the first clue.
_PRIVATE_EYE_ROOMS = {
  "suspect": 2,
  "flower_pot": 3,
  "brick": 5,
  "rat": 8,
  "bird": 9,
  "clue_found": 14,
}


def _private_eye_cell(ram):
  names = ("room", "held", "found")
  place = ram[_PRIVATE_EYE["x"]] >> 3, ram[_PRIVATE_EYE["y"]] >> 6
  return *(ram[_PRIVATE_EYE[name]] for name in names), place


def _private_eye_rank(ram, goal):
  """Near to the room of the goal, early."""
  minutes, seconds = (
    ram[_PRIVATE_EYE[name]] for name in ("minutes", "seconds")
  )
  left = 60 * minutes + 10 * (seconds >> 4) + (seconds & 15)
  away = abs(ram[_PRIVATE_EYE["room"]] - _PRIVATE_EYE_ROOMS[goal])
  return left - 4 * away


def _space_invaders_cell(ram):
  left, lives = (ram[_SPACE_INVADERS[name]] for name in ("invaders", "lives"))
  player_x, shot_y, saucer_x = ram[28], ram[85], ram[30]
  return left, lives, player_x >> 3, shot_y >> 4, saucer_x >> 3, ram[26] >> 2


def _space_invaders_rank(ram, goal):
  no_saucer = 180
  if goal == "saucer":
    return ram[30] != no_saucer
  return -ram[_SPACE_INVADERS["invaders"]]


def _venture_cell(ram):
  names = ("level", "room", "kept", "lives")
  place = envs.place_reader("venture")(ram)
  shot = tuple(ram[cell] == 0xF2 for cell in range(29, 33))
  clock = ram[92] if _carries(ram) else 0  # until the hall monster comes
  standstill = ram[76] >> 4  # what is left of it
  cells = [ram[_VENTURE[name]] for name in names]
  return *cells, clock, standstill, place.x >> 3, place.y >> 2, shot


def _venture_rank(ram, goal):
  if goal == "hall_monster":
    return 256 - ram[92] if _carries(ram) else 0
  # A way in must be found, and one out again.
  rooms = ram[_VENTURE["kept"]].bit_count()
  return 3 * rooms + _in_room(ram) + _carries(ram)


def _in_room(ram):
  return ram[_VENTURE["room"]] < 8


def _carries(ram):
  """Whether a treasure is in the hero's hands."""
  return _in_room(ram) and ram[_VENTURE["taken"]] > 0


PLAYS = {
  "asterix": Play(
    # Later objects differ in their kind alone, which tests poke.
    goals=("object_50", "life_lost", "object_100", "extra_life", "life_lost"),
    cell=_asterix_cell,
    rank=_asterix_rank,
  ),
  "freeway": Play(
    goals=("hit", "crossing", "hit", "crossing", "hit", "crossing"),
    cell=_freeway_cell,
    rank=_freeway_rank,
  ),
  "frostbite": Play(
    goals=("floe", "life_lost", "igloo", "level_up", "life_lost"),
    cell=_frostbite_cell,
    rank=_frostbite_rank,
  ),
  "gravitar": Play(
    goals=(
      # A planet is not left before it is cleared.
      *("fight", "saucer", "reactor_entered"),
      *("planet_entered", "bunker", "life_lost", "life_lost"),
    ),
    cell=_gravitar_cell,
    rank=_gravitar_rank,
  ),
  "hero": Play(
    goals=(
      *("miner", "level_up"),
      *("creature", "laser_wall", "miner", "level_up"),
      *("wall", "life_lost", "wall", "miner", "level_up"),
      *("creature", "wall", "miner", "level_up"),
    ),
    cell=_hero_cell,
    rank=_hero_rank,
  ),
  "montezuma_revenge": Play(
    goals=("key", "door", "life_lost", "life_lost"),
    cell=_montezuma_cell,
    rank=_montezuma_rank,
  ),
  "ms_pacman": Play(
    goals=(
      *("ghost_1600", "fruit", "life_lost", "ghost_1600", "maze_cleared"),
      *("ghost_200", "fruit", "extra_life", "life_lost"),
    ),
    cell=_ms_pacman_cell,
    rank=_ms_pacman_rank,
  ),
  "pitfall": Play(
    goals=("log", "fall", "life_lost", "log", "life_lost"),
    cell=_pitfall_cell,
    rank=_pitfall_rank,
  ),
  "pong": Play(
    goals=(
      *("hit", "opponent_hit", "hit", "point_won", "hit", "opponent_hit"),
      *("point_lost", "hit", "point_won", "point_lost", "point_lost"),
    ),
    cell=_pong_cell,
    rank=_pong_rank,
  ),
  "private_eye": Play(
    goals=tuple(_PRIVATE_EYE_ROOMS),
    cell=_private_eye_cell,
    rank=_private_eye_rank,
  ),
  "space_invaders": Play(
    goals=(
      *("invader_30", "invader_5", "life_lost", "saucer", "wave_cleared"),
      *("invader_10", "invader_20", "life_lost", "saucer"),
    ),
    cell=_space_invaders_cell,
    rank=_space_invaders_rank,
  ),
  "venture": Play(
    goals=(
      *("monster", "room_cleared", "monster_points", "room_cleared"),
      *("life_lost", "hall_monster", "life_lost"),
    ),
    cell=_venture_cell,
    rank=_venture_rank,
  ),
}


class Archive:
  """One node for every cell, the first that was found, by rank."""

  def __init__(self, play: Play, goal: str):
    self._play = play
    self._goal = goal
    self._cells = set()
    self._by_rank = collections.defaultdict(list)

  def add(self, node: Node):
    cell = self._play.cell(node.ram)
    if cell not in self._cells:
      self._cells.add(cell)
      self._by_rank[self._play.rank(node.ram, self._goal)].append(node)

  def choose(self, rng: np.random.Generator) -> Node:
    """A little visited node among those of a high rank."""
    ranks = sorted(self._by_rank, reverse=True)
    depth = min(rng.geometric(0.3), len(ranks)) - 1
    nodes = self._by_rank[ranks[depth]]
    few = [nodes[i] for i in rng.integers(len(nodes), size=8)]
    chosen = min(few, key=lambda node: node.visits)
    chosen.visits += 1
    return chosen


class Search:
  """Looks for one goal after another, each from where the last was reached."""

  def __init__(self, game: str, seed: int):
    self._play = PLAYS[game]
    self._decoder = envs.decoder(game)
    self._rng = np.random.default_rng(seed)
    self._ale = replay.console(game)
    self._legal = [action.value for action in self._ale.getMinimalActionSet()]

  def run(self) -> list[int]:
    node = self._node(None, [], collections.Counter())
    for goal in self._play.goals:
      node = self._reach(goal, node)
      print(f"{goal}: after {len(node.history())} steps", flush=True)
    return node.history()

  def _node(self, parent, actions, counts) -> Node:
    ram = self._ale.getRAM().tobytes()
    return Node(self._ale.cloneState(), ram, parent, actions, counts)

  def _reach(self, goal: str, root: Node) -> Node:
    root = dataclasses.replace(root, counts=collections.Counter())
    archive = Archive(self._play, goal)
    archive.add(root)
    while True:
      for node in self._explore(archive.choose(self._rng), goal):
        if node.counts[goal] and self._survives(node):
          return node
        archive.add(node)

  def _explore(self, node: Node, goal: str):
    """Random actions, each held for a while; yields the nodes on the way."""
    self._ale.restoreState(node.state)
    for _ in range(self._rng.integers(1, 9)):
      action = int(self._rng.choice(self._legal))
      actions, counts = [], node.counts.copy()
      for _ in range(self._rng.integers(1, 9)):
        actions.append(action)
        counts.update(self._step(action))
        if counts[goal]:
          break
      died = counts["life_lost"] and goal != "life_lost"
      if died or self._ale.game_over():
        return
      node = self._node(node, actions, counts)
      yield node
      if counts[goal]:
        return

  def _step(self, action: int) -> collections.Counter:
    """One agent step."""
    counts = collections.Counter()
    for frame in replay.frames(self._ale, [action] * ACTION_REPEAT):
      counts.update(self._decoder.decode(frame.before, frame.after))
    return counts

  def _survives(self, node: Node, tries=30, steps=40) -> bool:
    """Whether random play from here can stay alive, at the best."""
    for _ in range(tries):
      self._ale.restoreState(node.state)
      actions = self._rng.choice(self._legal, size=steps // 4).repeat(4)
      if not any(self._step(int(action))["life_lost"] for action in actions):
        return True
    return False


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("game", choices=sorted(PLAYS))
  parser.add_argument("--seed", type=int, default=0, help="of the search")
  args = parser.parse_args()
  actions = Search(args.game, args.seed).run()
  path = pathlib.Path(recordings.__file__).with_name(f"{args.game}.npz")
  recordings.save(path, args.game, np.array(actions), ACTION_REPEAT)


if __name__ == "__main__":
  main()
