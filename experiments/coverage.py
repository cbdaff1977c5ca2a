"""Where a run has been, over all its starts."""

import pathlib
import zipfile
from typing import Any

import numpy as np

from behavior_transfer import envs, files
from behavior_transfer.launch import experiment

VISITED = "visited"  # key of the row of an episode; its cells
_CELL = 8  # sides of a cell, in the game's own units

Cell = tuple[int, int, int, int]


def cell(place: envs.Place) -> Cell:
  """The part of its room that a place lies in."""
  return place.level, place.room, place.x // _CELL, place.y // _CELL


class Coverage(experiment.History):
  """The cells that were visited, each with the agent step that it is known at.

  The steps tie the file to a checkpoint, although a kill may come between the
  writing of the two: whatever became known after the checkpoint from which a
  run goes on is forgotten.
  """

  def __init__(self, path: pathlib.Path):
    """Starts empty.

    Args:
      path: Of the file, which need not exist.
    """
    self._path = path
    self._first_visits: dict[Cell, int] = {}

  def record(self, row: dict[str, Any], agent_steps: int) -> dict[str, Any]:
    """Adds an episode's cells, and puts how many there are in their place."""
    if VISITED not in row:  # as in games whose places are not known
      return row
    for cell in row[VISITED]:
      self._first_visits.setdefault(tuple(cell), agent_steps)
    figures = {
      "rooms_so_far": self.rooms(),
      "positions_so_far": self.positions(),
    }
    return {**{k: v for k, v in row.items() if k != VISITED}, **figures}

  def rooms(self) -> int:
    """How many rooms were visited; those of another level are others."""
    return len({cell[:2] for cell in self._first_visits})

  def positions(self) -> int:
    """How many cells were visited."""
    return len(self._first_visits)

  def restore(self, agent_steps: int):
    """Reads the file, as it was at that step."""
    self._first_visits = {}
    if not self._path.exists():
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
    with files.whole(self._path) as partial:
      arrays = {
        "cells": np.array(list(self._first_visits), np.uint8),
        "steps": np.array(list(self._first_visits.values()), np.int64),
      }
      files.write_arrays(partial, arrays, zipfile.ZIP_DEFLATED)
