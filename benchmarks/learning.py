"""Frames per second of a learner step: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/learning.py
  python benchmarks/learning.py --shapes=16x20x40

A shape is batch x burn-in x trace. Each side learns, over and over, from a
batch of what its own actor wrote, with networks of the same sizes; no
priorities are written back. Frames of the burn-in count.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags

from behavior_transfer.benchmarks import comparisons, timing
from behavior_transfer.experiments import cli, tasks

_SHAPES = flags.DEFINE_list(
  "shapes",
  ["16x20x40", "64x40x80"],
  "Batch, burn-in and trace of each measurement.",
  module_name="program",
)
_BAR = 2.0  # times Acme's rate


def _their_step(
  task: tasks.Task, shape: tuple[int, int, int], stack: contextlib.ExitStack
) -> Callable[[], Any]:
  """Returns what must be waited for; a step of ours waits by itself."""
  from behavior_transfer.benchmarks import acme_r2d2

  batch_size, burn_in, trace_length = shape
  agent = acme_r2d2.Agent(
    task,
    comparisons.NETWORK.value,
    stack,
    batch_size=batch_size,
    burn_in_length=burn_in,
    trace_length=trace_length,
    sequence_period=trace_length,
  )
  for _ in range(4 * (burn_in + trace_length)):
    agent.act()
  learner = agent.make_learner(itertools.repeat(agent.sample()))

  def step():
    learner.step()
    return learner.save()

  return step


def measure() -> Iterator[comparisons.Comparison]:
  """One comparison for each shape."""
  with cli.user_input():
    shapes = {
      text: comparisons.shape(
        text, f"--shapes has {text!r}; each is like 16x20x40"
      )
      for text in _SHAPES.value
    }
  from behavior_transfer.benchmarks import runs

  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  network = comparisons.NETWORK.value
  for text, shape in shapes.items():
    frames = shape[0] * (shape[1] + shape[2])
    with contextlib.ExitStack() as stack:
      ours = runs.make_learner("r2d2", network, task, shape, stack)
      rates = timing.rates(
        {
          "ours": (ours.step, frames),
          "theirs": (_their_step(task, shape, stack), frames),
        },
        comparisons.TURNS.value,
        comparisons.SECONDS.value,
      )
    yield comparisons.Comparison(
      f"learning, {text}, / dm-acme's R2D2",
      "frames/s",
      rates["ours"],
      rates["theirs"],
      at_least=_BAR,
    )


if __name__ == "__main__":
  comparisons.run(measure)
