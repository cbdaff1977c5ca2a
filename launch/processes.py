"""Runs the nodes of a program in processes of this machine."""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Mapping

_SUPERVISOR = "BEHAVIOR_TRANSFER_SUPERVISOR"  # environment variable; its pid
_PR_SET_PDEATHSIG = 1
_LAST_LINES = 30

# Many processes share the cores, and the accelerator is the learner's.
ONE_THREAD_ON_CPU = {
  "JAX_PLATFORMS": "cpu",
  "CUDA_VISIBLE_DEVICES": "-1",
  "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
  "OMP_NUM_THREADS": "1",
  "OPENBLAS_NUM_THREADS": "1",
  "TF_NUM_INTRAOP_THREADS": "1",
  "TF_NUM_INTEROP_THREADS": "1",
}


class ProcessWorker:
  """A node in a process, which writes to a log of its own.

  Attributes:
    group, number: Of the node.
  """

  def __init__(
    self,
    group: str,
    number: int,
    command: list[str],
    environment: Mapping[str, str],
    log_folder: pathlib.Path,
  ):
    """Initialises the worker.

    Args:
      group, number: Of the node.
      command: To run.
      environment: Variables that differ from this process's.
      log_folder: Exists.
    """
    self.group = group
    self.number = number
    self._command = command
    self._environment = {
      **os.environ,
      **environment,
      "PYTHONPATH": python_path(),
      _SUPERVISOR: str(os.getpid()),
    }
    self._log = log_folder / f"{group}_{number}.log"
    self._process: subprocess.Popen | None = None

  def start(self) -> None:
    with self._log.open("a") as log:
      # In a session of its own, so that Ctrl-C reaches the supervisor alone.
      self._process = subprocess.Popen(
        self._command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=self._environment,
        start_new_session=True,
      )

  def poll(self) -> int | None:
    assert self._process is not None
    return self._process.poll()

  def last_words(self) -> str:
    return last_lines(self._log)

  def kill(self) -> None:
    if self._process is not None and self._process.poll() is None:
      os.killpg(self._process.pid, signal.SIGKILL)
      self._process.wait()


def python_path() -> str:
  """With it, what can be imported here can be there, a user's modules too."""
  return os.pathsep.join(filter(None, sys.path))


def last_lines(log: pathlib.Path) -> str:
  """The end of a node's log."""
  lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
  return "\n".join(["", f"{log}:", *lines])


def signal_when_orphaned(number: int):
  """Has this process sent a signal when the thread that started it ends."""
  ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def die_with_supervisor():
  """Has this process killed when its supervisor dies, however that happens.

  Called by every node; does nothing in a process that has no supervisor.
  """
  supervisor = os.environ.get(_SUPERVISOR)
  if supervisor is None:
    return
  signal_when_orphaned(signal.SIGKILL)
  if os.getppid() != int(supervisor):  # it was quicker
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
  """Ends this process, if it is a node's, whatever its threads wait for.

  A thread that TensorFlow or Reverb has left waiting for a replay that is gone
  keeps a process from ending by itself.
  """
  if _SUPERVISOR in os.environ:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
