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


def machine() -> dict[str, Any]:
  """What figures were measured on."""
  return {
    "processor": platform.processor() or platform.machine(),
    "cores": os.cpu_count(),
    "device": jax.devices()[0].device_kind,
    "jax": jax.__version__,
    "python": platform.python_version(),
  }
