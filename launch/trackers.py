"""Curves over frames for those who look, beside the settings of the run.

TensorBoard's are in the workdir, and always written; Weights & Biases is for
those who ask for it.
"""

import os
import pathlib
import secrets
import time
from collections.abc import Mapping
from typing import SupportsFloat

from .. import files

Settings = Mapping[str, bool | int | float | str | None]

# What says of a row when it was, and of how much; no curve of interest.
_BOOKKEEPING = frozenset((
  "agent_steps", "frames", "episodes", "learner_steps", "walltime",
  "evaluation_episodes",
))  # fmt: skip
_FLUSH_PERIOD = 10.0  # seconds after which TensorBoard is shown new rows


class TensorBoard:
  """Scalars over frames.

  It writes when it is told to, unlike tensorboardX's own writer, whose thread
  outlives what it fails at.
  """

  def __init__(self, folder: pathlib.Path, start: int):
    """Opens an event file.

    Args:
      folder: Holds the event files; made where it is missing.
      start: Frame that the run starts from; what is later is not shown.
    """
    from tensorboardX import record_writer  # some who import this have it not
    from tensorboardX.proto import event_pb2

    self._event = event_pb2.Event
    folder.mkdir(parents=True, exist_ok=True)
    name = f"events.out.tfevents.{time.time():.6f}"
    self._writer = record_writer.RecordWriter(str(folder / name))
    self._flushed = time.monotonic()
    self._write(file_version="brain.Event:2")
    beginning = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    self._write(session_log=beginning, step=start + 1)

  def write_settings(self, settings: Settings, score: str):
    """Has TensorBoard list them, with the last value of the score."""
    from tensorboardX import summary

    for each in summary.hparams(dict(settings), {score: 0.0}):
      self._write(summary=each)

  def write(self, data: Mapping[str, SupportsFloat]):
    curves = _curves(data).items()
    values = [{"tag": name, "simple_value": value} for name, value in curves]
    self._write(summary={"value": values}, step=int(float(data["frames"])))
    if time.monotonic() - self._flushed >= _FLUSH_PERIOD:
      self.sync()

  def sync(self):
    self._flushed = time.monotonic()
    self._writer.flush()

  def close(self):
    self._writer.close()

  def _write(self, **content):
    event = self._event(wall_time=time.time(), **content)
    self._writer.write(event.SerializeToString())


def start_wandb(project: str, workdir: pathlib.Path, settings: Settings):
  """Starts the run of a workdir in Weights & Biases, or goes on with it.

  It ends when this process does, whose exit code says how.

  Raises:
    ValueError: It cannot be started; there is no account, say.
  """
  os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # to its makers
  import wandb  # of the extra of that name

  run_id = workdir / "wandb_id.txt"
  if not run_id.exists():
    with files.whole(run_id) as partial:
      partial.write_text(secrets.token_hex(8))
  try:
    run = wandb.init(
      project=project,
      id=run_id.read_text(),
      resume="allow",
      name=workdir.name,
      dir=workdir,
      config=dict(settings),
      allow_val_change=True,  # of the budget, say
    )
  except wandb.errors.Error as error:
    raise ValueError(f"--wandb_project={project}: {error}") from None
  run.define_metric("*", step_metric="frames")


class Wandb:
  """Curves over frames, in the run that this process has started."""

  def __init__(self, label: str):
    import wandb

    assert wandb.run is not None
    self._run = wandb.run
    self._label = label

  def write(self, data: Mapping[str, SupportsFloat]):
    curves = {f"{self._label}/{k}": x for k, x in _curves(data).items()}
    self._run.log({"frames": int(float(data["frames"])), **curves})

  def sync(self):
    """Does nothing: a process of its own writes."""

  def close(self):
    """Does nothing: other labels may go on."""


def _curves(data: Mapping[str, SupportsFloat]) -> dict[str, float]:
  return {k: float(x) for k, x in data.items() if k not in _BOOKKEEPING}
