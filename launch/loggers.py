"""Where the rows of a run go: CSV files and trackers, on one x-axis.

Every row carries `agent_steps`, `learner_steps` and `frames`, so that curves
from the actor, the learner and evaluations can be laid over one another.
"""

import csv
import logging
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, SupportsFloat

from .. import files
from . import trackers

Row = Mapping[str, SupportsFloat]


class Logger(Protocol):
  """Takes rows; Acme's loggers do, too."""

  def write(self, data: Row) -> None:
    """Takes a row."""

  def sync(self) -> None:
    """Has all rows reach the disk."""

  def close(self) -> None:
    """Called when no row will follow."""


def make_factory(
  workdir: pathlib.Path,
  frames_per_step: int,
  settings: trackers.Settings | None = None,
  *,
  wandb: bool = False,
) -> Callable[[str, int], Logger]:
  """A logger factory for an `Experiment`.

  A label "train" goes to `workdir/train.csv` and `workdir/tensorboard/train`.

  Args:
    workdir: An existing folder.
    frames_per_step: As in the experiment.
    settings: Of the run; TensorBoard shows them beside the last evaluation.
    wandb: Whether `trackers.start_wandb` was called in the process that logs.

  Returns:
    Maps a label and the agent steps that a run starts from to a logger.
  """

  def make(label: str, start: int) -> Logger:
    folder = workdir / "tensorboard" / label
    tensorboard = trackers.TensorBoard(folder, start * frames_per_step)
    if settings and label == "eval":
      tensorboard.write_settings(settings, "episode_return")
    to: list[Logger] = [CSVLogger(workdir / f"{label}.csv", start), tensorboard]
    if wandb:
      to.append(trackers.Wandb(label))
    return Dispatcher(to)

  return make


class Dispatcher(Logger):
  """Gives each row to several loggers."""

  def __init__(self, to: Sequence[Logger]):
    self._to = to

  def write(self, data: Row):
    for logger in self._to:
      logger.write(data)

  def sync(self):
    for logger in self._to:
      logger.sync()

  def close(self):
    for logger in self._to:
      logger.close()


class TimeFilter(Logger):
  """Lets a row through now and then."""

  def __init__(self, to: Logger, period: float):
    """Initialises the filter; the first row passes.

    Args:
      to: Gets what passes.
      period: Seconds to the next row that does, at least.
    """
    self._to = to
    self._period = period
    self._written = -period

  def write(self, data: Row):
    if time.monotonic() - self._written >= self._period:
      self._written = time.monotonic()
      self._to.write(data)

  def sync(self):
    self._to.sync()

  def close(self):
    self._to.close()


class CSVLogger(Logger):
  """Rows in a file that outlives its writers.

  New columns may come at any time: the file is then written anew, with empty
  cells in the older rows. A row outlives its process when `write` returns, and
  a power cut once `sync` has.
  """

  def __init__(self, path: pathlib.Path, start: int):
    """Opens the file.

    Args:
      path: Of the file, which need not exist.
      start: Agent steps that the run starts from; later rows are dropped.
    """
    self._path = path
    self._columns: list[str] = []
    if path.exists():
      columns, rows = read(path)
      rows = [r for r in rows if float(r.get("agent_steps") or "nan") <= start]
      self._columns = columns if rows else []
      self._rewrite(rows)
    self._file = path.open("a", newline="")

  def write(self, data: Row):
    new = [key for key in data if key not in self._columns]
    if new:
      self._file.close()
      rows = read(self._path)[1] if self._columns else []
      self._columns += new
      self._rewrite(rows)
      self._file = self._path.open("a", newline="")
    csv.DictWriter(self._file, self._columns).writerow(_plain(data))
    self._file.flush()

  def sync(self):
    os.fsync(self._file.fileno())

  def close(self):
    self._file.close()

  def _rewrite(self, rows: Iterable[Mapping[str, str]]):
    with (
      files.whole(self._path) as partial,
      partial.open("w", newline="") as file,
    ):
      writer = csv.DictWriter(file, self._columns)
      writer.writeheader()
      writer.writerows(rows)


def read(path: pathlib.Path) -> tuple[list[str], list[dict[str, str]]]:
  """Columns and rows of a `CSVLogger`'s file; none where there is no file.

  What a kill or a power cut has damaged is left out: a row is one if it ends as
  rows do, with a number, or nothing, in each column.
  """
  if not path.exists():
    return [], []
  text = path.read_bytes().decode(errors="replace")
  *lines, cut = text.split("\r\n" if "\r\n" in text else "\n")
  columns: list[str] = []
  if lines and lines[0].isprintable() and "\ufffd" not in lines[0]:
    columns = next(csv.reader(lines[:1]), [])
  rows = [line.split(",") for line in lines[1:]]
  intact = [
    row
    for row in rows
    if len(row) == len(columns) and all(map(_is_number_or_empty, row))
  ]
  if damaged := len(rows) - len(intact) + bool(cut):
    logging.warning("%s: %d damaged rows are left out", path, damaged)
  return columns, [dict(zip(columns, row, strict=True)) for row in intact]


def _is_number_or_empty(cell: str) -> bool:
  try:
    return not cell or float(cell) is not None
  except ValueError:
    return False


def _plain(data: Row) -> dict[str, int | float]:
  """Python's numbers in place of arrays."""
  return {
    key: value if isinstance(value, int) else float(value)
    for key, value in data.items()
  }
