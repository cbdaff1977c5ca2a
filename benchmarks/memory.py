"""Bytes that replay takes of an agent step, and time that a batch takes.

  python benchmarks/memory.py

The embedded replay, beside that of dm-acme 0.4.0's R2D2 in Ms. Pac-Man, and on
what the bundled policies play in Hero and Ms. Pac-Man: BT, always in flight.
Each side has a process of its own, and says by how much that has grown over the
steps after the first thousands; nothing is overwritten meanwhile. Sequences are
as in the paper: 40 + 80 steps, one each 40, 64 of them in a batch.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from absl import flags

from behavior_transfer.agents.replay import store
from behavior_transfer.benchmarks import boxes, comparisons, meter
from behavior_transfer.experiments import cli, tasks

_SIDE = flags.DEFINE_enum(
  "side",
  None,
  ["acme", "random", "hero", "ms_pacman"],
  "Only this one, in this process; prints its figures.",
  module_name="program",
)
_STEPS = flags.DEFINE_integer(
  "steps",
  150_000,
  "Agent steps of each side, and a fifth of that before.",
  lower_bound=400,
  module_name="program",
)
_OPTIONS = tasks.EnvironmentOptions()
_SIZE = 32  # environments
_BAR = 300.0  # bytes
_BATCH_SIZE, _BATCH_BAR = 64, 20.0  # milliseconds


def _acme() -> float:
  from behavior_transfer.benchmarks import acme_r2d2

  with contextlib.ExitStack() as stack:
    step = acme_r2d2.Agent(
      tasks.Task("ms_pacman_hard", _OPTIONS),
      comparisons.NETWORK.value,
      stack,
      burn_in_length=40,
      trace_length=80,
      sequence_period=40,
      max_replay_size=_STEPS.value,
    ).act
    for _ in range(_STEPS.value // 5):
      step()
    before = meter.resident()
    for _ in range(_STEPS.value):
      step()
    return (meter.resident() - before) / _STEPS.value


def _embedded(side: str | None) -> dict[str, float]:
  task, network = tasks.Task(f"{side}_hard", _OPTIONS), comparisons.NETWORK
  if side == "random":  # or nearly so, as who has not learned plays
    task = tasks.Task("ms_pacman_hard", _OPTIONS)
    box = boxes.Box("r2d2", network.value, task, _SIZE, 1)
  else:
    box = boxes.Box("bt", network.value, task, _SIZE, 1, epsilon_levy=1.0)
  batches: list[float] = []
  steps = _STEPS.value
  figures = box.measure(
    meter.Measurement(0.0, steps=steps, warm_up_steps=steps // 5),
    lambda replay: batches.extend(_batches(replay)),
  )
  return {
    "growth": figures.growth,
    "account": figures.bytes_per_step,
    "batch": float(np.median(batches)),
  }


def _batches(replay: store.Replay) -> Iterator[float]:
  """CPU milliseconds of a batch, drawn and decompressed."""
  for _ in range(50):
    start = time.process_time()
    replay.load(replay.sample(_BATCH_SIZE))
    yield 1e3 * (time.process_time() - start)


def measure_side(side: str, steps: int) -> dict[str, float]:
  """Its figures, from a process that has done nothing else."""
  command = [
    *(sys.executable, __file__, f"--side={side}", f"--steps={steps}"),
    f"--network={comparisons.NETWORK.value}",
  ]
  return json.loads(subprocess.check_output(command, text=True))


def measure() -> Iterator[comparisons.Comparison]:
  """All sides, one after the other."""
  steps, bar = _STEPS.value, comparisons.NETWORK.value == "paper"
  ours = measure_side("random", steps)
  # A tenth is enough of what takes so much.
  theirs = measure_side("acme", max(steps // 10, 400))
  yield comparisons.Comparison(
    "replay / dm-acme's R2D2",
    "B/step",
    ours["growth"],
    theirs["growth"],
    at_most=0.25,
  )
  for game in ("hero", "ms_pacman"):
    figures = measure_side(game, steps)
    yield comparisons.Comparison(
      f"replay of {game}'s bundled policy / the bar",
      "B/step",
      figures["growth"],
      _BAR,
      at_most=1.0 if bar else None,
      note=f"by its own account {figures['account']:.0f}",
    )
    yield comparisons.Comparison(
      f"a batch of {_BATCH_SIZE} x (40 + 80) of {game} / the bar",
      "CPU ms",
      figures["batch"],
      _BATCH_BAR,
      at_most=1.0,
    )


def main():
  """The side that was named."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  side = _SIDE.value
  print(json.dumps({"growth": _acme()} if side == "acme" else _embedded(side)))


if __name__ == "__main__":
  if any(argument.startswith("--side") for argument in sys.argv):
    cli.run(main)
  else:
    comparisons.run(measure)
