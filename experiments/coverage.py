"""Where a run has been, over all its starts."""

import os
import pathlib

import numpy as np

from behavior_transfer import envs

_CELL = 8  # sides of a cell, in the game's own units

Cell = tuple[int, int, int, int]


def cell(place: envs.Place) -> Cell:
  """The part of its room that a place lies in."""
  return place.level, place.room, place.x // _CELL, place.y // _CELL


class Coverage:
  """The cells that were visited, each with the agent step of its first visit.

  The steps tie the file to a checkpoint, although a kill may come between the
  writing of the two: whatever was first visited after the checkpoint from which
  a run goes on is forgotten.

  Attributes:
    agent_steps: How far the run is; whoever visits counts it up.
  """

  def __init__(self, path: pathlib.Path):
    """Starts empty.

    Args:
      path: Of the file, which need not exist.
    """
    self.agent_steps = 0
    self._path = path
    self._first_visits: dict[Cell, int] = {}

  def visit(self, cell: Cell):
    """Notes that the run has been there."""
    self._first_visits.setdefault(cell, self.agent_steps)

  def rooms(self) -> int:
    """How many rooms were visited; those of another level are others."""
    return len({cell[:2] for cell in self._first_visits})

  def positions(self) -> int:
    """How many cells were visited."""
    return len(self._first_visits)

  def restore(self, agent_steps: int):
    """Reads the file, as it was at that step."""
    self.agent_steps = agent_steps
    if not self._path.exists():  # as in games whose places are not known
      return
    with np.load(self._path) as arrays:
      cells, steps = arrays["cells"].tolist(), arrays["steps"].tolist()
    self._first_visits = {
      tuple(cell): step
      for cell, step in zip(cells, steps, strict=True)
      if step <= agent_steps
    }

  def save(self):
    """Writes the file, which is seen either whole or not at all."""
    if not self._first_visits:
      return
    temporary = self._path.with_name(f".{self._path.name}.tmp")
    with temporary.open("wb") as file:
      np.savez_compressed(
        file,
        cells=np.array(list(self._first_visits), np.uint8),
        steps=np.array(list(self._first_visits.values()), np.int64),
      )
      file.flush()
      os.fsync(file.fileno())
    os.replace(temporary, self._path)
