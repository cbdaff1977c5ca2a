"""How the cost of steps grows, and where it stops being linear, as a picture.

  python benchmarks/growth.py --figure=growth.png

Acting against the environments of a run, learning against the sequences of
a batch and against their length. Dashed is what the first point would grow to.
Takes ten minutes.
"""

import functools
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from absl import flags

from behavior_transfer.benchmarks import (
  boxes,
  comparisons,
  core,
  meter,
  timing,
)
from behavior_transfer.experiments import cli, tasks, workdirs

_FIGURE = flags.DEFINE_string(
  "figure", "growth.png", "Where it is drawn.", module_name="program"
)
_ENVIRONMENTS = (1, 2, 4, 8, 16, 32, 64)
_BATCHES = (8, 16, 32, 64, 128)
_TRACES = (10, 20, 40, 80, 160)


class Curve(NamedTuple):
  """One panel: figures against sizes."""

  x_label: str
  y_label: str
  points: Mapping[int, float]


def _acting(size: int) -> float:
  task = tasks.Task("ms_pacman_hard", tasks.EnvironmentOptions())
  box = boxes.Box("r2d2", comparisons.NETWORK.value, task, size, 1)
  wanted = meter.Measurement(comparisons.SECONDS.value)
  sides = {"": functools.partial(box.measure, wanted)}
  return timing.alternate(sides, comparisons.TURNS.value)[""].steps_per_second


def _learning(batch_size: int, trace_length: int) -> float:
  """Milliseconds of an update."""
  update = core.Update(batch_size, trace_length // 2, trace_length)
  rates = timing.rates(
    {"": (update, 1)}, comparisons.TURNS.value, comparisons.SECONDS.value
  )
  return 1e3 / rates[""]


def curves() -> Iterator[Curve]:
  """The panels, one after the other."""
  yield Curve(
    "environments, with one worker",
    "agent steps/s",
    {size: _acting(size) for size in _ENVIRONMENTS},
  )
  yield Curve(
    "sequences of 10 + 20 in a batch",
    "ms per update",
    {size: _learning(size, 20) for size in _BATCHES},
  )
  yield Curve(
    "trace of 16 sequences, burn-in half of it",
    "ms per update",
    {length: _learning(16, length) for length in _TRACES},
  )


def draw(panels: list[Curve], path: pathlib.Path):
  """Double logarithmic, so that what is linear is a straight diagonal."""
  import matplotlib

  matplotlib.use("Agg")
  from matplotlib import pyplot

  figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 3.6))
  for axis, (x_label, y_label, points) in zip(axes, panels, strict=True):
    sizes, values = np.array(list(points)), np.array(list(points.values()))
    axis.loglog(sizes, values, "o-", color="black", base=2)
    axis.loglog(sizes, values[0] * sizes / sizes[0], "--", color="gray", base=2)
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.set_yticks([])
    axis.minorticks_off()
    axis.margins(y=0.15)
    for size, value in zip(sizes, values, strict=True):
      axis.annotate(
        f"{value:,.0f}",
        (size, value),
        (0, -13),
        textcoords="offset points",
        ha="center",
        size=8,
      )
    axis.set(xlabel=x_label, ylabel=y_label)
  figure.tight_layout()
  figure.savefig(path, dpi=100)


def main():
  """Measures, prints and draws."""
  with cli.user_input():
    path = workdirs.writable(pathlib.Path(_FIGURE.value))
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  panels = []
  for curve in curves():
    panels.append(curve)
    figures = ", ".join(f"{x:,}: {y:,.4g}" for x, y in curve.points.items())
    print(f"{curve.y_label} by {curve.x_label}: {figures}", flush=True)
  draw(panels, path)
  print(path)


if __name__ == "__main__":
  cli.run(main)
