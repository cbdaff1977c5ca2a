"""Frames per second of a learner step: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/learning.py
  python benchmarks/learning.py --shapes=16x20x40

A shape is batch x burn-in x trace. Each side learns, over and over, from a
batch of what its own actor wrote, with networks of the same sizes; no
priorities are written back. They take turns.
"""

import contextlib
import itertools
import os
import pathlib
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
from absl import flags

from behavior_transfer.benchmarks import acme_r2d2, runs, timing
from behavior_transfer.experiments import cli, tasks, workdirs

_NETWORK = flags.DEFINE_enum(
  "network", "paper", ["paper", "small"], "Its size.", module_name="program"
)
_SHAPES = flags.DEFINE_list(
  "shapes",
  ["16x20x40", "64x40x80"],
  "Batch, burn-in and trace of each measurement.",
  module_name="program",
)
_STEPS = flags.DEFINE_integer(
  "steps",
  1,
  "Learner steps of each turn.",
  lower_bound=1,
  module_name="program",
)
_TURNS = flags.DEFINE_integer(
  "turns", 5, "Of each side.", lower_bound=1, module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "JSON file for the figures.", module_name="program"
)
_BAR = 2.0  # times Acme's rate


def _shape(text: str) -> tuple[int, int, int]:
  if not re.fullmatch(r"[1-9]\d*x\d+x[1-9]\d*", text):
    raise ValueError(f"--shapes has {text!r}; each is like 16x20x40")
  batch_size, burn_in, trace_length = map(int, text.split("x"))
  return batch_size, burn_in, trace_length


def _their_learner(
  task: tasks.Task, shape: tuple[int, int, int], stack: contextlib.ExitStack
) -> Any:
  """Acme's, in the same way."""
  batch_size, burn_in, trace_length = shape
  agent = acme_r2d2.Agent(
    task,
    _NETWORK.value,
    stack,
    batch_size=batch_size,
    burn_in_length=burn_in,
    trace_length=trace_length,
    sequence_period=trace_length,
  )
  for _ in range(4 * (burn_in + trace_length)):
    agent.act()
  return agent.make_learner(itertools.repeat(agent.sample()))


def _timed(learner: Any) -> Callable[[int], float]:
  """Maps a number of steps to the seconds that they take."""

  def run(steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
      learner.step()
    jax.block_until_ready(learner.save())
    return time.perf_counter() - start

  return run


def measure(task: tasks.Task, shape: tuple[int, int, int]) -> dict[str, Any]:
  """Median frames per second of each side, burn-in included."""
  batch_size, burn_in, trace_length = shape
  with contextlib.ExitStack() as stack:
    sides = {
      "ours": _timed(
        runs.make_learner("r2d2", _NETWORK.value, task, shape, stack)
      ),
      "theirs": _timed(_their_learner(task, shape, stack)),
    }
    for run in sides.values():
      run(2)  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(_TURNS.value):
      for name, run in sides.items():
        seconds[name].append(run(_STEPS.value) / _STEPS.value)
  frames = batch_size * (burn_in + trace_length)
  rates = {k: frames / statistics.median(v) for k, v in seconds.items()}
  return {**rates, "ratio": rates["ours"] / rates["theirs"]}


def main():
  """Measures, and prints a table with the bar."""
  with cli.user_input():
    output = _OUTPUT.value and workdirs.writable(pathlib.Path(_OUTPUT.value))
    shapes = {text: _shape(text) for text in _SHAPES.value}
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  print(f"network {_NETWORK.value}; frames per second, burn-in included")
  print(f"{'shape':>10} {'ours':>8} {'dm-acme':>8} {'x':>6} {'bar':>5}")
  rows = {}
  for text, shape in shapes.items():
    row = rows[text] = measure(task, shape)
    met = "met" if row["ratio"] >= _BAR else "not met"
    print(
      f"{text:>10} {row['ours']:8,.0f} {row['theirs']:8,.0f}"
      f" {row['ratio']:6.2f} {_BAR:5} {met}",
      flush=True,
    )
  if output:
    workdirs.write_json(output, {"machine": timing.machine(), "rows": rows})


if __name__ == "__main__":
  cli.run(main)
