"""Processes that do the same thing at the same time, a core for each."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

import numpy as np

from behavior_transfer.benchmarks import timing
from behavior_transfer.experiments import tasks
from behavior_transfer.launch.embedded import worker

# A step, and the units that each call of it does; the stack ends all else.
Make = Callable[[contextlib.ExitStack], tuple[Callable[[], Any], int]]


def at_random(
  task: tasks.Task, stack: contextlib.ExitStack
) -> tuple[Callable[[], Any], int]:
  """A step of a bare environment, with actions drawn uniformly."""
  environment = stack.enter_context(task.make(0))
  num_actions = environment.action_spec().num_values
  rng = np.random.default_rng(0)
  environment.reset()
  return lambda: environment.step(rng.integers(num_actions)), 1


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


def _serve(make: Make, number: int, pipe: connection.Connection):
  cores = sorted(os.sched_getaffinity(0))
  os.sched_setaffinity(0, {cores[number % len(cores)]})
  with contextlib.ExitStack() as stack, contextlib.suppress(EOFError):
    step, units = make(stack)
    for _ in range(timing.WARM_UP):
      step()
    pipe.send(0.0)
    while True:
      seconds = pipe.recv()
      start, done = time.perf_counter(), 0
      while time.perf_counter() - start < seconds:
        step()
        done += units
      pipe.send(done / (time.perf_counter() - start))
