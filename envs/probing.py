"""Finds cells of memory that change with an event: where a decoder begins."""

import collections
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from .console import Frame


class Change(NamedTuple):
  """How a cell goes with an event.

  Attributes:
    address: Of the cell, from 0.
    with_event: Share of the frames with the event in which it changes.
    otherwise: Share of the other frames.
    most_common: Values before and after, of its commonest change with it.
  """

  address: int
  with_event: float
  otherwise: float
  most_common: tuple[int, int]


def probe(
  frames: Iterable[Frame], happens: Callable[[Frame], bool]
) -> tuple[int, list[Change]]:
  """Compares frames with an event to the others.

  Returns:
    How many had it, and the cells that ever changed with it, those first that
    change with it oftener than otherwise.
  """
  changed_otherwise, num_others = np.zeros(128, int), 0
  with_event = []
  for frame in frames:
    pair = np.frombuffer(frame.before + frame.after, np.uint8).reshape(2, -1)
    if happens(frame):
      with_event.append(pair)
    else:
      changed_otherwise += pair[0] != pair[1]
      num_others += 1
  changes = []
  for address, pairs in enumerate(
    np.transpose(with_event) if with_event else ()
  ):
    moves = [(int(b), int(a)) for b, a in np.transpose(pairs) if b != a]
    if moves:
      ((most_common, _),) = collections.Counter(moves).most_common(1)
      changes.append(
        Change(
          address,
          len(moves) / len(with_event),
          changed_otherwise[address] / max(num_others, 1),
          most_common,
        )
      )
  changes.sort(key=lambda c: c.otherwise - c.with_event)
  return len(with_event), changes
