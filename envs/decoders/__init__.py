"""RAM to events and places, a file a game."""

from . import (
  asterix,
  freeway,
  frostbite,
  hero,
  montezuma_revenge,
  ms_pacman,
  pong,
  space_invaders,
)
from .base import Decoder, Event, Place, PlaceReader

DECODERS = {
  module.DECODER.game: module.DECODER
  for module in (
    asterix,
    freeway,
    frostbite,
    hero,
    montezuma_revenge,
    ms_pacman,
    pong,
    space_invaders,
  )
}

PLACES: dict[str, PlaceReader] = {
  "frostbite": frostbite.place,
  "hero": hero.place,
  "montezuma_revenge": montezuma_revenge.place,
  "ms_pacman": ms_pacman.place,
}

__all__ = ["DECODERS", "PLACES", "Decoder", "Event", "Place", "PlaceReader"]
