"""RAM to events and places, a file a game."""

import importlib
import pkgutil

from .base import Decoder, Event, Place, PlaceReader

DECODERS: dict[str, Decoder] = {
  module.name: importlib.import_module(f".{module.name}", __name__).DECODER
  for module in pkgutil.iter_modules(__path__)
  if module.name != "base"
}

PLACES: dict[str, PlaceReader] = {
  game: decoder.place for game, decoder in DECODERS.items() if decoder.place
}

__all__ = ["DECODERS", "PLACES", "Decoder", "Event", "Place", "PlaceReader"]
