"""Timing two or more things fairly."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax

# Calls after which what acts is compiled and in the midst of its episodes.
WARM_UP = 150


def rates(
  sides: Mapping[str, tuple[Callable[[], object], int]],
  turns: int,
  seconds: float,
  warm_up: int = 2,
) -> dict[str, float]:
  """Median units per second of each side.

  The sides take turns, so that what else the machine does meets all of them.

  Args:
    sides: By name, a function, whose arrays are waited for, and the units that
      each call does.
    turns: Of each.
    seconds: Of a turn, at the least; there is one call at the least.
    warm_up: Calls of each, before: they compile, and begin episodes.
  """
  for function, _ in sides.values():
    for _ in range(warm_up):
      jax.block_until_ready(function())
  values: dict[str, list[float]] = {name: [] for name in sides}
  for _ in range(turns):
    for name, (function, units) in sides.items():
      start, done = time.perf_counter(), 0
      while not done or time.perf_counter() - start < seconds:
        jax.block_until_ready(function())
        done += units
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
