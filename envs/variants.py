"""Variants of games by name: native ones, and those with modded rewards.

A variant is data: a game and, for a modded one, what each event is worth.
"""

import dataclasses
import difflib
from collections.abc import Mapping

from ale_py import roms

from . import atari, decoders


class UnknownVariantError(ValueError):
  """There is no variant of that name; the message names the nearest ones."""


@dataclasses.dataclass(frozen=True)
class Variant:
  """A game and its reward.

  Attributes:
    name: What it is called in `make`.
    game: Name of the ROM in ale-py.
    rewards: Reward for one of each event; events left out give 0. None keeps
      the native reward.
  """

  name: str
  game: str
  rewards: Mapping[str, float] | None = None

  def __post_init__(self):
    if self.rewards is None:
      return
    if self.decoder is None:
      raise ValueError(
        f"game: got {self.game!r}; allowed: a game with a decoder"
        f" ({', '.join(sorted(decoders.DECODERS))}), for rewards of events."
      )
    for event in self.rewards:
      if event not in self.decoder.events:
        raise ValueError(
          f"rewards: got event {event!r}; allowed:"
          f" {', '.join(self.decoder.events)}."
        )

  @property
  def decoder(self) -> decoders.Decoder | None:
    return decoders.DECODERS.get(self.game)

  def reward(self, events: Mapping[str, int]) -> float:
    """The reward for {event: count}; it is linear in the counts."""
    if self.rewards is None:
      native_value = decoder(self.game).native_value
      return float(sum(n * native_value(event) for event, n in events.items()))
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
)

_VARIANTS = {game: Variant(game, game) for game in roms.get_all_rom_ids()}
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


def make(name: str, *, seed: int, **options) -> atari.AtariEnvironment:
  """Makes the environment of a variant.

  Args:
    name: One of `names()`.
    seed: Non-negative integer from which everything random follows.
    **options: Keywords of `AtariEnvironment`: `action_repeat`, `noop_max`, ...

  Returns:
    A fresh environment. Where the game has a decoder, `events` is filled, also
    under the native reward.

  Raises:
    UnknownVariantError: There is no such variant.
    ValueError: An option is out of its range.
  """
  chosen = variant(name)
  return atari.AtariEnvironment(
    chosen.game,
    seed=seed,
    decoder=chosen.decoder,
    reward=None if chosen.rewards is None else chosen.reward,
    **options,
  )
