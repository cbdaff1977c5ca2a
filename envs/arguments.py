"""Checks of what environments are made with, and of what they are told to do.

Whatever cannot be used is refused in one line that names it.
"""

import operator

import numpy as np


class WrongValueError(ValueError):
  """A value that cannot be.

  Attributes:
    word: What is wrong, as its user wrote it.
  """

  def __init__(
    self, field: str, given: object, allowed: str, word: object = None
  ):
    super().__init__(f"{field}: got {given!r}; allowed: {allowed}.")
    self.word = given if word is None else word


def require(ok: bool, field: str, given: object, allowed: str):
  """Raises `WrongValueError`, saying what is allowed, unless `ok`."""
  if not ok:
    raise WrongValueError(field, given, allowed)


def require_int(field: str, given: object, least: int):
  """Raises ValueError unless an integer that is large enough was given."""
  require(is_int(given, least), field, given, f"an int >= {least}")


def require_probability(field: str, given: float):
  """Raises ValueError unless a chance short of certainty was given."""
  require(0.0 <= given < 1.0, field, given, "a number in [0, 1)")


def is_int(value: object, least: int) -> bool:
  """Whether a value, Python's or NumPy's, is an integer and large enough."""
  return (
    isinstance(value, int | np.integer)
    and not isinstance(value, bool)
    and int(value) >= least
  )


def action_index(action: int, num_actions: int) -> int:
  """The action as a plain integer.

  Raises:
    ValueError: It is no integer within the action spec.
  """
  try:
    index = operator.index(action)
  except TypeError:
    index = -1
  allowed = f"an integer from 0 to {num_actions - 1}"
  require(0 <= index < num_actions, "action", action, allowed)
  return index
