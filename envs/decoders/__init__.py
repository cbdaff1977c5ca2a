"""RAM to events and places, a file a game."""

from . import (
  asterix,
  freeway,
  frostbite,
  gravitar,
  hero,
  montezuma_revenge,
  ms_pacman,
  pitfall,
  pong,
  private_eye,
  space_invaders,
  venture,
)
from .base import Decoder, Event, Place, PlaceReader

DECODERS = {
  module.DECODER.game: module.DECODER
  for module in (
    asterix,
    freeway,
    frostbite,
    gravitar,
    hero,
    montezuma_revenge,
    ms_pacman,
    pitfall,
    pong,
    private_eye,
    space_invaders,
    venture,
  )
}

PLACES: dict[str, PlaceReader] = {
  game: decoder.place for game, decoder in DECODERS.items() if decoder.place
}

__all__ = ["DECODERS", "PLACES", "Decoder", "Event", "Place", "PlaceReader"]
