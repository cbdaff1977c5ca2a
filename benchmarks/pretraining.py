"""Pre-training with 16 environments in a process against one to an actor.

  python benchmarks/pretraining.py

One environment to an actor is how NGU's authors and its re-implementations act.
Both act as NGU does, reward and episodic memory included, on one core, and
write to a replay; nothing learns.
"""

import contextlib
from collections.abc import Iterator

from behavior_transfer.benchmarks import comparisons, timing
from behavior_transfer.experiments import tasks

_SIZE = 16  # environments


def measure() -> Iterator[comparisons.Comparison]:
  """Frames of the game per second; there is no bar."""
  from behavior_transfer.benchmarks import runs

  task = tasks.Task("hero", tasks.EnvironmentOptions())
  frames = task.options.action_repeat
  with contextlib.ExitStack() as stack:
    rates = timing.rates(
      {
        str(size): (
          runs.make_loop(
            "ngu", comparisons.NETWORK.value, task, size, stack
          ).step,
          size * frames,
        )
        for size in (_SIZE, 1)
      },
      comparisons.TURNS.value,
      comparisons.SECONDS.value,
      timing.WARM_UP,
    )
  yield comparisons.Comparison(
    f"NGU, {_SIZE} environments in a process, / one",
    "frames/s",
    rates[str(_SIZE)],
    rates["1"],
  )


if __name__ == "__main__":
  comparisons.run(measure, cores=1)
