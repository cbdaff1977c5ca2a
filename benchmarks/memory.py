"""Bytes that Reverb holds per agent step: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/memory.py

Each side plays Ms. Pac-Man in a process of its own, with its replay, and says
by how much the process has grown over the steps after the first thousands.
Nothing is overwritten meanwhile. Sequences are as in the paper: 40 + 80 steps,
one each 40.
"""

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator

from absl import flags

from behavior_transfer.benchmarks import comparisons
from behavior_transfer.experiments import cli, tasks

_SIDE = flags.DEFINE_enum(
  "side",
  None,
  ["ours", "theirs"],
  "Only this one, in this process; prints its bytes per step.",
  module_name="program",
)
_STEPS = flags.DEFINE_integer(
  "steps",
  20_000,
  "Agent steps of each side.",
  lower_bound=400,
  module_name="program",
)


def _ours(
  task: tasks.Task, stack: contextlib.ExitStack
) -> Callable[[], object]:
  from behavior_transfer.benchmarks import runs

  return runs.make_loop(
    "r2d2",
    comparisons.NETWORK.value,
    task,
    1,
    stack,
    max_replay_size=_STEPS.value,
  ).step


def _theirs(
  task: tasks.Task, stack: contextlib.ExitStack
) -> Callable[[], object]:
  from behavior_transfer.benchmarks import acme_r2d2

  return acme_r2d2.Agent(
    task,
    comparisons.NETWORK.value,
    stack,
    burn_in_length=40,
    trace_length=80,
    sequence_period=40,
    max_replay_size=_STEPS.value,
  ).act


def _resident_bytes() -> int:
  pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
  return pages * os.sysconf("SC_PAGE_SIZE")


def _bytes_per_step(side: str | None) -> float:
  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  with contextlib.ExitStack() as stack:
    step = (_ours if side == "ours" else _theirs)(task, stack)
    for _ in range(_STEPS.value // 10):
      step()
    before = _resident_bytes()
    for _ in range(_STEPS.value):
      step()
    return (_resident_bytes() - before) / _STEPS.value


def measure_side(side: str, steps: int) -> float:
  """Bytes per step, in a process that has done nothing else."""
  command = [
    *(sys.executable, __file__, f"--side={side}", f"--steps={steps}"),
    f"--network={comparisons.NETWORK.value}",
  ]
  return float(subprocess.check_output(command, text=True))


def measure() -> Iterator[comparisons.Comparison]:
  """Both sides, one after the other."""
  ours, theirs = (measure_side(x, _STEPS.value) for x in ("ours", "theirs"))
  yield comparisons.Comparison(
    "replay / dm-acme's R2D2", "B/step", ours, theirs, at_most=0.25
  )


def main():
  """The side that was named."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  print(_bytes_per_step(_SIDE.value))


if __name__ == "__main__":
  if any(argument.startswith("--side") for argument in sys.argv):
    cli.run(main)
  else:
    comparisons.run(measure)
