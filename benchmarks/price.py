"""What Behavior Transfer costs beside R2D2, and a variant beside its game.

  python benchmarks/price.py

Time of an agent step at 16 environments in a process, of a learner step, and of
a step of the environment alone, on one core; the sides take turns.
"""

import contextlib
import os
import pathlib
from typing import Any

import jax
import numpy as np
from absl import flags

from behavior_transfer.benchmarks import runs, timing
from behavior_transfer.experiments import cli, tasks, workdirs

_NETWORK = flags.DEFINE_enum(
  "network", "paper", ["paper", "small"], "Its size.", module_name="program"
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
_SIZE = 16  # environments
_SHAPE = (16, 20, 40)  # batch, burn-in and trace


def _task(game: str) -> tasks.Task:
  return tasks.Task(game, tasks.EnvironmentOptions())


def _ratio(sides: dict[str, Any]) -> float:
  """Time per step of the first side over that of the second."""
  for step, _ in sides.values():
    for _ in range(150):  # compiles, and begins the episodes
      step()
  first, second = timing.rates(sides, _TURNS.value, _SECONDS.value).values()
  return second / first


def acting() -> float:
  """BT's agent step over R2D2's."""
  with contextlib.ExitStack() as stack:
    return _ratio(
      {
        agent: (
          runs.make_loop(
            agent, _NETWORK.value, _task("ms_pacman_hard"), _SIZE, stack
          ).step,
          _SIZE,
        )
        for agent in ("bt", "r2d2")
      }
    )


def learning() -> float:
  """BT's learner step over R2D2's."""

  def waited_for(learner):
    def step():
      learner.step()
      return learner.save()

    return step

  with contextlib.ExitStack() as stack:
    seconds = timing.alternate(
      {
        agent: waited_for(
          runs.make_learner(
            agent, _NETWORK.value, _task("ms_pacman_hard"), _SHAPE, stack
          )
        )
        for agent in ("bt", "r2d2")
      },
      rounds=_TURNS.value,
    )
  return seconds["bt"] / seconds["r2d2"]


def variant() -> float:
  """A step of hero_hard over one of Hero with its own reward, at random."""

  def stepper(game: str, stack: contextlib.ExitStack):
    environment = stack.enter_context(_task(game).make(0))
    rng = np.random.default_rng(0)
    environment.reset()
    return lambda: environment.step(rng.integers(18))

  with contextlib.ExitStack() as stack:
    return _ratio(
      {game: (stepper(game, stack), 1) for game in ("hero_hard", "hero")}
    )


_COMPARISONS = {
  f"BT's agent step / R2D2's, {_SIZE} environments": (acting, 1.5),
  "BT's learner step / R2D2's": (learning, 1.1),
  "a step of hero_hard / of hero": (variant, 1.05),
}


def main():
  """Measures, and prints a table with the bars."""
  with cli.user_input():
    output = _OUTPUT.value and workdirs.writable(pathlib.Path(_OUTPUT.value))
  os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  print(f"network {_NETWORK.value}, {jax.devices()[0].device_kind}, one core")
  print(f"{'time':44} {'ratio':>6} {'bar':>5}")
  rows = {}
  for name, (measure, bar) in _COMPARISONS.items():
    rows[name] = ratio = measure()
    met = "met" if ratio <= bar else "not met"
    print(f"{name:44} {ratio:6.2f} {bar:5} {met}", flush=True)
  if output:
    workdirs.write_json(output, {"machine": timing.machine(), "ratios": rows})


if __name__ == "__main__":
  cli.run(main)
