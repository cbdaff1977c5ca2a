"""Timing two or more things fairly."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax


def alternate(
  functions: Mapping[str, Callable[[], Any]],
  rounds: int = 7,
  seconds: float = 0.1,
) -> dict[str, float]:
  """Median seconds per call of each function.

  The functions take turns, so that what else the machine does meets all of
  them; each turn lasts long enough for the clock.

  Args:
    functions: by name; each returns arrays, which are waited for.
    rounds: turns of each.
    seconds: of a turn, about.
  """
  calls = {}
  for name, function in functions.items():
    jax.block_until_ready(function())  # compiles
    start = time.perf_counter()
    jax.block_until_ready(function())
    elapsed = time.perf_counter() - start
    calls[name] = max(1, min(1000, round(seconds / elapsed)))
  times: dict[str, list[float]] = {name: [] for name in functions}
  for _ in range(rounds):
    for name, function in functions.items():
      start = time.perf_counter()
      for _ in range(calls[name]):
        jax.block_until_ready(function())
      times[name].append((time.perf_counter() - start) / calls[name])
  return {name: statistics.median(values) for name, values in times.items()}


def rates(
  sides: Mapping[str, tuple[Callable[[], Any], int]],
  turns: int,
  seconds: float,
) -> dict[str, float]:
  """Median agent steps per second of what acts, which take turns.

  Args:
    sides: By name, a function and the agent steps that each call makes.
    turns: Of each.
    seconds: Of a turn.
  """
  values: dict[str, list[float]] = {name: [] for name in sides}
  for _ in range(turns):
    for name, (step, steps) in sides.items():
      start, done = time.perf_counter(), 0
      while time.perf_counter() - start < seconds:
        step()
        done += steps
      values[name].append(done / (time.perf_counter() - start))
  return {name: statistics.median(found) for name, found in values.items()}


def machine() -> dict[str, Any]:
  """What figures were measured on."""
  return {
    "processor": platform.processor() or platform.machine(),
    "cores": os.cpu_count(),
    "device": jax.devices()[0].device_kind,
    "jax": jax.__version__,
    "python": platform.python_version(),
  }
