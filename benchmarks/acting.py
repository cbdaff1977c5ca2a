"""Agent steps per second of two cores: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/acting.py

All play Ms. Pac-Man on the same environment, with networks of the same sizes,
and write to a replay. Acme's actor steps one environment, and there is one on
each core, with a Reverb server of its own; ours on Reverb the same, with one
environment or several in lock-step. The embedded engine has one worker, and
decides beside it. The emulator alone, stepped at random, is what could be had
at most.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator

from behavior_transfer.benchmarks import (
  boxes,
  comparisons,
  crowd,
  meter,
  timing,
)
from behavior_transfer.experiments import tasks

_CORES = 2
_BARS = {16: 2.4, 32: 3.2}  # times Acme's rate, by environments
_ON_REVERB = (1, 16)  # environments
_THEIRS = "two of dm-acme's R2D2"


def measure() -> Iterator[comparisons.Comparison]:
  """Ours with each number of environments, and the emulator alone."""
  from behavior_transfer.benchmarks import acme_r2d2, runs

  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  network, seconds = comparisons.NETWORK.value, comparisons.SECONDS.value
  makes: dict[str, crowd.Make] = {
    _THEIRS: functools.partial(acme_r2d2.actor, task, network),
    "two emulators alone": functools.partial(crowd.at_random, task),
    **{
      f"acting on Reverb, 2 x {size} environments": functools.partial(
        runs.actor, "r2d2", network, task, size
      )
      for size in _ON_REVERB
    },
  }
  boxed = {
    f"acting, 2 x {size // 2} environments": boxes.Box(
      "r2d2", network, task, size, 1
    )
    for size in _BARS
  }
  with contextlib.ExitStack() as stack:
    sides: dict[str, Callable[[], timing.Figures]] = {
      name: functools.partial(crowd.Crowd(make, _CORES, stack).measure, seconds)
      for name, make in makes.items()
    }
    for name, box in boxed.items():
      sides[name] = functools.partial(box.measure, meter.Measurement(seconds))
    found = timing.alternate(sides, comparisons.TURNS.value)
  theirs = found.pop(_THEIRS)
  bars = dict(zip(boxed, _BARS.values(), strict=True))
  for name, figures in found.items():
    yield comparisons.Comparison(
      f"{name} / {_THEIRS}",
      "steps/s",
      figures.steps_per_second,
      theirs.steps_per_second,
      at_least=bars.get(name),
      note=figures.note(),
    )


if __name__ == "__main__":
  comparisons.run(measure, cores=_CORES)
