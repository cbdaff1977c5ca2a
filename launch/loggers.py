"""Where the rows of a run go: CSV files and TensorBoard, on one x-axis.

Every row carries `agent_steps`, `learner_steps` and `frames`, so that curves
from the actor, the learner and evaluations can be laid over one another.
"""

import csv
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping

import tensorboardX
from acme.utils import loggers

from .experiment import Counts

_LEARNER_PERIOD = 2.0  # seconds between rows of the learner


def make_factory(
  workdir: pathlib.Path, frames_per_step: int
) -> Callable[[str, int], loggers.Logger]:
  """A logger factory for an `Experiment`.

  A label "train" goes to `workdir/train.csv` and `workdir/tensorboard/train`.

  Args:
    workdir: An existing folder.
    frames_per_step: As in the experiment.

  Returns:
    Maps a label and the agent steps that a run starts from to a logger.
  """

  def make(label: str, start: int) -> loggers.Logger:
    to = loggers.Dispatcher(
      [
        CSVLogger(workdir / f"{label}.csv", start),
        TensorBoardLogger(
          workdir / "tensorboard" / label, start * frames_per_step
        ),
      ]
    )
    if label in ("train", "eval"):
      return to
    return loggers.TimeFilter(to, _LEARNER_PERIOD)

  return make


class CSVLogger(loggers.Logger):
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

  def write(self, data: loggers.LoggingData):
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


class TensorBoardLogger(loggers.Logger):
  """Scalars over frames."""

  def __init__(self, folder: pathlib.Path, start: int):
    """Opens an event file.

    Args:
      folder: Holds the event files; made where it is missing.
      start: Frame that the run starts from; what is later is not shown.
    """
    self._writer = tensorboardX.SummaryWriter(
      str(folder), purge_step=start + 1, flush_secs=10
    )

  def write(self, data: loggers.LoggingData):
    for key, value in _plain(data).items():
      self._writer.add_scalar(key, value, global_step=data["frames"])

  def close(self):
    self._writer.close()


class StampedLogger(loggers.Logger):
  """Adds how far the run is to each row."""

  def __init__(self, to: loggers.Logger, counts: Counts, frames_per_step: int):
    self._to = to
    self._counts = counts
    self._frames_per_step = frames_per_step

  def write(self, data: loggers.LoggingData):
    counts = self._counts
    stamp = {
      "agent_steps": counts.agent_steps,
      "frames": counts.agent_steps * self._frames_per_step,
      "episodes": counts.episodes,
      "learner_steps": counts.learner_steps,
      "walltime": round(counts.walltime, 3),
    }
    self._to.write({**stamp, **data})

  def close(self):
    self._to.close()


def _plain(data: loggers.LoggingData) -> dict[str, int | float]:
  """Python's numbers in place of arrays."""
  return {
    key: value if isinstance(value, int) else float(value)
    for key, value in data.items()
  }
