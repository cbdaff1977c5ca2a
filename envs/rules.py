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
would be counted as two. So is one that can never happen.
"""

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import arguments, overlaps
from .arguments import WrongValueError, require
from .decoders import Decoder, Event, base

_RAM_SIZE = 128
_MOST = 256  # rules, or cells of one's own
_NAME = re.compile(r"[\w-]{1,60}")  # also a column of tables
_MOST_ADDRESSES = 4
_TYPES = ("byte", "signed", "decimal")
_BIT_RANGES = [[first, last] for last in range(8) for first in range(last + 1)]
_Comparison = Callable[[int, int], bool]


class Change(NamedTuple):
  """Which changes of a number a verb means.

  Attributes:
    rises, falls: Whether it may.
    before, after: How the number must compare to the rule's own.
  """

  rises: bool
  falls: bool
  before: _Comparison
  after: _Comparison

  def is_made(self, before: int, after: int, number: int) -> bool:
    """Whether it is one."""
    moved = self.rises if after > before else self.falls and after < before
    return moved and self.before(before, number) and self.after(after, number)


def _any(value: int, number: int) -> bool:
  return True


_CHANGES: Mapping[str, Change] = {
  "rises": Change(True, False, _any, _any),
  "falls": Change(False, True, _any, _any),
  "changes": Change(True, True, _any, _any),
  "becomes": Change(True, True, _any, operator.eq),
  "leaves": Change(True, True, operator.eq, _any),
  "rises above": Change(True, False, operator.le, operator.gt),
  "falls below": Change(False, True, operator.ge, operator.lt),
}
_WITHOUT_NUMBER = ("rises", "falls", "changes")
_STATES: Mapping[str, _Comparison] = {
  "is": operator.eq,
  "is not": operator.ne,
  "is above": operator.gt,
  "is below": operator.lt,
}
_CLAUSE = re.compile(r"([\w-]+) ([a-z]+(?: [a-z]+)?)(?: (-?\d{1,18}))?")


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

  def __post_init__(self):
    cells = arguments.table("cells", self.cells, _cell)
    object.__setattr__(self, "cells", {**self.cells})
    events = arguments.table("events", self.events, _text)
    object.__setattr__(self, "events", events)
    for field, table in (("cells", cells), ("events", events)):
      require(len(table) <= _MOST, field, len(table), f"at most {_MOST}")
      for name in table:
        is_name = isinstance(name, str) and _NAME.fullmatch(name)
        allowed = "names of letters, digits, - and _"
        require(is_name, field, name, allowed, path=(field, name))
    if self.rom_md5 is not None:
      _text(("rom_md5",), self.rom_md5)

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
  is_told = rules.rom_md5 is not None
  if rules.rom_md5 != game_md5 and (decoder is None or is_told):
    allowed = f"{game_md5}, the ROM of {game!r}; addresses hold for one alone"
    raise WrongValueError("rom_md5", rules.rom_md5, allowed)
  if decoder is None:
    decoder = Decoder(game, game_md5, {}, {}, _nothing)
  cells = {name: Cell((address,)) for name, address in decoder.cells.items()}
  events = {*decoder.events, base.NATIVE}
  for field, taken in (("cells", cells), ("events", events)):
    for name in getattr(rules, field):
      allowed = "another name; the decoder has that"
      require(name not in taken, (field, name), name, allowed)
  cells.update(arguments.table("cells", rules.cells, _cell))
  parsed = {
    name: _rule(("events", name), text, cells)
    for name, text in rules.events.items()
  }
  _refuse_overlaps(parsed, cells, rules.events)
  own = {name: cells[name].addresses[0] for name in rules.cells}
  described = {name: Event(0, f"{t}.") for name, t in rules.events.items()}
  return dataclasses.replace(
    decoder,
    cells={**decoder.cells, **own},
    events={**decoder.events, **described},
    decode=_Decode(decoder.decode, parsed, cells),
  )


def _nothing(before: bytes, after: bytes) -> dict[str, int]:
  return {}


@dataclasses.dataclass(frozen=True)
class _Decode:
  """Decodes what a decoder and rules say; unlike a closure, it can be saved."""

  decode: Callable[[bytes, bytes], dict[str, int]]
  rules: Mapping[str, Rule]
  cells: Mapping[str, Cell]

  def __call__(self, before: bytes, after: bytes) -> dict[str, int]:
    counts, cells = self.decode(before, after), self.cells
    before, after = bytes(before), bytes(after)
    for event, (change, states) in self.rules.items():
      read = cells[change.cell].read
      was, now = read(before), read(after)
      if _CHANGES[change.verb].is_made(was, now, change.number) and all(
        _STATES[v](cells[c].read(after), n) for c, v, n in states
      ):
        counts[event] = 1
    return counts


def _text(field: tuple, given: Any) -> str:
  require(isinstance(given, str), field, given, "a text")
  return given


def _cell(field: tuple, given: Any) -> Cell:
  table = given if isinstance(given, Mapping) else {"address": given}
  require(
    {"address"} <= table.keys() <= {"address", "type", "bits"},
    field,
    given,
    "address, and type or bits",
  )
  addresses = table["address"]
  addresses = addresses if isinstance(addresses, list) else [addresses]
  kind, bits = table.get("type", "byte"), table.get("bits", [0, 7])
  for address in addresses:
    arguments.whole(field, address, 0, _RAM_SIZE - 1)
  arguments.require_one_of(_TYPES, (*field, "type"), kind)
  most = _MOST_ADDRESSES if kind == "decimal" else 1
  require(
    1 <= len(addresses) <= most,
    field,
    addresses,
    f"one address, or 2 to {_MOST_ADDRESSES} of a decimal",
  )
  is_list = isinstance(bits, list) and all(type(bit) is int for bit in bits)
  is_range = is_list and bits in _BIT_RANGES
  require(is_range, (*field, "bits"), bits, "[first, last]")
  is_free = kind == "byte" or bits == [0, 7]
  require(is_free, (*field, "bits"), bits, "none but of bytes")
  return Cell(tuple(addresses), kind, *bits)


def _rule(field: tuple, text: str, cells: Mapping[str, Cell]) -> Rule:
  change, *states = text.split(" and ")
  return Rule(
    _clause(field, change, _CHANGES, cells),
    tuple(_clause(field, state, _STATES, cells) for state in states),
  )


def _clause(
  field: tuple, clause: str, verbs: Mapping[str, Any], cells: Mapping[str, Cell]
) -> Clause:
  match = _CLAUSE.fullmatch(clause)
  cell, verb, number = match.groups() if match else ("", "", None)
  needs_number = verb not in _WITHOUT_NUMBER
  if verb not in verbs or needs_number != (number is not None):
    forms = (v if v in _WITHOUT_NUMBER else f"{v} N" for v in verbs)
    allowed = f"a cell that {', '.join(forms)}"
    raise WrongValueError(field, clause, allowed)
  require(cell in cells, field, cell, f"a cell: {', '.join(cells)}")
  least, most = cells[cell].lowest, cells[cell].highest
  value = int(number or 0)
  allowed = f"{least} to {most}, which {cell} holds"
  require(number is None or least <= value <= most, field, value, allowed)
  return Clause(cell, verb, value)


def _refuse_overlaps(
  rules: Mapping[str, Rule],
  cells: Mapping[str, Cell],
  texts: Mapping[str, str],
):
  """Refuses what never happens, and two events that one change can both be."""
  numbers: dict[Cell, set[int]] = {}
  for rule in rules.values():
    for clause in (rule.change, *rule.states):
      numbers.setdefault(cells[clause.cell], set()).add(clause.number)
  values = {
    cell: overlaps.telling(cell.lowest, cell.highest, compared)
    for cell, compared in numbers.items()
  }
  earlier: dict[Cell, list[tuple[str, overlaps.Reach]]] = {}
  for event, rule in rules.items():
    field, text = ("events", event), texts[event]
    watched = cells[rule.change.cell]
    reach = _reach(rule, cells, values)
    if reach.change() is None:
      raise WrongValueError(field, text, "what can happen; this never does")
    for name, other in earlier.setdefault(watched, []):
      change = reach.both(other).change()
      if change is not None:
        before, after = (values[watched][number] for number in change)
        raise WrongValueError(
          field,
          text,
          f"no overlap, but {rule.change.cell} from {before} to {after} is"
          f" {name}, too",
        )
    earlier[watched].append((event, reach))


def _reach(
  rule: Rule, cells: Mapping[str, Cell], values: Mapping[Cell, list[int]]
) -> overlaps.Reach:
  def where(cell: Cell, holds: Callable[[int, int], bool], number: int) -> int:
    return overlaps.where(values[cell], lambda value: holds(value, number))

  name, verb, number = rule.change
  watched, change = cells[name], _CHANGES[verb]
  after = {watched: where(watched, change.after, number)}
  for name, verb, number in rule.states:
    held = where(cells[name], _STATES[verb], number)
    after[cells[name]] = after.get(cells[name], held) & held
  return overlaps.Reach(
    change.rises,
    change.falls,
    where(watched, change.before, rule.change.number),
    after.pop(watched),
    after,
  )
