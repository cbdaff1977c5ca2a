"""Whether one change of a cell can be two events at once, or none at all.

Values of a cell are held as the bits of an integer, in rising order: of all
that the cell can hold, those that make a difference to some rule.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def telling(lowest: int, highest: int, numbers: Iterable[int]) -> list[int]:
  """Values enough for every way in which comparisons to numbers can turn out.

  Args:
    lowest, highest: That the cell holds.
    numbers: That it is compared to.
  """
  near = {n + by for n in numbers for by in (-2, -1, 0, 1, 2)}
  near |= {lowest, lowest + 1, highest - 1, highest}
  return [n for n in sorted(near) if lowest <= n <= highest]


def where(values: Iterable[int], holds: Callable[[int], bool]) -> int:
  """The bits of those values for which something holds."""
  return sum(1 << i for i, value in enumerate(values) if holds(value))


@dataclasses.dataclass(frozen=True)
class Reach:
  """What brings an event about.

  Attributes:
    rises, falls: Whether such changes of the cell do.
    before, after: Values that it may have.
    others: Values that other cells may have after the change.
  """

  rises: bool
  falls: bool
  before: int
  after: int
  others: Mapping[Any, int]

  def change(self) -> tuple[int, int] | None:
    """Numbers of a value before and one after; None where nothing can be."""
    if not all((self.before, self.after, *self.others.values())):
      return None
    if self.rises:
      first = _lowest(self.before)
      above = self.after >> (first + 1)
      if above:
        return first, first + 1 + _lowest(above)
    if self.falls:
      last = _lowest(self.after)
      above = self.before >> (last + 1)
      if above:
        return last + 1 + _lowest(above), last
    return None

  def both(self, other: "Reach") -> "Reach":
    """What brings both about."""
    others = {**self.others}
    for cell, values in other.others.items():
      others[cell] = others.get(cell, values) & values
    return Reach(
      self.rises and other.rises,
      self.falls and other.falls,
      self.before & other.before,
      self.after & other.after,
      others,
    )


def _lowest(bits: int) -> int:
  return (bits & -bits).bit_length() - 1
