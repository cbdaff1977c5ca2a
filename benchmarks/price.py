"""What Behavior Transfer costs beside R2D2.

  python benchmarks/price.py

Agent steps at 16 environments in a process, and learner steps, on one core. The
policy that BT calls is the bundled one, whose network is small.
"""

import contextlib
from collections.abc import Iterator

from behavior_transfer.benchmarks import comparisons, timing
from behavior_transfer.experiments import tasks

_SIZE = 16  # environments
_SHAPE = (16, 20, 40)  # batch, burn-in and trace


def measure() -> Iterator[comparisons.Comparison]:
  """An agent step, and a learner step."""
  from behavior_transfer.benchmarks import runs

  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  network = comparisons.NETWORK.value
  turns, seconds = comparisons.TURNS.value, comparisons.SECONDS.value
  with contextlib.ExitStack() as stack:
    rates = timing.rates(
      {
        agent: (
          runs.make_loop(agent, network, task, _SIZE, stack).step,
          _SIZE,
        )
        for agent in ("bt", "r2d2")
      },
      turns,
      seconds,
      timing.WARM_UP,
    )
  yield _comparison("BT's agent step, 16 environments, / R2D2's", rates, 1.5)
  with contextlib.ExitStack() as stack:
    rates = timing.rates(
      {
        agent: (
          runs.make_learner(agent, network, task, _SHAPE, stack).step,
          1,
        )
        for agent in ("bt", "r2d2")
      },
      turns,
      seconds,
    )
  yield _comparison("BT's learner step, 16x20x40, / R2D2's", rates, 1.1)


def _comparison(
  name: str, rates: dict[str, float], bar: float
) -> comparisons.Comparison:
  return comparisons.Comparison(
    name,
    "ms",
    1_000 / rates["bt"],
    1_000 / rates["r2d2"],
    at_most=bar,
  )


if __name__ == "__main__":
  comparisons.run(measure, cores=1)
