"""Variants of games by name: native ones, and those with modded rewards.

A variant is data: a game and, for a modded one, what each event is worth. The
games are those of ale-py, and the maze.
"""

import dataclasses
import difflib
import functools
import inspect
import os
import pathlib
from collections.abc import Mapping

from . import arguments, atari, console, decoders, maze, variant_files
from .arguments import WrongValueError, require, require_one_of
from .conditions import ConditionedEnvironment, Conditions
from .decoders.base import NATIVE, ROLLOVER
from .game import GameEnvironment
from .rules import Rules, extend

_GAMES = (*console.GAMES, maze.GAME)


class UnknownVariantError(ValueError):
  """There is no variant of that name; the message names the nearest ones."""


@dataclasses.dataclass(frozen=True)
class Variant:
  """A game and its reward.

  Attributes:
    name: What it is called in `make`.
    game: Name of the ROM in ale-py, or the maze's.
    rewards: Reward for one of each event, and for a point of the "native"
      score; what is left out gives 0. None keeps the native reward.
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
    require(isinstance(self.name, str), "name", self.name, "a name")
    allowed = f"{console.ONE_PLAYER}, or {maze.GAME}"
    is_known = isinstance(self.game, str) and self.game in _GAMES
    require(is_known, "game", self.game, allowed)
    if self.rewards is not None:
      rewards = arguments.table("rewards", self.rewards, arguments.real)
      object.__setattr__(self, "rewards", rewards)
    for field, kind in (("conditions", Conditions), ("rules", Rules)):
      given = getattr(self, field)
      require(isinstance(given, kind), field, given, f"a {kind.__name__}")
    table, known = self.rewards or {}, self.events  # which checks the rules
    for field, events in (
      ("rewards", [event for event in table if event != NATIVE]),
      ("caps", self.conditions.caps),
      ("ends_on", self.conditions.ends_on),
    ):
      if events and not known:
        with_events = ", ".join([*sorted(decoders.DECODERS), maze.GAME])
        allowed = f"a game with events ({with_events}), or events by rules"
        raise WrongValueError("game", self.game, allowed)
      for event in events:
        require_one_of(known, field, event, (field, event))
    if self.native_weight:
      # What events by rules have to do with the score is not known.
      unknown = self.rules.events.keys() - table
      for event, cap in self.conditions.caps.items():
        allowed = "none but of events in the rewards or of the decoder"
        require(event not in unknown, ("caps", event), cap, allowed)
    self._check_places()

  def _check_places(self):
    """Visits and shaping need a game that tells where the player is."""
    with_places = [*sorted(decoders.PLACES), maze.GAME]
    allowed = f"none but in games with places ({', '.join(with_places)})"
    for field in ("visits", "shaping"):
      given = getattr(self.conditions, field)
      require(not given or self.game in with_places, field, given, allowed)

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

  @property
  def native_weight(self) -> float:
    """Reward for a point of the native score."""
    return 1.0 if self.rewards is None else self.rewards.get(NATIVE, 0.0)

  @property
  def largest_reward(self) -> float:
    """For one of an event, in size; 1 where it is not known what pays."""
    return max(map(abs, self._worth.values()), default=0.0) or 1.0

  def reward(self, events: Mapping[str, int]) -> float:
    """What {event: count} is worth, which is linear in the counts."""
    worth = self._worth
    return float(sum(n * worth.get(e, 0.0) for e, n in events.items()))

  def pay(
    self,
    native_reward: float,
    events: Mapping[str, int],
    paid: Mapping[str, int],
  ) -> float:
    """Reward of a step.

    Args:
      native_reward: What the game paid, which may be more than its events.
      events: {event: count} of the step.
      paid: Those that no cap forbids.
    """
    known = sum(n * self._points[e] for e, n in events.items())
    return self.native_weight * (native_reward - known) + self.reward(paid)

  @functools.cached_property
  def _points(self) -> dict[str, int]:
    """What the game pays for one of each event."""
    points = {name: event.native_value for name, event in self.events.items()}
    return {**points, ROLLOVER: 0}

  @functools.cached_property
  def _worth(self) -> dict[str, float]:
    """What the variant does."""
    table, weight = self.rewards or {}, self.native_weight
    points = self._points.items()
    return {event: table.get(event, 0.0) + weight * p for event, p in points}


_GHOSTS = {f"ghost_{points}": float(points) for points in (200, 400, 800, 1600)}
_BROUGHT_BACK = {"clue_returned": 10_000.0, "loot_returned": 20_000.0}

# Tables by name, which begins with the game's. Events that are left out no
# longer pay, though most are on the way to those that do.
_MODDED: dict[str, dict[str, float]] = {
  # The igloo takes fifteen floes.
  "frostbite_easy": {"igloo": 500.0},
  # Worse, each of them costs what it pays in the first level.
  "frostbite_hard": {"igloo": 500.0, "floe": -10.0},
  # A planet is left only once its four or more bunkers have been shot.
  "gravitar_easy": {"planet": 1000.0},
  # Worse, each of them costs.
  "gravitar_hard": {"planet": 1000.0, "bunker": -100.0},
  "hero_easy": {"miner": 1000.0},
  "hero_hard": {"miner": 1000.0, "wall": -300.0},
  # A door needs a key.
  "montezuma_revenge_easy": {"door": 300.0},
  # Worse, the key costs what it paid, and is still the only way to a door.
  "montezuma_revenge_hard": {"door": 300.0, "key": -100.0},
  "ms_pacman_easy": _GHOSTS,
  "ms_pacman_hard": {**_GHOSTS, "dot": -10.0},
  # What suspects carry must be brought across the town to where it belongs,
  # which alone pays; neither to find it nor to catch a suspect does.
  "private_eye_easy": _BROUGHT_BACK,
  # Worse, each of these costs what it paid: who learns to keep away from
  # suspects never has anything to bring back.
  "private_eye_hard": {
    **_BROUGHT_BACK,
    "suspect": -100.0,
    "clue_found": -5000.0,
    "loot_found": -15_000.0,
  },
  # The saucer is rare, and must be waited for under fire; in the hard variant
  # shooting at the rows below it, a wave of which costs nearly what it pays,
  # teaches not to shoot.
  "space_invaders_easy": {"saucer": 200.0},
  "space_invaders_hard": {
    "saucer": 200.0,
    **{f"invader_{points}": -5.0 for points in range(5, 35, 5)},
  },
  # A room counts once its treasure has been carried out, past its monsters.
  "venture_easy": {"room_cleared": 200.0},
  # Worse, to take it costs half of that, and who dies before the door has to
  # take it again.
  "venture_hard": {
    "room_cleared": 200.0,
    **{f"treasure_{room}": -100.0 for room in range(8)},
  },
  "maze_far": {"goal": 10.0},
  # Discounted by 0.97 a step, the way to the goal is worth 2.9 at its start. At
  # the native -1 a trap it would be worth 0.8: hardly a deception to stay away.
  "maze_deceptive": {"goal": 10.0, "trap": -0.25},
  "maze_dense": {"goal": 10.0, "coin": 1.0},
}
_STEPS_TO_REWARD = {
  # A trained R2D2 is at the first miner by then.
  **dict.fromkeys(("hero_easy", "hero_hard"), 125),
  **dict.fromkeys(("maze_far", "maze_deceptive"), 35),
  "maze_dense": 5,
}


def _modded(name: str, rewards: Mapping[str, float]) -> Variant:
  steps = _STEPS_TO_REWARD.get(name, Variant.steps_to_reward)
  game = name.rpartition("_")[0]
  return Variant(name, game, rewards, steps_to_reward=steps)


# What an environment is made with beside options.
_OURS = {"self", "seed", "game", "decoder", "reward"}
_VARIANTS = {game: Variant(game, game) for game in _GAMES}
_VARIANTS.update({name: _modded(name, r) for name, r in _MODDED.items()})


def names() -> list[str]:
  """Every variant, sorted."""
  return sorted(_VARIANTS)


def variant(name: str | os.PathLike[str]) -> Variant:
  """The variant of that name, or in the file of that name.

  Raises:
    OSError: The file cannot be read.
    ValueError: The file describes no variant.
    UnknownVariantError: There is none of that name.
  """
  name = os.fspath(name) if isinstance(name, os.PathLike) else name
  require(isinstance(name, str), "name", name, "a name, a path or a Variant")
  if name.endswith(variant_files.SUFFIX):
    return _load(name)
  if name not in _VARIANTS:
    near = difflib.get_close_matches(name[:80], _VARIANTS)
    hint = f"did you mean {' or '.join(near)}?" if near else "see envs.names()."
    if name in console.FOR_TWO_PLAYERS:
      hint = "the game takes two players."
    shown = arguments.shown(name)
    raise UnknownVariantError(f"No variant is called {shown}; {hint}")
  return _VARIANTS[name]


def _load(path: str) -> Variant:
  content = variant_files.text(path)
  try:
    return Variant(pathlib.Path(path).stem, **variant_files.read(content))
  except WrongValueError as error:
    line = variant_files.line(content, error.path)
    where = f"{path}, line {line}" if line else path
    raise ValueError(f"{where}: {error}") from None
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from None


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


def make(
  name: str | os.PathLike[str] | Variant, *, seed: int, **options
) -> GameEnvironment:
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
    ValueError: An option is unknown or out of its range.
  """
  chosen = name if isinstance(name, Variant) else variant(name)
  is_maze = chosen.game == maze.GAME
  kind = maze.MazeEnvironment if is_maze else atari.AtariEnvironment
  known = inspect.signature(kind.__init__).parameters.keys() - _OURS
  allowed = f"none of that name, but {', '.join(sorted(known))}"
  for option, value in options.items():
    require(option in known, option, value, allowed)
  if not is_maze:
    options.update(game=chosen.game, decoder=chosen.decoder)
  is_native = chosen.rewards is None and not chosen.conditions
  is_table = (
    chosen.events and not chosen.conditions and not chosen.native_weight
  )
  if is_table:
    options["reward"] = chosen.reward
  environment = kind(seed=seed, **options)
  if is_native or is_table:
    return environment
  return ConditionedEnvironment(environment, chosen.pay, chosen.conditions)
