"""Agent steps per second of two cores: ours against dm-acme 0.4.0's R2D2.

  python benchmarks/acting.py

All play Ms. Pac-Man on the same environment, with networks of the same sizes,
and write to a replay. Acme's actor steps one environment, and there is one on
each core, with a Reverb server of its own; ours on Reverb the same, with one
environment or several in lock-step. The embedded engine has one worker, and
decides beside it. The emulator alone, stepped at random, is what could be had
at most.
"""

from collections.abc import Iterator

from behavior_transfer.benchmarks import boxes, comparisons, crowd, meter
from behavior_transfer.experiments import tasks

_CORES = 2
_BARS = {16: 2.4, 32: 3.2}  # times Acme's rate, by environments
_ON_REVERB = (1, 16)  # environments


def measure() -> Iterator[comparisons.Comparison]:
  """Ours with each number of environments, and the emulator alone."""
  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  who = "r2d2", comparisons.NETWORK.value, task
  wanted = meter.Measurement(comparisons.SECONDS.value)
  found = crowd.alternate(
    crowd.makes(*who, _ON_REVERB),
    {str(n): (boxes.Box(*who, n, 1), wanted) for n in _BARS},
    _CORES,
  )
  for side, name, bar in (
    ("bare", "two emulators alone", None),
    *(
      (f"reverb {n}", f"acting on Reverb, 2 x {n} environments", None)
      for n in _ON_REVERB
    ),
    *(
      (str(n), f"acting, 2 x {n // 2} environments", bar)
      for n, bar in _BARS.items()
    ),
  ):
    yield comparisons.Comparison(
      f"{name} / two of dm-acme's R2D2",
      "steps/s",
      found[side].steps_per_second,
      found["acme"].steps_per_second,
      at_least=bar,
      note=found[side].note(),
    )


if __name__ == "__main__":
  comparisons.run(measure, cores=_CORES)
