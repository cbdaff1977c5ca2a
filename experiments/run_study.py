"""Runs a study of the paper's, or prints what it consists of.

  python experiments/run_study.py --study=figure3 --scale=paper --dry_run
  python experiments/run_study.py --study=figure5 --scale=laptop

What is complete is left as it is, what was interrupted goes on, and what is
missing is started, one run after the other. Several of these, also on machines
that share the folder, divide the runs among themselves. One that fails is
reported, and keeps from running only what needs it.
"""

import collections
import contextlib
import pathlib
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence

from absl import flags

from behavior_transfer.experiments import (
  budgets,
  cli,
  study_flags,
  tasks,
  workdirs,
)
from behavior_transfer.experiments.studies import results, scales
from behavior_transfer.experiments.studies import study as study_lib
from behavior_transfer.launch import processes, signals

_DRY_RUN = flags.DEFINE_bool(
  "dry_run",
  False,
  "Print every command and what it would take, and run nothing.",
  module_name="program",
)
_PROGRAMS = pathlib.Path(__file__).resolve().parent
_ACTION_REPEAT = tasks.EnvironmentOptions().action_repeat
_POLL_PERIOD = 0.2  # seconds, for a run to end
_LOOK_PERIOD = 2.0  # seconds, for others' runs to be complete

DONE, LEFT, FAILED, ELSEWHERE = "done", "left", "failed", "elsewhere"


def execute(
  runs: Sequence[study_lib.Run],
  folder: pathlib.Path,
  stop: signals.StopRequest,
) -> dict[str, str]:
  """Runs what is missing, and waits for what others are running.

  Args:
    runs: Those that others need before them.
    folder: Of their workdirs.
    stop: Whether somebody asks for an end; the run under way is told, too.

  Returns:
    What became of each, by name: DONE, LEFT, FAILED or ELSEWHERE.
  """
  states = dict.fromkeys((run.name for run in runs), LEFT)
  needed = results.needed(runs, folder)
  while True:
    for number, run in enumerate(runs, start=1):
      if states[run.name] not in (DONE, FAILED):
        where = f"[{number}/{len(runs)}] {run.name}"
        ready = not stop and all(states[need] == DONE for need in run.needs)
        states[run.name] = _attend(run, folder, stop, ready, needed, where)
    if stop or ELSEWHERE not in states.values():
      return states
    time.sleep(_LOOK_PERIOD)


def _attend(
  run: study_lib.Run,
  folder: pathlib.Path,
  stop: signals.StopRequest,
  ready: bool,
  needed: Collection[str],
  where: str,
) -> str:
  """Sees to one run; what it is then."""
  if results.is_done(run, folder, needed):
    return DONE
  if not ready:
    return LEFT
  with contextlib.ExitStack() as stack:
    claim = _claim(run, folder, stack)
    if claim is None:
      return ELSEWHERE
    if results.is_done(run, folder, needed):  # since the other let go of it
      return DONE
    print(where, flush=True)
    code = _execute(run, folder, stop, claim)
  if results.is_done(run, folder, needed):
    return DONE
  if stop:
    return LEFT
  log = _file(run, folder, "log")
  *_, last = ["", *log.read_text().splitlines()]
  print(f"{run.name} failed, exit code {code}: {last}; see {log}", flush=True)
  return FAILED


def _claim(
  run: study_lib.Run, folder: pathlib.Path, stack: contextlib.ExitStack
) -> int | None:
  """A file descriptor that holds the run; None where another has it."""
  lock = workdirs.lock(_file(run, folder, "lock"))
  return None if lock is None else stack.enter_context(lock).fileno()


def _execute(
  run: study_lib.Run,
  folder: pathlib.Path,
  stop: signals.StopRequest,
  claim: int,
) -> int:
  """Runs a program to its end; its exit code."""
  program, *arguments = run.fill_in(folder)
  with _file(run, folder, "log").open("a") as output:
    process = subprocess.Popen(
      [sys.executable, _PROGRAMS / program, *arguments],
      stdout=output,
      stderr=subprocess.STDOUT,
      # Ctrl-C reaches it once, through us.
      start_new_session=True,
      preexec_fn=_stop_with_parent,
      # It holds the run for as long as it lives, also when we do not.
      pass_fds=[claim],
    )
  told = False
  while process.poll() is None:
    if stop and not told:
      process.terminate()
      told = True
    time.sleep(_POLL_PERIOD)
  return process.returncode


def _stop_with_parent():
  """Has the run save itself and stop when this process is killed."""
  processes.signal_when_orphaned(signal.SIGTERM)


def _file(run: study_lib.Run, folder: pathlib.Path, kind: str) -> pathlib.Path:
  """What the study itself keeps of a run."""
  files = folder / "study"
  files.mkdir(parents=True, exist_ok=True)
  return files / f"{run.name.replace('/', '_')}.{kind}"


def print_plan(
  runs: Sequence[study_lib.Run], folder: pathlib.Path, scale: scales.Scale
):
  """Prints each command, and what all of them take."""
  for run in runs:
    print(shlex.join(run.typed(folder)))
    config = budgets.config_of(run.program, run.flags)
    for line in budgets.lines(config, run.frames // _ACTION_REPEAT, run.game):
      print(f"  # {line}")
  needed = results.needed(runs, folder)
  left = [run for run in runs if not results.is_done(run, folder, needed)]
  frames = sum(run.frames for run in left)
  text = f"{len(runs)} runs, {len(left)} left, {frames:,} frames"
  if scale.frames_per_second is not None:
    hours = frames / scale.frames_per_second / 3600
    text += f", about {hours:,.1f} hours, one run after the other"
  print(text)


def print_states(states: Mapping[str, str]):
  """Prints a table of what is done, and of what is not."""
  for name, state in states.items():
    if state != DONE:
      print(f"{state:10} {name}")
  counts = collections.Counter(states.values())
  print(", ".join(f"{counts[s]} {s}" for s in (DONE, LEFT, FAILED, ELSEWHERE)))


def main() -> int:
  """Reads the flags, and prints or runs.

  Returns:
    0 where all is done, 128 plus a signal's number where it was stopped, else
    1.
  """
  with cli.user_input():
    study, scale, folder = study_flags.read()
    runs = study_lib.plan(study, scale)
  if _DRY_RUN.value:
    print_plan(runs, folder, scale)
    return 0
  with signals.StopRequest() as stop:
    states = execute(runs, folder, stop)
  print_states(states)
  if stop:
    return stop.exit_code
  return 0 if set(states.values()) == {DONE} else 1


if __name__ == "__main__":
  cli.run(main)
