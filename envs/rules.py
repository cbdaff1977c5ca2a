"""Events that users define, as rules over cells of memory.

  [cells]                     # addresses from 0, which is the console's 0x80
  power = 43
  lives = {address = 51, bits = [0, 3]}
  score = {address = [56, 57, 58], type = "decimal"}
  speed = {address = 60, type = "signed"}

  [events]
  exhausted = "power falls below 20"
  halfway = "power becomes 40 and lives is above 2"

A rule says what one cell does from an emulator frame to the next: `rises`,
`falls`, `changes`, `becomes N`, `leaves N`, `rises above N` or `falls below N`.
Behind `and` it says what cells are after that frame: `is N`, `is not N`, `is
above N` or `is below N`. Cells of the game's decoder are known to rules, too.

Two events that the same change of a cell could bring about are refused: one
would be counted as two.
"""

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .arguments import WrongValueError
from .decoders import Decoder, Event, base

_RAM_SIZE = 128
_TYPES = ("byte", "signed", "decimal")
_BIT_RANGES = [[first, last] for last in range(8) for first in range(last + 1)]
# Of a number before and after a frame, and of the rule's own.
_CHANGES: Mapping[str, Callable[[int, int, int], bool]] = {
  "rises": lambda before, after, _: after > before,
  "falls": lambda before, after, _: after < before,
  "changes": lambda before, after, _: after != before,
  "becomes": lambda before, after, n: after == n != before,
  "leaves": lambda before, after, n: before == n != after,
  "rises above": lambda before, after, n: before <= n < after,
  "falls below": lambda before, after, n: before >= n > after,
}
_WITHOUT_NUMBER = ("rises", "falls", "changes")
_STATES: Mapping[str, Callable[[int, int], bool]] = {
  "is": lambda value, n: value == n,
  "is not": lambda value, n: value != n,
  "is above": lambda value, n: value > n,
  "is below": lambda value, n: value < n,
}
_CLAUSE = re.compile(r"(\w+) ([a-z]+(?: [a-z]+)?)(?: (-?\d+))?")


@dataclasses.dataclass(frozen=True)
class Cell:
  """Where a number is in memory, and how it is written.

  Attributes:
    addresses: Several for a decimal number, the highest digits first.
    type: "byte", "signed", in two's complement, or "decimal", binary-coded.
    first_bit, last_bit: The part of a byte that it is, counted from the lowest.
  """

  addresses: tuple[int, ...]
  type: str = "byte"
  first_bit: int = 0
  last_bit: int = 7

  def read(self, ram: bytes) -> int:
    """The number."""
    if self.type == "decimal":
      return base.decimal(bytes(ram[address] for address in self.addresses))
    value = ram[self.addresses[0]]
    if self.type == "signed":
      return value - 256 if value >= 128 else value
    return (value >> self.first_bit) & self.highest

  @property
  def lowest(self) -> int:
    return -128 if self.type == "signed" else 0

  @property
  def highest(self) -> int:
    if self.type == "signed":
      return 127
    if self.type == "decimal":
      return 100 ** len(self.addresses) - 1
    return (1 << (self.last_bit - self.first_bit + 1)) - 1


class Clause(NamedTuple):
  """What is said of one cell; `number` is 0 where the verb takes none."""

  cell: str
  verb: str
  number: int


class Rule(NamedTuple):
  """An event: a change, and what holds after it."""

  change: Clause
  states: tuple[Clause, ...]


@dataclasses.dataclass(frozen=True)
class Rules:
  """Cells and events beside those of a game's decoder.

  Attributes:
    cells: An address each, or a table with `address`, `type` and `bits`.
    events: A rule each.
    rom_md5: Of the ROM that the addresses are of; may be left out where the
      game's decoder says so.
  """

  cells: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  events: Mapping[str, str] = dataclasses.field(default_factory=dict)
  rom_md5: str | None = None

  def __bool__(self) -> bool:
    return self != Rules()


def extend(
  decoder: Decoder | None, game: str, game_md5: str, rules: Rules
) -> Decoder:
  """A decoder that knows the rules' events beside its own.

  Args:
    decoder: Of the game, if it has one.
    game: Name of the ROM in ale-py.
    game_md5: Of that ROM.
    rules: Checked here.

  Raises:
    WrongValueError: A rule names what is unknown, or overlaps another.
  """
  if rules.rom_md5 != game_md5 and (decoder is None or rules.rom_md5):
    allowed = f"{game_md5}, the ROM of {game!r}; addresses hold for one alone"
    raise WrongValueError("rom_md5", rules.rom_md5, allowed)
  if decoder is None:
    decoder = Decoder(game, game_md5, {}, {}, lambda before, after: {})
  cells = {name: Cell((address,)) for name, address in decoder.cells.items()}
  for name, cell in rules.cells.items():
    cells[name] = _cell(name, cell, taken=decoder.cells)
  parsed = {
    name: _rule(name, text, cells, taken=decoder.events)
    for name, text in rules.events.items()
  }
  for pair in itertools.combinations(parsed, 2):
    _refuse_overlap(pair, parsed, cells, rules.events)
  own = {name: cells[name].addresses[0] for name in rules.cells}
  described = {name: Event(0, f"{t}.") for name, t in rules.events.items()}
  return dataclasses.replace(
    decoder,
    cells={**decoder.cells, **own},
    events={**decoder.events, **described},
    decode=_with_rules(decoder.decode, parsed, cells),
  )


def _with_rules(
  decode: Callable[[bytes, bytes], dict[str, int]],
  rules: Mapping[str, Rule],
  cells: Mapping[str, Cell],
) -> Callable[[bytes, bytes], dict[str, int]]:
  def decode_both(before: bytes, after: bytes) -> dict[str, int]:
    counts = decode(before, after)
    before, after = bytes(before), bytes(after)
    for event, (change, states) in rules.items():
      read = cells[change.cell].read
      was, now = read(before), read(after)
      if (
        was != now
        and _CHANGES[change.verb](was, now, change.number)
        and all(_STATES[v](cells[c].read(after), n) for c, v, n in states)
      ):
        counts[event] = 1
    return counts

  return decode_both


def _cell(name: str, given: Any, taken: Mapping[str, int]) -> Cell:
  field = f"cells.{name}"
  if name in taken:
    raise WrongValueError(
      field, name, "another name; the decoder has that cell"
    )
  table = given if isinstance(given, dict) else {"address": given}
  if not {"address"} <= table.keys() <= {"address", "type", "bits"}:
    raise WrongValueError(field, given, "address, and type or bits", word=name)
  addresses = table["address"]
  addresses = addresses if isinstance(addresses, list) else [addresses]
  kind, bits = table.get("type", "byte"), table.get("bits", [0, 7])
  for address in addresses:
    if type(address) is not int or not 0 <= address < _RAM_SIZE:
      raise WrongValueError(field, address, "0 to 127", word=name)
  if kind not in _TYPES:
    raise WrongValueError(f"{field}.type", kind, ", ".join(_TYPES), word=name)
  if not addresses or (len(addresses) > 1 and kind != "decimal"):
    raise WrongValueError(field, addresses, "one address", word=name)
  if bits not in _BIT_RANGES:
    raise WrongValueError(f"{field}.bits", bits, "[first, last]", word=name)
  if bits != [0, 7] and kind != "byte":
    raise WrongValueError(f"{field}.bits", bits, "none but of bytes", word=name)
  return Cell(tuple(addresses), kind, *bits)


def _rule(
  event: str,
  text: object,
  cells: Mapping[str, Cell],
  taken: Mapping[str, Event],
) -> Rule:
  if event in taken:
    raise WrongValueError(
      f"events.{event}", event, "another name; the decoder has that event"
    )
  if not isinstance(text, str):
    raise WrongValueError(f"events.{event}", text, "a rule", word=event)
  change, *states = text.split(" and ")
  return Rule(
    _clause(event, change, _CHANGES, cells, text),
    tuple(_clause(event, state, _STATES, cells, text) for state in states),
  )


def _clause(
  event: str,
  clause: str,
  verbs: Mapping[str, Any],
  cells: Mapping[str, Cell],
  text: object,
) -> Clause:
  field = f"events.{event}"
  match = _CLAUSE.fullmatch(clause)
  cell, verb, number = match.groups() if match else ("", "", None)
  needs_number = verb not in _WITHOUT_NUMBER
  if verb not in verbs or needs_number != (number is not None):
    forms = (v if v in _WITHOUT_NUMBER else f"{v} N" for v in verbs)
    allowed = f"a cell that {', '.join(forms)}"
    raise WrongValueError(field, clause, allowed, word=text)
  if cell not in cells:
    raise WrongValueError(field, cell, f"a cell: {', '.join(cells)}", word=text)
  least, most = cells[cell].lowest, cells[cell].highest
  if number is not None and not least <= int(number) <= most:
    allowed = f"{least} to {most}, which {cell} holds"
    raise WrongValueError(field, int(number), allowed, word=text)
  return Clause(cell, verb, int(number or 0))


def _refuse_overlap(
  pair: tuple[str, str],
  rules: Mapping[str, Rule],
  cells: Mapping[str, Cell],
  texts: Mapping[str, str],
):
  """Refuses two events that one change of the cell they watch can both be."""
  first, second = (rules[event] for event in pair)
  watched = first.change.cell
  if watched != second.change.cell:
    return
  clauses = (first.change, second.change, *first.states, *second.states)
  states = first.states + second.states

  def may_be(name: str) -> Iterator[int]:
    """Values of a cell, enough for every way in which clauses can turn out."""
    cell = cells[name]
    numbers = [clause.number for clause in clauses if clause.cell == name]
    near = {n + by for n in numbers for by in (-2, -1, 0, 1, 2)}
    near |= {cell.lowest, cell.lowest + 1, cell.highest - 1, cell.highest}
    yield from (n for n in sorted(near) if cell.lowest <= n <= cell.highest)

  def holds(name: str, value: int) -> bool:
    return all(_STATES[v](value, n) for c, v, n in states if c == name)

  if not all(
    any(holds(name, value) for value in may_be(name))
    for name in {clause.cell for clause in states} - {watched}
  ):
    return
  for before, after in itertools.product(may_be(watched), repeat=2):
    if holds(watched, after) and all(
      _CHANGES[change.verb](before, after, change.number)
      for change in (first.change, second.change)
    ):
      text = texts[pair[1]]
      allowed = f"no overlap, but {watched} from {before} to {after} is"
      raise WrongValueError(
        f"events.{pair[1]}", text, f"{allowed} {pair[0]}, too", word=text
      )
