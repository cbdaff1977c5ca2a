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
Flax, Optax, Chex, absl-py, OpenCV, and three wheels that may lie in a folder:

  pip install --no-index --no-deps --find-links=FOLDER ale-py dm-env zstandard

This checkout needs not be installed.
"""

import contextlib
import functools
import importlib.util
import os
import pathlib
import sys
from collections.abc import Callable, Iterator

from absl import flags

_ROOT = pathlib.Path(__file__).resolve().parents[1]
if importlib.util.find_spec("behavior_transfer") is None:
  # The link is that of `make types`; workers are told of it, too.
  _LINK = _ROOT / "build" / "types" / "behavior_transfer"
  _LINK.parent.mkdir(parents=True, exist_ok=True)
  with contextlib.suppress(FileExistsError):
    _LINK.symlink_to(pathlib.Path("..", ".."))
  sys.path.append(str(_LINK.parent))

from behavior_transfer.benchmarks import (  # noqa: E402
  boxes,
  comparisons,
  crowd,
  meter,
  timing,
)
from behavior_transfer.experiments import cli, tasks  # noqa: E402

_GAME = flags.DEFINE_string(
  "game", "hero_hard", "What is played.", module_name="program"
)
_AGENT = flags.DEFINE_enum(
  "agent", "bt", ["r2d2", "ngu", "bt"], "Who plays.", module_name="program"
)
_PRETRAINED = flags.DEFINE_string(
  "pretrained",
  None,
  "By default the game's bundled one.",
  module_name="program",
)
_SHAPE = flags.DEFINE_string(
  "shape", "64x40x80", "Batch, burn-in and trace.", module_name="program"
)
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


def _others(task: tasks.Task) -> dict[str, crowd.Make]:
  """The same without our engine, on one core; the limit first."""
  network = comparisons.NETWORK.value
  makes: dict[str, crowd.Make] = {
    "bare": functools.partial(crowd.at_random, task)
  }
  if importlib.util.find_spec("acme") is not None:
    from behavior_transfer.benchmarks import acme_r2d2, runs

    makes["acme"] = functools.partial(acme_r2d2.actor, task, network)
    makes["reverb"] = functools.partial(
      runs.actor, _AGENT.value, network, task, _SIZE_ON_REVERB
    )
  chosen = ("bare", *_SIDES.value)
  return {name: make for name, make in makes.items() if name in chosen}


def _wanted() -> dict[str, meter.Measurement]:
  """Of our engine."""
  seconds = comparisons.SECONDS.value
  wanted = {
    "random": meter.Measurement(seconds, at_random=True),
    "acting": meter.Measurement(seconds),
    **{
      f"learning at {ratio}": meter.Measurement(seconds, float(ratio))
      for ratio in _REPLAY_RATIOS.value
    },
  }
  return {k: v for k, v in wanted.items() if k.split()[0] in _SIDES.value}


def _box(task: tasks.Task, num_workers: int) -> boxes.Box:
  batch_size, burn_in, trace_length = comparisons.shape(
    _SHAPE.value, f"--shape is {_SHAPE.value!r}; it is like 64x40x80"
  )
  return boxes.Box(
    *(_AGENT.value, comparisons.NETWORK.value, task),
    *(_ENVIRONMENTS.value, num_workers),
    pretrained=_PRETRAINED.value,
    batch_size=batch_size,
    burn_in=burn_in,
    trace_length=trace_length,
    sequence_period=max(trace_length // 2, 1),
  )


def measure() -> Iterator[comparisons.Comparison]:
  """Everything of ours over bare emulators, and acting over other actors."""
  cores = len(os.sched_getaffinity(0))
  workers = cores - 1 if _WORKERS.value is None else _WORKERS.value
  with contextlib.ExitStack() as stack:
    with cli.user_input():
      task = tasks.Task(_GAME.value, tasks.EnvironmentOptions())
      wanted, box = _wanted(), _box(task, workers)
    sides: dict[str, Callable[[], timing.Figures]] = {}
    for name, make in _others(task).items():
      sides[name] = functools.partial(
        crowd.Crowd(make, cores, stack).measure, comparisons.SECONDS.value
      )
    others = list(sides)
    for name, each in wanted.items():
      sides[name] = functools.partial(box.measure, each)
    found = timing.alternate(sides, comparisons.TURNS.value)
  frames = {
    name: task.options.action_repeat * figures.steps_per_second
    for name, figures in found.items()
  }
  pairs = [(name, "bare") for name in wanted]
  pairs += [("acting", other) for other in others[1:] if "acting" in wanted]
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
  for name in wanted:
    if _BAR.value is not None and name.startswith("learning"):
      yield comparisons.Comparison(
        f"{name} / the bar", "frames/s", frames[name], _BAR.value, at_least=1
      )


if __name__ == "__main__":
  comparisons.run(measure)
