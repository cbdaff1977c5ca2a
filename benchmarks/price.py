"""What Behavior Transfer costs beside R2D2.

  python benchmarks/price.py

Agent steps of the embedded engine in 16 environments, without a worker, and
learner steps, on one core. The policy that BT calls is the bundled one, whose
network is small.
"""

import functools
from collections.abc import Iterator

from behavior_transfer.benchmarks import (
  boxes,
  comparisons,
  core,
  meter,
  timing,
)
from behavior_transfer.experiments import tasks

_SIZE = 16  # environments
_SHAPE = comparisons.Shape(16, 20, 40)


def measure() -> Iterator[comparisons.Comparison]:
  """An agent step, and a learner step."""
  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  network = comparisons.NETWORK.value
  wanted = meter.Measurement(comparisons.SECONDS.value)
  found = timing.alternate(
    {
      agent: functools.partial(
        boxes.Box(agent, network, task, _SIZE, 0).measure, wanted
      )
      for agent in ("bt", "r2d2")
    },
    comparisons.TURNS.value,
  )
  acting = {agent: x.steps_per_second for agent, x in found.items()}
  learning = comparisons.rates(
    {
      agent: (core.Update(design.describe(task)), 1)
      for agent in ("bt", "r2d2")
      for design in [boxes.design(agent, network, task, **_SHAPE.config)]
    }
  )
  for name, rates, bar in (
    (f"BT's agent step, {_SIZE} environments, / R2D2's", acting, 1.5),
    (f"BT's learner step, {_SHAPE}, / R2D2's", learning, 1.1),
  ):
    yield comparisons.Comparison(
      name, "ms", 1e3 / rates["bt"], 1e3 / rates["r2d2"], at_most=bar
    )


if __name__ == "__main__":
  comparisons.run(measure, cores=1)
