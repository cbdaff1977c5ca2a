"""Agent steps per second of one core: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/acting.py

Both play the same game on the same environment, with networks of the same
sizes, and write to a Reverb server of their own in this process, which keeps to
one core. They take turns. Acme's actor steps one environment; ours one, and
several in lock-step.
"""

import contextlib
import os
import pathlib

import numpy as np
from absl import flags

from behavior_transfer.benchmarks import acme_r2d2, runs, timing
from behavior_transfer.experiments import cli, tasks, workdirs

_NETWORK = flags.DEFINE_enum(
  "network", "paper", ["paper", "small"], "Its size.", module_name="program"
)
_GAME = flags.DEFINE_string(
  "game", "ms_pacman_hard", "What is played.", module_name="program"
)
_SECONDS = flags.DEFINE_float(
  "seconds", 5.0, "Of each turn.", lower_bound=0.1, module_name="program"
)
_TURNS = flags.DEFINE_integer(
  "turns", 5, "Of each side.", lower_bound=1, module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "JSON file for the figures.", module_name="program"
)
_ACME, _EMULATOR = "dm-acme", "emulator"
_BARS = {"ours, 1": 1.5, "ours, 16": 4.0}  # times Acme's rate


def _emulator_alone(task: tasks.Task, stack: contextlib.ExitStack):
  """Steps of the environment with random actions."""
  environment = stack.enter_context(task.make(0))
  num_actions = environment.action_spec().num_values
  rng = np.random.default_rng(0)
  environment.reset()
  return lambda: environment.step(rng.integers(num_actions))


def measure(task: tasks.Task) -> dict[str, dict[str, float]]:
  """Median rates, and where the time of our loops goes."""
  with contextlib.ExitStack() as stack:
    loops = {
      f"ours, {size}": runs.make_loop("r2d2", _NETWORK.value, task, size, stack)
      for size in (1, 16)
    }
    sides = {
      name: (loop.step, int(name.split()[1])) for name, loop in loops.items()
    }
    acme_agent = acme_r2d2.Agent(task, _NETWORK.value, stack)
    sides[_ACME] = (acme_agent.act, 1)
    sides[_EMULATOR] = (_emulator_alone(task, stack), 1)
    for step, _ in sides.values():  # compiles
      for _ in range(150):
        step()
    before = {name: dict(loop.seconds) for name, loop in loops.items()}
    rates = timing.rates(sides, _TURNS.value, _SECONDS.value)
    rows = {name: {"steps_per_second": rate} for name, rate in rates.items()}
    for name, loop in loops.items():
      spent = {k: v - before[name][k] for k, v in loop.seconds.items()}
      total = _SECONDS.value * _TURNS.value
      rows[name].update({f"{k}_share": v / total for k, v in spent.items()})
  return rows


def main():
  """Measures, and prints a table with the bars."""
  with cli.user_input():
    output = _OUTPUT.value and workdirs.writable(pathlib.Path(_OUTPUT.value))
    task = tasks.Task(_GAME.value, tasks.EnvironmentOptions())
    task.describe()
  os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  rows = measure(task)
  theirs = rows[_ACME]["steps_per_second"]
  print(f"{_GAME.value}, network {_NETWORK.value}, one core")
  print(f"{'':10} {'steps/s':>8} {'x dm-acme':>10} {'bar':>5}")
  for name, row in rows.items():
    row["ratio"] = row["steps_per_second"] / theirs
    text = f"{name:10} {row['steps_per_second']:8,.0f} {row['ratio']:10.2f}"
    if name in _BARS:
      met = "met" if row["ratio"] >= _BARS[name] else "not met"
      shares = ", ".join(
        f"{key.removesuffix('_share')} {share:.0%}"
        for key, share in row.items()
        if key.endswith("_share")
      )
      text += f" {_BARS[name]:5} {met}; {shares}"
    print(text)
  if output:
    workdirs.write_json(output, {"machine": timing.machine(), "rows": rows})


if __name__ == "__main__":
  cli.run(main)
