"""The accounting identity: a frame's events are worth what ALE pays for it."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import ale_py
import numpy as np
from ale_py import roms

from .decoders import Decoder

_LONGEST_HOLD = 30  # frames
_LONGEST_GAME = 20_000  # frames; then a new one, so that more starts are seen


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
  account = Account()
  ale = _console(decoder)
  after = ale.getRAM().tobytes()
  for action in actions:
    if ale.game_over() or ale.getEpisodeFrameNumber() >= _LONGEST_GAME:
      ale.reset_game()
      after = ale.getRAM().tobytes()
    before, paid = after, ale.act(int(action))
    after = ale.getRAM().tobytes()
    account.frames += 1
    events = decoder.decode(before, after)
    account.events.update(events)
    worth = sum(n * decoder.native_value(event) for event, n in events.items())
    if worth != paid:
      account.failure = Failure(
        account.frames, events, paid, ale.getScreenRGB()
      )
      break
  return account


def random_actions(frames: int, seed: int) -> Iterator[int]:
  """That many actions, each drawn uniformly and held for some frames.

  Those that change at every frame get nowhere in most games.
  """
  rng = np.random.default_rng(seed)
  while frames > 0:
    held = min(int(rng.integers(1, _LONGEST_HOLD + 1)), frames)
    yield from [int(rng.integers(18))] * held
    frames -= held


def _console(decoder: Decoder) -> ale_py.ALEInterface:
  """A console just switched on, without sticky actions."""
  rom = roms.get_rom_path(decoder.game)
  assert rom is not None
  decoder.check_rom(rom)
  ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
  ale = ale_py.ALEInterface()
  ale.setFloat("repeat_action_probability", 0.0)
  ale.loadROM(rom)
  ale.reset_game()
  return ale
