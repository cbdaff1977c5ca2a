"""Starts the programs as a user does, but quicker.

What a program imports takes longer than most of what is tested. So a server
imports it once, and each start is a fork of it, with a process, output and exit
code of its own. `test_bad_input.py` starts each program as a user does.
"""

import atexit
import multiprocessing
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "experiments"

# An agent and episodes that are as small as they get.
TINY = (
  "--network=tiny",
  "--envs_per_actor=1",
  "--burn_in=2",
  "--trace_length=8",
  "--sequence_period=4",
  "--n_step=2",
  "--batch_size=2",
  "--max_replay_size=100",
  "--min_replay_size=4",
  "--replay_ratio=1",
  "--noop_max=0",
  "--max_episode_frames=320",
  "--evaluation_episodes=1",
  "--evaluation_period=800",
  "--checkpoint_period=400",
)

# None of these may define a flag, which other programs do not have.
_IMPORTED = (
  "jax",
  "matplotlib.pyplot",
  "behavior_transfer.agents.bt",
  "behavior_transfer.agents.embedded",
  "behavior_transfer.agents.ngu",
  "behavior_transfer.agents.r2d2",
  "behavior_transfer.envs",
  "behavior_transfer.experiments.tasks",
  "behavior_transfer.launch.embedded.engine",
  "behavior_transfer.launch.loggers",
  "tests.experiments.programs",
)
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([*_IMPORTED])


class Program:
  """A program that was started, with what `subprocess.Popen` has."""

  def __init__(
    self, script: str, arguments: list[str], cwd: pathlib.Path | None
  ):
    self._folder = tempfile.TemporaryDirectory()
    self._outputs = [
      pathlib.Path(self._folder.name, name) for name in ("stdout", "stderr")
    ]
    self._process = _SERVER.Process(
      target=_main,
      args=(
        [str(FOLDER / script), *arguments],
        self._outputs,
        cwd or pathlib.Path.cwd(),
        dict(os.environ),
      ),
    )
    self._process.start()
    self.pid = self._process.pid

  def __enter__(self) -> "Program":
    return self

  def __exit__(self, *_):
    self.kill()
    self._process.join()

  @property
  def returncode(self) -> int | None:
    return self._process.exitcode

  poll = returncode.fget

  def kill(self):
    self._process.kill()

  def send_signal(self, number: signal.Signals):
    os.kill(self.pid, number)

  def communicate(self, timeout: float | None = None) -> list[str]:
    """Standard output and errors, once it has ended, in so many seconds."""
    try:
      self._process.join(timeout)
      if self.poll() is None:
        raise subprocess.TimeoutExpired(self._process.name, timeout)
    except BaseException:  # or the test's own limit
      self.kill()
      raise
    return [path.read_text() for path in self._outputs]


def _main(
  argv: list[str],
  outputs: list[pathlib.Path],
  cwd: pathlib.Path,
  environment: dict[str, str],
):
  """Is the program, in the fork."""
  for descriptor, path in enumerate(outputs, start=1):
    with path.open("wb") as file:
      os.dup2(file.fileno(), descriptor)
  os.environ.clear()
  os.environ.update(environment)
  os.chdir(cwd)
  sys.argv = argv
  try:
    runpy.run_path(argv[0], run_name="__main__")
  finally:
    atexit._run_exitfuncs()  # which multiprocessing leaves out


def start(
  script: str, *arguments: object, cwd: pathlib.Path | None = None
) -> Program:
  """Starts a program."""
  return Program(script, [*map(str, arguments)], cwd)


def wait_until(condition: Callable[[], object], process: Program):
  """Waits for something that comes while a program runs."""
  while not condition():
    assert process.poll() is None, process.communicate()
    time.sleep(0.05)


def finish(process: Program) -> str:
  """Expects success; what was printed."""
  output, errors = process.communicate()
  assert process.returncode == 0, errors
  return output


def refuse(script: str, *arguments: object) -> str:
  """Expects a refusal: exit code 2 and one line, which is returned."""
  process = start(script, *arguments)
  return refusal(process.communicate(), process.returncode)


def refusal(outputs: list[str], code: int) -> str:
  """The one line of a program that ended with exit code 2."""
  output, errors = outputs
  assert code == 2, errors
  lines = errors.splitlines()
  assert len(lines) == 1, errors
  assert lines[0].startswith("error: ")
  assert not output
  return lines[0]
