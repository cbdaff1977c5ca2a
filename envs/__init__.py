"""Atari games as `dm_env` environments, with native or modded rewards.

  environment = envs.make("hero_hard", seed=0)
  timestep = environment.step(action)   # reward of the variant
  environment.native_reward             # what the game itself paid
  environment.events                    # {"miner": 1}, decoded from RAM
  envs.place_reader("hero")(environment.ram().tobytes())  # level, room, x, y

`names()` lists all variants. Knows no agent.
"""

from .atari import AtariEnvironment
from .decoders import Decoder, Place, PlaceReader
from .variants import (
  UnknownVariantError,
  Variant,
  decoder,
  make,
  names,
  place_reader,
  variant,
)

__all__ = [
  "AtariEnvironment",
  "Decoder",
  "Place",
  "PlaceReader",
  "UnknownVariantError",
  "Variant",
  "decoder",
  "make",
  "names",
  "place_reader",
  "variant",
]
