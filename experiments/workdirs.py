"""The folder of a run, which is the run's identity.

run.json       what the run is, how it was started, with which versions
train.csv      a row per training episode
eval.csv       a row per evaluation
learner.csv    the learner's metrics, every few seconds
tensorboard/   the same, beside the settings
wandb/         the same again, if asked for; wandb_id.txt names the run there
checkpoints/   the newest ones
coverage.npz   where training has been, as of the newest checkpoint
replay/        what replay held then
logs/          output of each process, where a run has several
pretrained_0/  copies of the checkpoints that it transfers from
"""

import dataclasses
import fcntl
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from behavior_transfer import files
from behavior_transfer.agents import checkpoints
from behavior_transfer.launch import experiment, loggers

Columns = dict[str, np.ndarray]

_RUN_FILE = "run.json"
_LOCK_FILE = "run.lock"
# Engines; a folder that names none is of the one that came first.
EMBEDDED, SERVED = "embedded", "served"
_LAUNCH_OF = {EMBEDDED: "local", SERVED: "local_mp"}


class WorkdirError(ValueError):
  """The folder cannot be this run's."""


class Workdir:
  """A folder that this process holds for one run.

  Attributes:
    path: Of the folder.
    replay, logs: Parts of it for the launcher.
  """

  def __init__(self, path: pathlib.Path, identity: Mapping[str, Any]):
    """Claims the folder, making it if need be.

    Args:
      path: Of the folder.
      identity: What makes two starts the same run; JSON values by name.

    Raises:
      WorkdirError: It belongs to another run or program, or is in use.
    """
    self.path = path
    self.replay = path / "replay"
    self.logs = path / "logs"
    run_file = path / _RUN_FILE
    try:
      path.mkdir(parents=True, exist_ok=True)
      self._lock = lock(path / _LOCK_FILE)
    except OSError as error:
      raise WorkdirError(
        f"--workdir is {path}, which cannot be written: {error.strerror};"
        " choose another"
      ) from None
    if self._lock is None:
      raise WorkdirError(f"{path} is in use by a run under way")
    if run_file.exists():
      _check_same_run(path, read_identity(path), identity)
    elif any(p.name != _LOCK_FILE and p.name[0] != "." for p in path.iterdir()):
      raise WorkdirError(
        f"{path} is not empty and holds no {_RUN_FILE}; choose another"
        " --workdir"
      )
    write_json(
      run_file,
      {
        "identity": identity,
        "command": [sys.executable, *sys.argv],
        "commit": _commit(),
        "versions": {
          "python": sys.version.split()[0],
          **checkpoints.library_versions(),
        },
      },
    )


class RunCheckpointer:
  """Writes and finds the checkpoints of a run, for its launcher."""

  def __init__(
    self,
    workdir: pathlib.Path,
    manifest: Mapping[str, Any],
    frames_per_step: int,
    pretrained: Sequence[pathlib.Path | None],
  ):
    """Initialises the checkpointer.

    Args:
      workdir: Of the run.
      manifest: What is the same in each of its checkpoints.
      frames_per_step: Emulator frames per agent step.
      pretrained: Checkpoint of each frozen policy, None for one without.
    """
    self._workdir = workdir
    self._manifest = manifest
    self._frames_per_step = frames_per_step
    self._pretrained = pretrained

  def latest(self) -> experiment.Counts | None:
    """Counts of the newest checkpoint, None where there is none."""
    folder = self._workdir / "checkpoints"
    if not folder.exists() or not any(folder.glob("[0-9]*")):
      return None
    manifest = checkpoints.read_manifest(checkpoints.resolve(folder))
    return experiment.Counts(**manifest["counts"])

  def restore(self, template: Any) -> Any:
    """The newest checkpoint's learner state."""
    path = checkpoints.resolve(self._workdir)
    return checkpoints.load_training(path, template)

  def engine(self) -> dict[str, np.ndarray]:
    """The newest checkpoint's state of all else."""
    return checkpoints.load_engine(checkpoints.resolve(self._workdir))

  def save(
    self,
    params: Any,
    learner_state: Any,
    counts: experiment.Counts,
    engine: Mapping[str, np.ndarray] | None = None,
  ):
    """Writes a checkpoint."""
    checkpoints.save(
      self._workdir / "checkpoints",
      step=counts.agent_steps,
      params=params,
      training_state=learner_state,
      engine_state=engine,
      pretrained=self._pretrained,
      manifest={
        **self._manifest,
        "counts": dataclasses.asdict(counts),
        "frames": counts.agent_steps * self._frames_per_step,
        "agent_steps": counts.agent_steps,
        "learner_steps": counts.learner_steps,
      },
    )


def read_identity(workdir: pathlib.Path) -> Mapping[str, Any]:
  """What the run of a workdir is.

  Raises:
    OSError: Its file cannot be read.
    WorkdirError: It is damaged or another program's.
  """
  path = workdir / _RUN_FILE
  text = path.read_bytes()
  try:
    identity = json.loads(text)["identity"]
    if {"agent", "game", "seed"} <= identity.keys():
      return identity
  except (ValueError, KeyError, TypeError, AttributeError):
    pass
  raise WorkdirError(f"{path} is damaged or another program's")


def read_log(path: pathlib.Path) -> Columns:
  """Columns of a log, empty where there is none; missing values are nan."""
  columns, rows = loggers.read(path)
  if not rows:
    return {}
  return {
    name: np.array([float(row[name] or "nan") for row in rows])
    for name in columns
  }


def write_json(path: pathlib.Path, content: Any):
  """Writes values that JSON has."""
  write_text(path, json.dumps(content, indent=2) + "\n")


def write_text(path: pathlib.Path, text: str):
  """Writes a file that is seen either whole or not at all."""
  with files.whole(path) as partial:
    partial.write_text(text)


def writable(path: pathlib.Path) -> pathlib.Path:
  """The path, once its folder is there and a file in it can be written.

  Raises:
    OSError: It cannot.
  """
  if path.is_dir():
    raise IsADirectoryError(f"{path} is a folder; a file is to be written")
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
      return path
  except OSError as error:
    raise OSError(f"{path} cannot be written: {error.strerror}") from None


def lock(path: pathlib.Path) -> IO[str] | None:
  """Keeps other processes out, until this one ends however it ends.

  Returns:
    The file that holds the lock for as long as it is open; None where another
    process has it.
  """
  file = path.open("w")
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    file.close()
    return None
  return file


def _check_same_run(
  path: pathlib.Path, recorded: Mapping[str, Any], identity: Mapping[str, Any]
):
  engines = recorded.get("engine", SERVED), identity.get("engine", SERVED)
  if engines[0] != engines[1]:
    raise WorkdirError(
      f"{path} belongs to a run of the engine {engines[0]!r}, not"
      f" {engines[1]!r}: --launch={_LAUNCH_OF[engines[0]]} goes on with it; or"
      " choose another --workdir"
    )
  then, now = _flat(recorded), _flat(identity)
  names = [*now, *(name for name in then if name not in now)]
  differing = [
    f"{name} is {now.get(name)!r}, there it is {then.get(name)!r}"
    for name in names
    if then.get(name) != now.get(name)
  ]
  if differing:
    raise WorkdirError(
      f"{path} belongs to another run: {'; '.join(differing)}. Give them as"
      " there, or choose another --workdir"
    )


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
  """One level of names, as JSON gives the values back."""
  flat = {}
  for name, value in json.loads(json.dumps(values)).items():
    flat.update(value if isinstance(value, dict) else {name: value})
  return flat


def _commit() -> str | None:
  """The commit of the code, None where it is no checkout."""
  package = pathlib.Path(__file__).resolve().parents[1]
  try:
    top, commit = subprocess.run(
      ["git", "-C", package, "rev-parse", "--show-toplevel", "HEAD"],
      capture_output=True,
      text=True,
      check=True,
    ).stdout.splitlines()
  except (OSError, subprocess.CalledProcessError):
    return None
  # An installed package may lie within a repository of the user's.
  return commit if pathlib.Path(top).resolve() == package else None
