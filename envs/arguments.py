"""Checks of what environments are made with, and of what they are told to do.

Whatever cannot be used is refused in one line that names it.
"""

import math
import operator
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

_T = TypeVar("_T")

# Rewards are float32, whose sums over an episode must be finite, too.
_LARGEST = 1e9


class _Repr(reprlib.Repr):
  """Short, of one line, and without recursion, whatever was given."""

  def __init__(self):
    super().__init__()
    self.maxlevel, self.maxlist, self.maxdict = 3, 8, 8
    self.maxstring = self.maxother = 120

  def repr_int(self, x: int, level: int) -> str:
    # Python refuses to write numbers of thousands of digits.
    return (
      repr(x) if x.bit_length() < 128 else f"an int of {x.bit_length()} bits"
    )


def shown(given: object) -> str:
  """How a value looks in a message."""
  return " ".join(_Repr().repr(given).split())


class WrongValueError(ValueError):
  """A value that cannot be.

  Attributes:
    path: Keys that lead to it in a variant's file.
  """

  def __init__(
    self,
    field: str | tuple,
    given: object,
    allowed: str,
    path: tuple = (),
  ):
    """Says what is wrong.

    Args:
      field: That is named; the keys of tables, the outermost first.
      given: What it was.
      allowed: What it could be.
      path: Where the field is not what leads to it.
    """
    keys = (field,) if isinstance(field, str) else field
    name = ".".join(k if _is_plain(k) else shown(k) for k in keys)
    super().__init__(f"{name}: got {shown(given)}; allowed: {allowed}.")
    self.path = path or keys


def _is_plain(key: object) -> bool:
  return isinstance(key, str) and bool(re.fullmatch(r"[\w :-]{1,80}", key))


def require(
  ok: object,
  field: str | tuple,
  given: object,
  allowed: str,
  path: tuple = (),
):
  """Raises `WrongValueError`, saying what is allowed, unless `ok`."""
  if not ok:
    raise WrongValueError(field, given, allowed, path)


def require_one_of(
  choices: Iterable[str], field: str | tuple, given: Any, path: tuple = ()
):
  """Raises `WrongValueError`, naming the choices, unless one was given."""
  choices = [*choices]
  is_one = isinstance(given, str) and given in choices
  require(is_one, field, given, ", ".join(choices), path)


def whole(
  field: str | tuple, given: Any, least: int, most: float = math.inf
) -> int:
  """An integer, Python's or NumPy's, as Python's.

  Raises:
    WrongValueError: It is none, or out of its range.
  """
  allowed = f"an int >= {least}"
  if most < math.inf:
    allowed = f"an int from {least} to {most}"
  try:
    number = operator.index(given)
  except TypeError:
    raise WrongValueError(field, given, allowed) from None
  is_in = not isinstance(given, bool) and least <= number <= most
  require(is_in, field, given, allowed)
  return number


def real(
  field: str | tuple,
  given: Any,
  least: float = -_LARGEST,
  most: float = _LARGEST,
) -> int | float:
  """A number, Python's or NumPy's, as Python's.

  Raises:
    WrongValueError: It is none, or out of its range.
  """
  is_number = isinstance(given, int | float | np.integer | np.floating)
  require(
    is_number and not isinstance(given, bool) and least <= given <= most,
    field,
    given,
    f"a number from {least:g} to {most:g}",
  )
  return given.item() if isinstance(given, np.generic) else given


def probability(field: str, given: Any) -> float:
  """A chance short of certainty.

  Raises:
    WrongValueError: It is none.
  """
  number = real(field, given, 0.0, 1.0)
  require(number < 1.0, field, given, "a number in [0, 1)")
  return float(number)


def flag(field: str, given: Any) -> bool:
  """True or False, Python's or NumPy's.

  Raises:
    WrongValueError: It is neither.
  """
  require(isinstance(given, bool | np.bool_), field, given, "True or False")
  return bool(given)


def table(
  field: str, given: Any, value: Callable[[tuple, Any], _T]
) -> dict[str, _T]:
  """A table by name, of which each value is checked.

  Args:
    field: Its name.
    given: What is to be one.
    value: Checks the value of a field and returns it.

  Raises:
    WrongValueError: It is none, or one of its values is wrong.
  """
  require(isinstance(given, Mapping), field, given, f"a table, [{field}]")
  return {name: value((field, name), v) for name, v in given.items()}


def action_index(action: int, num_actions: int) -> int:
  """The action as a plain integer.

  Raises:
    ValueError: It is no integer within the action spec.
  """
  try:
    index = operator.index(action)
  except TypeError:
    index = -1
  if not 0 <= index < num_actions:
    allowed = f"an integer from 0 to {num_actions - 1}"
    raise WrongValueError("action", action, allowed)
  return index
