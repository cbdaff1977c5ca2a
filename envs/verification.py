"""The accounting identity: a frame's events are worth what ALE pays for it."""

import collections
import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from . import console
from .decoders import Decoder


class Failure(NamedTuple):
  """A frame that is not accounted for.

  Attributes:
    frame: Its number, from 1.
    events: That were decoded.
    paid: By ALE.
    screen: After it, in colour, uint8 `(height, width, 3)`.
  """

  frame: int
  events: dict[str, int]
  paid: int
  screen: np.ndarray


@dataclasses.dataclass
class Account:
  """What a decoder made of some play.

  Attributes:
    frames: That were played.
    events: Totals by name.
    failure: The first frame that is not accounted for, after which no more is
      played; None where there is none.
  """

  frames: int = 0
  events: collections.Counter[str] = dataclasses.field(
    default_factory=collections.Counter
  )
  failure: Failure | None = None


def verify(decoder: Decoder, actions: Iterable[int]) -> Account:
  """Plays one action a frame until an account fails.

  A new game starts where one is over.

  Args:
    decoder: Of the game that is played.
    actions: ALE's numbers, of the full set.
  """
  decoder.check_rom(console.rom(decoder.game))
  account, ale = Account(), console.switch_on(decoder.game)
  for frame in console.play(ale, actions):
    account.frames += 1
    events = decoder.decode(frame.before, frame.after)
    account.events.update(events)
    worth = sum(n * decoder.native_value(event) for event, n in events.items())
    if worth != frame.paid:
      account.failure = Failure(
        account.frames, events, frame.paid, ale.getScreenRGB()
      )
      break
  return account
