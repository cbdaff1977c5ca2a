"""Where the rows of a run go: CSV files and TensorBoard, on one x-axis.

Every row carries `agent_steps`, `learner_steps` and `frames`, so that curves
from the actor, the learner and evaluations can be laid over one another.
"""

import csv
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, SupportsFloat

Row = Mapping[str, SupportsFloat]


class Logger(Protocol):
  """Takes rows; Acme's loggers do, too."""

  def write(self, data: Row) -> None:
    """Takes a row."""

  def close(self) -> None:
    """Called when no row will follow."""


def make_factory(
  workdir: pathlib.Path, frames_per_step: int
) -> Callable[[str, int], Logger]:
  """A logger factory for an `Experiment`.

  A label "train" goes to `workdir/train.csv` and `workdir/tensorboard/train`.

  Args:
    workdir: An existing folder.
    frames_per_step: As in the experiment.

  Returns:
    Maps a label and the agent steps that a run starts from to a logger.
  """

  def make(label: str, start: int) -> Logger:
    folder = workdir / "tensorboard" / label
    return Dispatcher(
      [
        CSVLogger(workdir / f"{label}.csv", start),
        TensorBoardLogger(folder, start * frames_per_step),
      ]
    )

  return make


class Dispatcher(Logger):
  """Gives each row to several loggers."""

  def __init__(self, to: Sequence[Logger]):
    self._to = to

  def write(self, data: Row):
    for logger in self._to:
      logger.write(data)

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

  def close(self):
    self._to.close()


class CSVLogger(Logger):
  """Rows in a file that outlives its writers.

  New columns may come at any time: the file is then written anew, with empty
  cells in the older rows. Each row is on the disk when `write` returns.
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
      with path.open(newline="") as file:
        reader = csv.DictReader(file)
        # A row that a crash cut short has no value for its last column.
        rows = [row for row in reader if None not in row.values()]
        self._columns = list(reader.fieldnames or ())
      self._rewrite(r for r in rows if int(r["agent_steps"]) <= start)
    self._file = path.open("a", newline="")

  def write(self, data: Row):
    new = [key for key in data if key not in self._columns]
    if new:
      self._file.close()
      with self._path.open(newline="") as file:
        rows = list(csv.DictReader(file))
      self._columns += new
      self._rewrite(rows)
      self._file = self._path.open("a", newline="")
    csv.DictWriter(self._file, self._columns).writerow(_plain(data))
    self._file.flush()

  def close(self):
    self._file.close()

  def _rewrite(self, rows: Iterable[Mapping[str, str]]):
    temporary = self._path.with_suffix(".tmp")
    with temporary.open("w", newline="") as file:
      writer = csv.DictWriter(file, self._columns)
      writer.writeheader()
      writer.writerows(rows)
    os.replace(temporary, self._path)


class TensorBoardLogger(Logger):
  """Scalars over frames."""

  def __init__(self, folder: pathlib.Path, start: int):
    """Opens an event file.

    Args:
      folder: Holds the event files; made where it is missing.
      start: Frame that the run starts from; what is later is not shown.
    """
    import tensorboardX  # some who import this module have it not

    self._writer = tensorboardX.SummaryWriter(
      str(folder), purge_step=start + 1, flush_secs=10
    )

  def write(self, data: Row):
    for key, value in _plain(data).items():
      self._writer.add_scalar(key, value, global_step=data["frames"])

  def close(self):
    self._writer.close()


def _plain(data: Row) -> dict[str, int | float]:
  """Python's numbers in place of arrays."""
  return {
    key: value if isinstance(value, int) else float(value)
    for key, value in data.items()
  }
