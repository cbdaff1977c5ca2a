"""What a decoder is: cells of RAM, a table of events, and a rule.

A game's file holds, apart from one another, which cell of the console's memory
means what, which events there are and what the game pays for each, the function
that reads events out of two consecutive emulator frames, and the one that reads
out of a frame where the player is.
"""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable, Mapping
from typing import NamedTuple


@dataclasses.dataclass(frozen=True)
class Event:
  """Something that happens in a game.

  Attributes:
    native_value: Points that the game pays for one.
    description: What happens, in one line.
  """

  native_value: int
  description: str


class Place(NamedTuple):
  """Where the player is, in the game's own units.

  For a console's game, they are the raw numbers of its memory.

  Attributes:
    level: Tells rooms of the same number apart, which games use again.
    room: A screen, or a maze.
    x: From the left.
    y: From the top or from the bottom, as the game counts.
  """

  level: int
  room: int
  x: int
  y: int


# What tables of rewards call the emulator's own score.
NATIVE = "native"
# The event of a score that passes its last digit, which ALE takes for a loss.
ROLLOVER = "score_rollover"

# RAM to place; None in frames in which the memory does not say.
PlaceReader = Callable[[bytes], Place | None]
Decode = Callable[[bytes, bytes], dict[str, int]]


@dataclasses.dataclass(frozen=True)
class Decoder:
  """Reads the events of one game out of the console's memory.

  Attributes:
    game: Name of the ROM in ale-py.
    rom_md5: MD5 of the only ROM for which the addresses are known to hold.
    cells: Address of each known cell of RAM, from 0 (the console's 0x80).
    events: The events, by name.
    decode: `decode(before, after) -> {event: count}`, where `before` and
      `after` are the 128 bytes of RAM, as uint8 arrays or as bytes, of two
      consecutive emulator frames. Zero counts are left out. The sum of
      count times native value is the points that ALE pays for that frame.
    place: Reads where the player is; None where that is not known how.
    last_events: After which there is nothing to gain, though ALE lets the game
      go on.
  """

  game: str
  rom_md5: str
  cells: Mapping[str, int]
  events: Mapping[str, Event]
  decode: Decode
  place: PlaceReader | None = None
  last_events: frozenset[str] = frozenset()

  def native_value(self, event: str) -> int:
    """Points that the game pays for one `event`.

    Raises:
      ValueError: The game has no such event.
    """
    if event not in self.events:
      raise ValueError(
        f"event: got {event!r}; allowed: {', '.join(self.events)}."
      )
    return self.events[event].native_value

  def check_rom(self, path: str | pathlib.Path):
    """Raises ValueError unless the file is the ROM of this decoder."""
    digest = md5(path)
    if digest != self.rom_md5:
      raise ValueError(
        f"rom: got {path} with MD5 {digest}; allowed: {self.rom_md5}, to which"
        f" the decoder of {self.game!r} is tied."
      )


def where_changed(
  watched: Callable[[bytes], object],
) -> Callable[[Decode], Decode]:
  """Makes a `Decoder.decode` of a function that may count zeros, too.

  Args:
    watched: RAM to what no event comes without a change of; in most frames
      nothing of it has changed.
  """

  def decorate(count: Decode) -> Decode:
    @functools.wraps(count)
    def decode(before: bytes, after: bytes) -> dict[str, int]:
      before, after = bytes(before), bytes(after)
      if watched(before) == watched(after):
        return {}
      counts = count(before, after)
      return {event: int(number) for event, number in counts.items() if number}

    return decode

  return decorate


def md5(path: str | pathlib.Path) -> str:
  """MD5 of a file: an identity, not a secret."""
  return hashlib.md5(pathlib.Path(path).read_bytes()).hexdigest()


def six_digits(before: bytes, after: bytes) -> tuple[int, int]:
  """Points of a score of six digits, and 1 where it passed 999,999, else 0.

  Args:
    before, after: As for `decimal`.
  """
  if before == after:
    return 0, 0
  points = decimal(after) - decimal(before)
  rolled_over = int(points < 0)
  return points + 1_000_000 * rolled_over, rolled_over


def decimal(digit_pairs: bytes) -> int:
  """The number that ALE reads in binary-coded bytes, the highest first.

  A half byte above 9 counts for its value, as it does in ALE.
  """
  number = 0
  for pair in digit_pairs:
    number = 100 * number + 10 * (pair >> 4) + (pair & 15)
  return number
