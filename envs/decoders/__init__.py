"""RAM to events, a file a game."""

from . import hero, ms_pacman
from .base import Decoder, Event

DECODERS = {d.game: d for d in (hero.DECODER, ms_pacman.DECODER)}

__all__ = ["DECODERS", "Decoder", "Event"]
