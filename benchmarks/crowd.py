"""Processes that do the same thing at the same time, a core for each."""

import contextlib
import functools
import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection
from typing import Any

import numpy as np

from behavior_transfer import envs
from behavior_transfer.benchmarks import boxes, comparisons, meter, timing
from behavior_transfer.experiments import tasks
from behavior_transfer.launch.embedded import worker

# A step, and the units that each call of it does; the stack ends all else.
Make = Callable[[contextlib.ExitStack], tuple[Callable[[], Any], int]]


def at_random(
  environment: envs.GameEnvironment, stack: contextlib.ExitStack
) -> tuple[Callable[[], Any], int]:
  """A step of an environment, with actions drawn uniformly."""
  stack.enter_context(environment)
  num_actions = environment.action_spec().num_values
  rng = np.random.default_rng(0)
  environment.reset()

  def step():
    environment.step(rng.integers(num_actions))

  return step, 1


def _bare(task: tasks.Task, stack: contextlib.ExitStack):
  return at_random(task.make(0), stack)


def makes(
  agent: str, network: str, task: tasks.Task, sizes: Sequence[int]
) -> dict[str, Make]:
  """What acts on one core, but for our engine.

  "bare" is an environment at random, "acme" dm-acme's R2D2, and "reverb 16" the
  agent on Reverb in 16 environments, for each of the sizes. The latter are left
  out where Acme is not installed.
  """
  found: dict[str, Make] = {"bare": functools.partial(_bare, task)}
  if importlib.util.find_spec("acme") is not None:
    from behavior_transfer.benchmarks import acme_r2d2, runs

    found["acme"] = functools.partial(acme_r2d2.actor, task, network)
    for size in sizes:
      found[f"reverb {size}"] = functools.partial(
        runs.actor, agent, network, task, size
      )
  return found


class Crowd:
  """Processes that wait in between."""

  def __init__(self, make: Make, num: int, stack: contextlib.ExitStack):
    """Starts them and warms them up.

    Args:
      make: Called in each; must pickle.
      num: Of them.
      stack: Ends them.
    """
    context = multiprocessing.get_context("spawn")
    self._pipes: list[connection.Connection] = []
    with worker.spawning(with_main=False):
      for number in range(num):
        ours, theirs = context.Pipe()
        process = context.Process(
          target=_serve, args=(make, number, theirs), daemon=True
        )
        process.start()
        stack.callback(process.kill)
        theirs.close()
        self._pipes.append(ours)
    self._gather()

  def measure(self, seconds: float) -> timing.Figures:
    """The speed of all of them, in units."""
    for pipe in self._pipes:
      pipe.send(seconds)
    return timing.Figures(self._gather())

  def _gather(self) -> float:
    return sum(pipe.recv() for pipe in self._pipes)


def alternate(
  makes: Mapping[str, Make],
  boxed: Mapping[str, tuple[boxes.Box, meter.Measurement]],
  cores: int,
) -> dict[str, timing.Figures]:
  """The figures of each, a crowd on all cores or a box; see `timing`."""
  sides: dict[str, Callable[[], timing.Figures]] = {}
  with contextlib.ExitStack() as stack:
    for name, make in makes.items():
      crowd, seconds = Crowd(make, cores, stack), comparisons.SECONDS.value
      sides[name] = functools.partial(crowd.measure, seconds)
    for name, (box, wanted) in boxed.items():
      sides[name] = functools.partial(box.measure, wanted)
    return timing.alternate(sides, comparisons.TURNS.value)


def _serve(make: Make, number: int, pipe: connection.Connection):
  cores = sorted(os.sched_getaffinity(0))
  os.sched_setaffinity(0, {cores[number % len(cores)]})
  with contextlib.ExitStack() as stack, contextlib.suppress(EOFError):
    step, units = make(stack)
    for _ in range(timing.WARM_UP):
      step()
    pipe.send(0.0)
    while True:
      pipe.send(timing.rate(step, units, pipe.recv()))
