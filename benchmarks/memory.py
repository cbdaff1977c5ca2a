"""Bytes that replay takes of an agent step, and time that a batch takes.

  python benchmarks/memory.py

The embedded replay, beside that of dm-acme 0.4.0's R2D2 in Ms. Pac-Man, and on
what the bundled policies play in Hero and Ms. Pac-Man: BT, always in flight.
Each side has a process of its own, and says by how much that has grown over the
steps after the first thousands; nothing is overwritten meanwhile. Sequences are
as in the paper: 40 + 80 steps, one each 40, 64 of them in a batch.
"""

import contextlib
import multiprocessing
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent import futures

from absl import flags

from behavior_transfer.agents.replay import store
from behavior_transfer.benchmarks import boxes, comparisons, meter
from behavior_transfer.experiments import tasks
from behavior_transfer.launch import processes

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


def _acme(network: str, steps: int) -> dict[str, float]:
  from behavior_transfer.benchmarks import acme_r2d2

  with contextlib.ExitStack() as stack:
    step = acme_r2d2.Agent(
      tasks.Task("ms_pacman_hard", _OPTIONS),
      network,
      stack,
      burn_in_length=40,
      trace_length=80,
      sequence_period=40,
      max_replay_size=steps,
    ).act
    for _ in range(steps // 5):
      step()
    before = meter.resident()
    for _ in range(steps):
      step()
    return {"growth": (meter.resident() - before) / steps}


def _ours(
  network: str, steps: int, agent: str, game: str, **config: float
) -> dict[str, float]:
  task = tasks.Task(f"{game}_hard", _OPTIONS)
  box = boxes.Box(agent, network, task, _SIZE, 1, **config)
  figures = box.measure(meter.Measurement(0.0, steps=steps))
  return {
    "growth": figures.growth,
    "account": figures.bytes_per_step,
    "batch": statistics.median(_batches(box.last.replay)),
  }


def _batches(replay: store.Replay) -> Iterator[float]:
  """CPU milliseconds of a batch, drawn and decompressed."""
  for _ in range(50):
    start = time.process_time()
    replay.load(replay.sample(_BATCH_SIZE))
    yield 1e3 * (time.process_time() - start)


def _alone(
  side: Callable[..., dict[str, float]], steps: int, *arguments, **config
) -> dict[str, float]:
  """Its figures, from a process that does nothing else."""
  context, death = multiprocessing.get_context("spawn"), (signal.SIGKILL,)
  with futures.ProcessPoolExecutor(
    1, context, processes.signal_when_orphaned, death
  ) as pool:
    network = comparisons.NETWORK.value
    return pool.submit(side, network, steps, *arguments, **config).result()


def measure() -> Iterator[comparisons.Comparison]:
  """All sides, one after the other."""
  steps, bar = _STEPS.value, comparisons.NETWORK.value == "paper"
  # It plays at random, or nearly so, as who has not learned plays.
  ours = _alone(_ours, steps, "r2d2", "ms_pacman")
  # A tenth is enough of what takes so much.
  theirs = _alone(_acme, max(steps // 10, 400))
  yield comparisons.Comparison(
    "replay / dm-acme's R2D2",
    *("B/step", ours["growth"], theirs["growth"]),
    at_most=0.25,
  )
  for game in ("hero", "ms_pacman"):
    figures = _alone(_ours, steps, "bt", game, epsilon_levy=1.0)
    yield comparisons.Comparison(
      f"replay of {game}'s bundled policy / the bar",
      *("B/step", figures["growth"], _BAR),
      at_most=1.0 if bar else None,
      note=f"by its own account {figures['account']:.0f}",
    )
    yield comparisons.Comparison(
      f"a batch of {_BATCH_SIZE} x (40 + 80) of {game} / the bar",
      *("CPU ms", figures["batch"], _BATCH_BAR),
      at_most=1.0,
    )


if __name__ == "__main__":
  comparisons.run(measure)
