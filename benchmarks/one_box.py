"""Frames per second of one machine, against what its emulators allow.

  python benchmarks/one_box.py
  python benchmarks/one_box.py --workers=2 --sides=bare,random
  python benchmarks/one_box.py --environments=256 --replay_ratios=1,4 \\
    --bar=60000 --turns=1 --seconds=8 --output=one_box.json

The limit is a bare emulator for each core, stepped at random. Beside it are the
embedded engine's workers with random decisions, the engine acting, and acting
and learning at each replay ratio; where they are installed, dm-acme 0.4.0's
R2D2 acting, an environment on each core, and ours on Reverb, 16 of them on each
core. All take turns. The notes say where the time of the process that decides
and learns goes, what replay takes of each step, and the memory of that process
and of its workers.

The last command is for a GPU; some two minutes with 16 cores. It needs JAX,
Flax, Optax, Chex, absl-py, OpenCV, ale-py, dm-env and zstandard; `on_a_gpu.sh`
gives it where nothing is installed, this checkout neither.
"""

import os
from collections.abc import Iterator

from absl import flags

from behavior_transfer.benchmarks import boxes, comparisons, crowd, meter
from behavior_transfer.experiments import cli, tasks

_GAME = flags.DEFINE_string(
  "game", "hero_hard", "What is played.", module_name="program"
)
_AGENT = flags.DEFINE_enum(
  "agent", "bt", ["r2d2", "ngu", "bt"], "Who plays.", module_name="program"
)
_SHAPE = comparisons.define_shape()
_ENVIRONMENTS = flags.DEFINE_integer(
  "environments", 16, "Of the run.", lower_bound=1, module_name="program"
)
_WORKERS = flags.DEFINE_integer(
  "workers", None, "By default cores - 1.", 0, module_name="program"
)
_REPLAY_RATIOS = flags.DEFINE_list(
  "replay_ratios", ["0.8", "1", "4"], "Of learning.", module_name="program"
)
_BAR = flags.DEFINE_float(
  "bar", None, "Frames/s that learning is to allow.", module_name="program"
)
_SIDES = flags.DEFINE_list(
  "sides",
  ["bare", "acme", "reverb", "random", "acting", "learning"],
  "What is measured; bare emulators always are.",
  module_name="program",
)
_SIZE_ON_REVERB = 16  # environments on each core
_WORKERS_BAR = 0.9  # of bare emulators


def _boxed(
  task: tasks.Task, num_workers: int
) -> dict[str, tuple[boxes.Box, meter.Measurement]]:
  """Our engine, and what is measured of it."""
  seconds, shape = comparisons.SECONDS.value, _SHAPE.value
  box = boxes.Box(
    *(_AGENT.value, comparisons.NETWORK.value, task),
    *(_ENVIRONMENTS.value, num_workers),
    **{**shape.config, "sequence_period": max(shape.trace_length // 2, 1)},
  )
  num_actions = task.describe()[0].actions.num_values
  wanted = {
    "random": meter.Measurement(seconds, random_actions=num_actions),
    "acting": meter.Measurement(seconds),
    **{
      f"learning at {ratio}": meter.Measurement(seconds, float(ratio))
      for ratio in _REPLAY_RATIOS.value
    },
  }
  chosen = _SIDES.value
  return {
    n: (box, each) for n, each in wanted.items() if n.split()[0] in chosen
  }


def measure() -> Iterator[comparisons.Comparison]:
  """Everything of ours over bare emulators, and acting over other actors."""
  cores = len(os.sched_getaffinity(0))
  workers = cores - 1 if _WORKERS.value is None else _WORKERS.value
  with cli.user_input():
    task = tasks.Task(_GAME.value, tasks.EnvironmentOptions())
    boxed = _boxed(task, workers)
  makes = crowd.makes(
    _AGENT.value, comparisons.NETWORK.value, task, [_SIZE_ON_REVERB]
  )
  chosen = ("bare", *_SIDES.value)
  makes = {n: make for n, make in makes.items() if n.split()[0] in chosen}
  found = crowd.alternate(makes, boxed, cores)
  frames = {
    name: task.options.action_repeat * figures.steps_per_second
    for name, figures in found.items()
  }
  pairs = [(name, "bare") for name in boxed]
  pairs += [("acting", n) for n in makes if n != "bare" and "acting" in boxed]
  for name, other in pairs:
    crowded = name == "random" and workers >= cores
    yield comparisons.Comparison(
      f"{name} / {other} x {cores}",
      "frames/s",
      frames[name],
      frames[other],
      at_least=_WORKERS_BAR if crowded else None,
      note=found[name].note() if other == "bare" else "",
    )
  for name in boxed:
    if _BAR.value is not None and name.startswith("learning"):
      yield comparisons.Comparison(
        f"{name} / the bar", "frames/s", frames[name], _BAR.value, at_least=1
      )


if __name__ == "__main__":
  comparisons.run(measure)
