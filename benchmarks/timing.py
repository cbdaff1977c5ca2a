"""Timing two or more things fairly."""

import functools
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

# Calls after which what acts is compiled and in the midst of its episodes.
WARM_UP = 150


class Figures(NamedTuple):
  """Of a measurement.

  Attributes:
    steps_per_second, updates_per_second: Agent and learner steps.
    shares: Of the time of the process that decides and learns.
    bytes_per_step: By which it grew in replay, by replay's own account.
    growth: Bytes a step by which that process grew.
    resident, workers: Bytes of it, and of all workers, at the end.
  """

  steps_per_second: float
  updates_per_second: float = 0.0
  shares: Mapping[str, float] = {}
  bytes_per_step: float = 0.0
  growth: float = 0.0
  resident: int = 0
  workers: int = 0

  def note(self) -> str:
    """All but the speed."""
    shares = [
      f"{name} {share:.0%}"
      for name, share in self.shares.items()
      if share >= 0.005
    ]
    if self.updates_per_second:
      shares.append(f"{self.updates_per_second:.3g} updates/s")
    if self.bytes_per_step:
      shares.append(f"{self.bytes_per_step:.0f} B/step")
    if self.resident:
      shares.append(
        f"RSS {self.resident / 1e9:.2f} + {self.workers / 1e9:.2f} GB"
      )
    return ", ".join(shares)


def rate(function: Callable[[], object], units: int, seconds: float) -> float:
  """Units per second of a function.

  Args:
    function: To call again and again; arrays that it returns are waited for.
    units: That each call does.
    seconds: At the least; there is one call at the least.
  """
  start, done = time.perf_counter(), 0
  while not done or time.perf_counter() - start < seconds:
    if (arrays := function()) is not None:
      jax.block_until_ready(arrays)
    done += units
  return done / (time.perf_counter() - start)


def rates(
  sides: Mapping[str, tuple[Callable[[], object], int]],
  turns: int,
  seconds: float,
  warm_up: int,
) -> dict[str, float]:
  """Median units per second of each side.

  Args:
    sides: By name, as for `rate`. They take turns, as for `alternate`.
    turns: Of each.
    seconds: Of a turn, at the least.
    warm_up: Calls of each, before: they compile, and begin episodes.
  """
  for function, _ in sides.values():
    for _ in range(warm_up):
      jax.block_until_ready(function())

  def turn(name: str) -> Figures:
    function, units = sides[name]
    return Figures(rate(function, units, seconds))

  turns_of = {name: functools.partial(turn, name) for name in sides}
  found = alternate(turns_of, turns)
  return {name: figures.steps_per_second for name, figures in found.items()}


def alternate(
  sides: Mapping[str, Callable[[], Figures]], turns: int
) -> dict[str, Figures]:
  """The figures of each side's last turn, with its median speed.

  Args:
    sides: By name, what measures it. They take turns, so that what else the
      machine does meets all of them.
    turns: Of each.
  """
  found: dict[str, list[Figures]] = {name: [] for name in sides}
  for _ in range(turns):
    for name, side in sides.items():
      found[name].append(side())
  return {
    name: figures[-1]._replace(
      steps_per_second=statistics.median(x.steps_per_second for x in figures)
    )
    for name, figures in found.items()
  }


def machine() -> dict[str, Any]:
  """What figures were measured on."""
  return {
    "processor": platform.processor() or platform.machine(),
    "cores": os.cpu_count(),
    "device": jax.devices()[0].device_kind,
    "jax": jax.__version__,
    "python": platform.python_version(),
  }
