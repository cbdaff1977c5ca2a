"""Ends the parts of a run one by one, and says what became of it.

One run in five starts: its learner is killed, then its replay, then the whole
program at once; it is told to stop; and at last, while it runs to its budget,
its actor is killed. That takes minutes.

  .venv/bin/python tests/launch/fault_drill.py FOLDER          a toy
  .venv/bin/python tests/launch/fault_drill.py FOLDER --atari  R2D2 on Hero
"""

import argparse
import csv
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from behavior_transfer.agents import checkpoints

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import saved_replay

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_TAKES_AT_MOST = 1500.0  # seconds, whatever is waited for
_NEVER = 100_000_000  # agent steps
LAST_STEPS = 3_000  # of the last start, far more than pass until the fault

# Maps a workdir and a budget in agent steps to what starts the run.
Command = Callable[[pathlib.Path, int], list[str]]


class Fault(NamedTuple):
  """A signal to a part of the program; `node` None means its supervisor."""

  name: str
  node: str | None
  signal: signal.Signals


LEARNER = Fault("the learner is killed", "learner_0", signal.SIGKILL)
REPLAY = Fault("the replay is killed", "replay_0", signal.SIGKILL)
PROGRAM = Fault("the program is killed", None, signal.SIGKILL)
STOP = Fault("the program is told to stop", None, signal.SIGTERM)
ACTOR = Fault("an actor is killed", "actor_0", signal.SIGKILL)


class Reached(NamedTuple):
  """How far a run is."""

  agent_steps: int
  learner_steps: int


class Saved(NamedTuple):
  """What a run goes on from."""

  reached: Reached
  replay_items: int


class Outcome(NamedTuple):
  """What became of a run.

  Attributes:
    fault: What was done to it.
    exit_code: Of the program.
    seconds: From the fault until none of its processes was left.
    said: By the program, since its start.
    before: What was reached just before the fault, as logged.
    saved: What there was to go on from at the end.
    resumed: What the next start says that it goes on from, if there is one.
  """

  fault: Fault
  exit_code: int
  seconds: float
  said: str
  before: Reached
  saved: Saved
  resumed: Saved | None = None


def toy_command(workdir: pathlib.Path, num_steps: int) -> list[str]:
  """One actor with two environments on the toy of the tests."""
  toy = pathlib.Path(__file__).with_name("toy.py")
  arguments = (toy, workdir, num_steps, "local_mp", 1, 2)
  return [sys.executable, *map(str, arguments)]


def atari_command(workdir: pathlib.Path, num_steps: int) -> list[str]:
  """The same on a game."""
  sys.path.insert(0, str(_ROOT))
  from tests.experiments import programs

  return [
    sys.executable,
    str(_ROOT / "experiments" / "run_r2d2.py"),
    "--game=hero",
    f"--workdir={workdir}",
    "--launch=local_mp",
    "--envs_per_actor=2",
    f"--frames={4 * num_steps}",
    *programs.TINY,
  ]


class Start:
  """One start of a program; nothing is left of it when this is left."""

  def __init__(self, command: list[str], log: pathlib.Path):
    """Starts it.

    Args:
      command: To run.
      log: Takes its output.
    """
    self._log = log
    with log.open("w") as file:
      self._process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=file,
        stderr=subprocess.STDOUT,
      )

  def __enter__(self) -> "Start":
    return self

  def __exit__(self, *_):
    self._process.kill()
    self._process.wait()
    for pid in self.nodes():
      os.kill(pid, signal.SIGKILL)

  def said(self) -> str:
    """Its output so far."""
    return self._log.read_text()

  def nodes(self) -> dict[int, str]:
    """Its processes but for the supervisor: numbers, and names of their logs.

    A node may have come no further than its imports, so its name is told by
    where it writes to.
    """
    mark = f"BEHAVIOR_TRANSFER_SUPERVISOR={self._process.pid}".encode()
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
      try:
        if mark in (process / "environ").read_bytes().split(b"\0"):
          output = os.readlink(process / "fd" / "1")
          found[int(process.name)] = pathlib.Path(output).stem
      except OSError:  # another user's, or gone by now
        continue
    return found

  def send(self, fault: Fault):
    """Does it."""
    if fault.node is None:
      self._process.send_signal(fault.signal)
      return
    (pid,) = (n for n, name in self.nodes().items() if name == fault.node)
    os.kill(pid, fault.signal)

  def wait(self) -> int:
    """Its exit code, once none of its processes is left."""
    code = self._process.wait(_TAKES_AT_MOST)
    _wait_until(lambda: not self.nodes(), "a node is left")
    return code

  def wait_while_it_runs(self, condition: Callable[[], bool], otherwise: str):
    """Waits for something that comes while it runs."""

    def holds() -> bool:
      if condition():
        return True
      assert self._process.poll() is None, self.said()
      return False

    _wait_until(holds, otherwise)

  def resumed(self) -> Saved:
    """What it says that it goes on from."""
    pattern = (
      r"resumed from step ([\d,]+) \(learner step ([\d,]+)\); the replay goes"
      r" on with ([\d,]+) items"
    )
    self.wait_while_it_runs(
      lambda: "resumed from" in self.said(), "it was not resumed"
    )
    match = re.search(pattern, self.said())
    assert match, self.said()
    steps, learner_steps, items = (
      int(number.replace(",", "")) for number in match.groups()
    )
    return Saved(Reached(steps, learner_steps), items)


def drill(folder: pathlib.Path, command: Command) -> Iterator[Outcome]:
  """Goes through all of it; the outcome of each start, once that is known.

  Args:
    folder: Takes the workdir, "run", and the output of each start.
    command: Of the run.
  """
  workdir = folder / "run"
  outcome, budget = None, _NEVER
  for number, fault in enumerate((LEARNER, REPLAY, PROGRAM, STOP, ACTOR)):
    if fault is ACTOR:
      budget = outcome.saved.reached.agent_steps + LAST_STEPS
    log = folder / f"start_{number}.log"
    with Start(command(workdir, budget), log) as start:
      if outcome is not None:
        yield outcome._replace(resumed=start.resumed())
      outcome = _outcome(start, workdir, fault)
  yield outcome


def _outcome(start: Start, workdir: pathlib.Path, fault: Fault) -> Outcome:
  """Lets a run save itself and act on, and then does it."""
  then = _newest(workdir)

  def has_saved_and_acted() -> bool:
    newest, reached = _newest(workdir), _logged(workdir)
    return newest != then and reached.agent_steps > newest.agent_steps

  start.wait_while_it_runs(has_saved_and_acted, "it does not get on")
  before, struck = _logged(workdir), time.monotonic()
  start.send(fault)
  code = start.wait()
  seconds = time.monotonic() - struck
  saved = Saved(_newest(workdir), saved_replay.read(workdir / "replay").items)
  return Outcome(fault, code, seconds, start.said(), before, saved)


def _newest(workdir: pathlib.Path) -> Reached:
  """Counts of the newest checkpoint."""
  folder = workdir / "checkpoints"
  if not folder.exists() or not any(folder.glob("[0-9]*")):
    return Reached(0, 0)
  counts = checkpoints.read_manifest(checkpoints.resolve(folder))["counts"]
  return Reached(counts["agent_steps"], counts["learner_steps"])


def _logged(workdir: pathlib.Path) -> Reached:
  """Counts in the newest row of the log, of those that are complete."""
  path = workdir / "train.csv"
  text = path.read_text() if path.exists() else ""
  rows = list(csv.DictReader(text[: text.rfind("\n")].splitlines()))
  if not rows:
    return Reached(0, 0)
  return Reached(int(rows[-1]["agent_steps"]), int(rows[-1]["learner_steps"]))


def _wait_until(condition: Callable[[], bool], otherwise: str):
  deadline = time.monotonic() + _TAKES_AT_MOST
  while not condition():
    assert time.monotonic() < deadline, otherwise
    time.sleep(0.05)


def _text(outcome: Outcome) -> str:
  def far(reached: Reached) -> str:
    return f"{reached.agent_steps:,} (learner {reached.learner_steps:,})"

  def items(saved: Saved) -> str:
    return f"{far(saved.reached)}, {saved.replay_items:,} items in replay"

  lines = [
    f"{outcome.fault.name} at step {far(outcome.before)}",
    f"exit code {outcome.exit_code}; no process left after"
    f" {outcome.seconds:.1f} s",
    f"saved: step {items(outcome.saved)}",
  ]
  if outcome.resumed is not None:
    lines.append(f"next start: step {items(outcome.resumed)}")
  return "\n  ".join(lines)


def main():
  """Prints the outcomes."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument("folder", type=pathlib.Path, help="must not exist")
  parser.add_argument("--atari", action="store_true")
  arguments = parser.parse_args()
  arguments.folder.mkdir(parents=True)
  command = atari_command if arguments.atari else toy_command
  for outcome in drill(arguments.folder, command):
    print(_text(outcome), flush=True)


if __name__ == "__main__":
  main()
