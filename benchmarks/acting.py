"""Agent steps per second of one core: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/acting.py

Both play Ms. Pac-Man on the same environment, with networks of the same sizes,
and write to a Reverb server of their own in this process, which keeps to one
core. Acme's actor steps one environment; ours one, and several in lock-step.
The emulator alone, stepped at random, is what could be had at most.
"""

import contextlib
from collections.abc import Iterator

from behavior_transfer.benchmarks import comparisons, environment, timing
from behavior_transfer.experiments import tasks

_BARS = {1: 1.5, 16: 4.0}  # times Acme's rate, by environments


def measure() -> Iterator[comparisons.Comparison]:
  """Ours with each number of environments, and the emulator alone."""
  from behavior_transfer.benchmarks import acme_r2d2, runs

  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  network = comparisons.NETWORK.value
  with contextlib.ExitStack() as stack:
    loops = {
      size: runs.make_loop("r2d2", network, task, size, stack) for size in _BARS
    }
    acme_agent = acme_r2d2.Agent(task, network, stack)
    sides = {
      "acme": (acme_agent.act, 1),
      "emulator": (environment.at_random(stack.enter_context(task.make(0))), 1),
      **{str(size): (loop.step, size) for size, loop in loops.items()},
    }
    rates = timing.rates(
      sides, comparisons.TURNS.value, comparisons.SECONDS.value, timing.WARM_UP
    )
    for size, bar in _BARS.items():
      seconds = loops[size].seconds
      yield comparisons.Comparison(
        f"acting, {size} environments, / dm-acme's R2D2",
        "steps/s",
        rates[str(size)],
        rates["acme"],
        at_least=bar,
        note=", ".join(
          f"{part} {spent / sum(seconds.values()):.0%}"
          for part, spent in seconds.items()
        ),
      )
    yield comparisons.Comparison(
      "the emulator alone / dm-acme's R2D2",
      "steps/s",
      rates["emulator"],
      rates["acme"],
    )


if __name__ == "__main__":
  comparisons.run(measure, cores=1)
