"""Variants of games by name: native ones, and those with modded rewards.

A variant is data: a game and, for a modded one, what each event is worth. The
games are those of ale-py, and the maze.
"""

import dataclasses
import difflib
import functools
import pathlib
from collections.abc import Collection, Iterable, Mapping

from ale_py import roms

from . import atari, console, decoders, maze, variant_files
from .arguments import WrongValueError
from .conditions import VISITS, ConditionedEnvironment, Conditions
from .game import GameEnvironment
from .rules import Rules, extend


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
    conditions: On them.
    rules: Events beside those that the game's decoder knows.
    steps_to_reward: Agent steps, of four frames, from the start to the first
      reward of who plays well; a guess where it was not measured.
  """

  name: str
  game: str
  rewards: Mapping[str, float] | None = None
  conditions: Conditions = dataclasses.field(default_factory=Conditions)
  rules: Rules = dataclasses.field(default_factory=Rules)
  steps_to_reward: int = 300

  def __post_init__(self):
    if self.rewards is None:
      return
    if not self.events:
      with_events = [*sorted(decoders.DECODERS), maze.GAME]
      raise WrongValueError(
        "game",
        self.game,
        f"a game with events ({', '.join(with_events)}), or events by rules",
      )
    for field in ("caps", "ends_on"):
      self._check_events(field, getattr(self.conditions, field))
    self._check_events("rewards", self.rewards)
    self._check_places()
    for field in ("rewards", "caps", "visits"):
      table = getattr(self.conditions, field, self.rewards)
      for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
          raise WrongValueError(f"{field}.{name}", value, "a number")

  def _check_events(self, field: str, events: Iterable[str]):
    for event in events:
      if event not in self.events:
        raise WrongValueError(field, event, ", ".join(self.events))

  def _check_places(self):
    """Visits and shaping need a game that tells where the player is."""
    shaping = self.conditions.shaping
    asked: list[tuple[str, str, Collection[str]]] = [
      ("visits", kind, VISITS) for kind in self.conditions.visits
    ]
    if shaping is not None:
      asked.append(("shaping", shaping.quantity, decoders.Place._fields))
    for field, given, allowed in asked:
      if not tells_places(self.game):
        with_places = [*sorted(decoders.PLACES), maze.GAME]
        raise WrongValueError(
          field, given, f"in games with places ({', '.join(with_places)})"
        )
      if given not in allowed:
        raise WrongValueError(field, given, ", ".join(allowed))

  @functools.cached_property
  def decoder(self) -> decoders.Decoder | None:
    """Reads its events; None where there are none to read."""
    known = decoders.DECODERS.get(self.game)
    if not self.rules:
      return known
    return extend(known, self.game, console.rom_md5(self.game), self.rules)

  @property
  def events(self) -> Mapping[str, decoders.Event]:
    """The events of its game, by name; for most games none are known."""
    if self.decoder is not None:
      return self.decoder.events
    return maze.EVENTS if self.game == maze.GAME else {}

  def reward(self, events: Mapping[str, int]) -> float:
    """The table's reward for {event: count}, linear in the counts."""
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

_INVADERS = [f"invader_{points}" for points in range(5, 35, 5)]

_BROUGHT_BACK = {"clue_returned": 10_000.0, "loot_returned": 20_000.0}

_TREASURES = [f"treasure_{room}" for room in range(8)]

_MODDED = (
  # The igloo takes fifteen floes, which no longer pay on the way there.
  Variant("frostbite_easy", "frostbite", {"igloo": 500.0, "floe": 0.0}),
  # Worse, each of them costs what it pays in the first level.
  Variant("frostbite_hard", "frostbite", {"igloo": 500.0, "floe": -10.0}),
  # A planet is left only once its four or more bunkers have been shot, which no
  # longer pay on the way there.
  Variant("gravitar_easy", "gravitar", {"planet": 1000.0, "bunker": 0.0}),
  # Worse, each of them costs.
  Variant("gravitar_hard", "gravitar", {"planet": 1000.0, "bunker": -100.0}),
  Variant("hero_easy", "hero", {"miner": 1000.0, "wall": 0.0}),
  Variant("hero_hard", "hero", {"miner": 1000.0, "wall": -300.0}),
  # A door needs a key, which no longer pays on the way there.
  Variant(
    "montezuma_revenge_easy", "montezuma_revenge", {"door": 300.0, "key": 0.0}
  ),
  # Worse, the key costs what it paid, and is still the only way to a door.
  Variant(
    "montezuma_revenge_hard",
    "montezuma_revenge",
    {"door": 300.0, "key": -100.0},
  ),
  Variant("ms_pacman_easy", "ms_pacman", {**_GHOSTS, "dot": 0.0}),
  Variant("ms_pacman_hard", "ms_pacman", {**_GHOSTS, "dot": -10.0}),
  # What suspects carry must be brought across the town to where it belongs,
  # which alone pays; neither to find it nor to catch a suspect does.
  Variant(
    "private_eye_easy",
    "private_eye",
    {
      **_BROUGHT_BACK,
      **dict.fromkeys(("suspect", "clue_found", "loot_found"), 0.0),
    },
  ),
  # Worse, each of these costs what it paid: who learns to keep away from
  # suspects never has anything to bring back.
  Variant(
    "private_eye_hard",
    "private_eye",
    {
      **_BROUGHT_BACK,
      "suspect": -100.0,
      "clue_found": -5000.0,
      "loot_found": -15_000.0,
    },
  ),
  # The saucer is rare, and must be waited for under fire; in the hard variant
  # shooting at the rows below it, a wave of which costs nearly what it pays,
  # teaches not to shoot.
  Variant(
    "space_invaders_easy",
    "space_invaders",
    {"saucer": 200.0, **dict.fromkeys(_INVADERS, 0.0)},
  ),
  Variant(
    "space_invaders_hard",
    "space_invaders",
    {"saucer": 200.0, **dict.fromkeys(_INVADERS, -5.0)},
  ),
  # A room counts once its treasure has been carried out, past its monsters; to
  # take it no longer pays on the way there.
  Variant(
    "venture_easy",
    "venture",
    {"room_cleared": 200.0, **dict.fromkeys(_TREASURES, 0.0)},
  ),
  # Worse, to take it costs half of that, and who dies before the door has to
  # take it again.
  Variant(
    "venture_hard",
    "venture",
    {"room_cleared": 200.0, **dict.fromkeys(_TREASURES, -100.0)},
  ),
  Variant("maze_far", maze.GAME, {"goal": 10.0}, steps_to_reward=35),
  # Discounted by 0.97 a step, the way to the goal is worth 2.9 at its start. At
  # the native -1 a trap it would be worth 0.8: hardly a deception to stay away.
  Variant(
    "maze_deceptive",
    maze.GAME,
    {"goal": 10.0, "trap": -0.25},
    steps_to_reward=35,
  ),
  Variant(
    "maze_dense", maze.GAME, {"goal": 10.0, "coin": 1.0}, steps_to_reward=5
  ),
)

_GAMES = (*roms.get_all_rom_ids(), maze.GAME)
_VARIANTS = {game: Variant(game, game) for game in _GAMES}
_VARIANTS.update({variant.name: variant for variant in _MODDED})


def names() -> list[str]:
  """Every variant, sorted."""
  return sorted(_VARIANTS)


def variant(name: str) -> Variant:
  """The variant of that name, or in the file of that name.

  Raises:
    OSError: The file cannot be read.
    ValueError: The file describes no variant.
    UnknownVariantError: There is none of that name.
  """
  if name.endswith(variant_files.SUFFIX):
    return _load(name)
  if name not in _VARIANTS:
    near = difflib.get_close_matches(str(name), _VARIANTS)
    hint = f"did you mean {' or '.join(near)}?" if near else "see envs.names()."
    raise UnknownVariantError(f"No variant is called {name!r}; {hint}")
  return _VARIANTS[name]


def _load(path: str) -> Variant:
  keywords = variant_files.read(path)
  try:
    return Variant(pathlib.Path(path).stem, **keywords)
  except WrongValueError as error:
    line = variant_files.find(path, error.word)
    raise ValueError(f"{path}, line {line}: {error}") from None


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


def make(name: str | Variant, *, seed: int, **options) -> GameEnvironment:
  """Makes the environment of a variant.

  Args:
    name: One of `names()`, a TOML file (see `variant_files`), or a variant.
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
  chosen = name if isinstance(name, Variant) else variant(name)
  reward = None if chosen.rewards is None else chosen.reward
  environment: GameEnvironment
  if chosen.game == maze.GAME:
    environment = maze.MazeEnvironment(seed=seed, reward=reward, **options)
  else:
    environment = atari.AtariEnvironment(
      chosen.game, seed=seed, decoder=chosen.decoder, reward=reward, **options
    )
  if chosen.rewards is None or not chosen.conditions:
    return environment
  return ConditionedEnvironment(environment, chosen.rewards, chosen.conditions)
