"""Variants of games by name: native ones, and those with modded rewards.

A variant is data: a game and, for a modded one, what each event is worth. The
games are those of ale-py, and the maze.
"""

import dataclasses
import difflib
from collections.abc import Mapping

from ale_py import roms

from . import atari, decoders, maze
from .game import GameEnvironment


class UnknownVariantError(ValueError):
  """There is no variant of that name; the message names the nearest ones."""


@dataclasses.dataclass(frozen=True)
class Variant:
  """A game and its reward.

  Attributes:
    name: What it is called in `make`.
    game: Name of the ROM in ale-py, or the maze's.
    rewards: Reward for one of each event; events left out give 0. None keeps
      the native reward.
  """

  name: str
  game: str
  rewards: Mapping[str, float] | None = None

  def __post_init__(self):
    if self.rewards is None:
      return
    if not self.events:
      with_events = [*sorted(decoders.DECODERS), maze.GAME]
      raise ValueError(
        f"game: got {self.game!r}; allowed: a game with events"
        f" ({', '.join(with_events)}), for rewards of events."
      )
    for event in self.rewards:
      if event not in self.events:
        raise ValueError(
          f"rewards: got event {event!r}; allowed: {', '.join(self.events)}."
        )

  @property
  def decoder(self) -> decoders.Decoder | None:
    return decoders.DECODERS.get(self.game)

  @property
  def events(self) -> Mapping[str, decoders.Event]:
    """The events of its game, by name; for most games none are known."""
    if self.game == maze.GAME:
      return maze.EVENTS
    return {} if self.decoder is None else self.decoder.events

  def reward(self, events: Mapping[str, int]) -> float:
    """The reward for {event: count}; it is linear in the counts."""
    if self.rewards is None:
      known = self.events
      return float(sum(n * known[e].native_value for e, n in events.items()))
    return float(sum(n * self.rewards.get(e, 0.0) for e, n in events.items()))


_GHOSTS = {
  "ghost_200": 200.0,
  "ghost_400": 400.0,
  "ghost_800": 800.0,
  "ghost_1600": 1600.0,
}

_MODDED = (
  Variant("hero_easy", "hero", {"miner": 1000.0, "wall": 0.0}),
  Variant("hero_hard", "hero", {"miner": 1000.0, "wall": -300.0}),
  Variant("ms_pacman_easy", "ms_pacman", {**_GHOSTS, "dot": 0.0}),
  Variant("ms_pacman_hard", "ms_pacman", {**_GHOSTS, "dot": -10.0}),
  Variant("maze_far", maze.GAME, {"goal": 10.0}),
  Variant("maze_deceptive", maze.GAME, {"goal": 10.0, "trap": -1.0}),
  Variant("maze_dense", maze.GAME, {"goal": 10.0, "coin": 1.0}),
)

_GAMES = (*roms.get_all_rom_ids(), maze.GAME)
_VARIANTS = {game: Variant(game, game) for game in _GAMES}
_VARIANTS.update({variant.name: variant for variant in _MODDED})


def names() -> list[str]:
  """Every variant, sorted."""
  return sorted(_VARIANTS)


def variant(name: str) -> Variant:
  """The variant of that name.

  Raises:
    UnknownVariantError: There is none.
  """
  if name not in _VARIANTS:
    near = difflib.get_close_matches(str(name), _VARIANTS)
    hint = f"did you mean {' or '.join(near)}?" if near else "see envs.names()."
    raise UnknownVariantError(f"No variant is called {name!r}; {hint}")
  return _VARIANTS[name]


def decoder(game: str) -> decoders.Decoder:
  """The decoder of a game.

  Raises:
    ValueError: The game has none.
  """
  if game not in decoders.DECODERS:
    raise ValueError(
      f"game: got {game!r}; allowed, having a decoder:"
      f" {', '.join(sorted(decoders.DECODERS))}."
    )
  return decoders.DECODERS[game]


def place_reader(game: str) -> decoders.PlaceReader | None:
  """Reads where the player is out of a game's RAM; None for other games."""
  return decoders.PLACES.get(game)


def tells_places(game: str) -> bool:
  """Whether environments of a game know where the player is."""
  return game == maze.GAME or game in decoders.PLACES


def make(name: str, *, seed: int, **options) -> GameEnvironment:
  """Makes the environment of a variant.

  Args:
    name: One of `names()`.
    seed: Non-negative integer from which everything random follows.
    **options: Keywords of `AtariEnvironment` or `MazeEnvironment`:
      `action_repeat`, `noop_max`, ...

  Returns:
    A fresh environment. Where the game has events, `events` is filled, also
    under the native reward.

  Raises:
    UnknownVariantError: There is no such variant.
    ValueError: An option is out of its range.
  """
  chosen = variant(name)
  reward = None if chosen.rewards is None else chosen.reward
  if chosen.game == maze.GAME:
    return maze.MazeEnvironment(seed=seed, reward=reward, **options)
  return atari.AtariEnvironment(
    chosen.game, seed=seed, decoder=chosen.decoder, reward=reward, **options
  )
