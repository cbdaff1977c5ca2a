"""Frames per second of a learner step: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/learning.py
  python benchmarks/learning.py --shapes=16x20x40

A shape is batch x burn-in x trace. Each side learns, over and over, from one
batch, theirs from what its own actor wrote, with networks of the same sizes; no
priorities are written back. Frames of the burn-in count.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags

from behavior_transfer.benchmarks import boxes, comparisons, core
from behavior_transfer.experiments import tasks

_SHAPES = flags.DEFINE_multi(
  comparisons.ShapeParser(),
  flags.ArgumentSerializer(),
  "shapes",
  ["16x20x40", "64x40x80"],
  "Batch, burn-in and trace of a measurement.",
  module_name="program",
)
_BAR = 2.0  # times Acme's rate


def _their_step(
  task: tasks.Task, shape: comparisons.Shape, stack: contextlib.ExitStack
) -> Callable[[], Any]:
  """Returns what must be waited for."""
  from behavior_transfer.benchmarks import acme_r2d2

  config = shape.config
  config["burn_in_length"] = config.pop("burn_in")
  agent = acme_r2d2.Agent(task, comparisons.NETWORK.value, stack, **config)
  for _ in range(4 * (shape.burn_in + shape.trace_length)):
    agent.act()
  learner = agent.make_learner(itertools.repeat(agent.sample()))

  def step():
    learner.step()
    return learner.save()

  return step


def measure() -> Iterator[comparisons.Comparison]:
  """One comparison for each shape."""
  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  network = comparisons.NETWORK.value
  for shape in _SHAPES.value:
    frames = shape.batch_size * (shape.burn_in + shape.trace_length)
    design = boxes.design("r2d2", network, task, **shape.config)
    with contextlib.ExitStack() as stack:
      rates = comparisons.rates(
        {
          "ours": (core.Update(design.describe(task)), frames),
          "theirs": (_their_step(task, shape, stack), frames),
        }
      )
    yield comparisons.Comparison(
      f"learning, {shape}, / dm-acme's R2D2",
      *("frames/s", rates["ours"], rates["theirs"]),
      at_least=_BAR,
    )


if __name__ == "__main__":
  comparisons.run(measure)
