"""Atari games and a maze as `dm_env`, with native or modded rewards.

  environment = envs.make("hero_hard", seed=0)
  timestep = environment.step(action)   # reward of the variant
  environment.native_reward             # what the game itself paid
  environment.events                    # {"miner": 1}, decoded from RAM
  environment.place                     # level, room, x, y, also from there

`names()` lists all variants. Knows no agent.
"""

from .atari import AtariEnvironment
from .decoders import Decoder, Event, Place, PlaceReader
from .game import GameEnvironment
from .maze import MazeEnvironment
from .variants import (
  UnknownVariantError,
  Variant,
  decoder,
  make,
  names,
  place_reader,
  tells_places,
  variant,
)

__all__ = [
  "AtariEnvironment",
  "Decoder",
  "Event",
  "GameEnvironment",
  "MazeEnvironment",
  "Place",
  "PlaceReader",
  "UnknownVariantError",
  "Variant",
  "decoder",
  "make",
  "names",
  "place_reader",
  "tells_places",
  "variant",
]
