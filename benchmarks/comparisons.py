"""What a benchmark compares, and how it tells.

Every program here is a function from nothing to comparisons, given to `run`,
which has the flags that they share.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from absl import flags

from behavior_transfer.benchmarks import timing
from behavior_transfer.experiments import cli

NETWORK = flags.DEFINE_enum(
  "network",
  "paper",
  ["paper", "small"],
  "Size of all networks.",
  module_name="program",
)
SECONDS = flags.DEFINE_float(
  "seconds", 5.0, "Of a turn, about.", lower_bound=0.01, module_name="program"
)
TURNS = flags.DEFINE_integer(
  "turns", 5, "Of each side.", lower_bound=1, module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "JSON file for the figures.", module_name="program"
)
_HEAD = f"{'':58} {'ours':>10} {'theirs':>10} {'ratio':>7} {'bar':>7}"


@dataclasses.dataclass(frozen=True)
class Comparison:
  """Two figures of the same thing.

  Attributes:
    name: What is compared with what.
    unit: Of both.
    ours, theirs: Medians over alternating turns.
    at_least, at_most: The bar for ours / theirs; neither where it is only told.
    note: Where the time goes, or what limits it.
  """

  name: str
  unit: str
  ours: float
  theirs: float
  at_least: float | None = None
  at_most: float | None = None
  note: str = ""

  @property
  def ratio(self) -> float:
    return self.ours / self.theirs

  @property
  def met(self) -> bool | None:
    """Whether the bar is; None where there is none."""
    if self.at_least is not None:
      return self.ratio >= self.at_least
    return None if self.at_most is None else self.ratio <= self.at_most

  def row(self) -> str:
    """A line of the table, and one for the note."""
    bar, verdict = "", ""
    if self.met is not None:
      bar = f">={self.at_least:g}" if self.at_least else f"<={self.at_most:g}"
      verdict = "met" if self.met else "NOT MET"
    name = f"{self.name} ({self.unit})"
    text = (
      f"{name:58} {_figure(self.ours):>10} {_figure(self.theirs):>10}"
      f" {self.ratio:7.2f} {bar:>7} {verdict}"
    )
    return f"{text.rstrip()}\n  {self.note}" if self.note else text.rstrip()

  def values(self) -> dict[str, Any]:
    """As JSON has it."""
    return {**dataclasses.asdict(self), "ratio": self.ratio, "met": self.met}


def _figure(value: float) -> str:
  return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def rates(
  sides: Mapping[str, tuple[Callable[[], object], int]],
  share: float = 1.0,
  warm_up: int = 2,
) -> dict[str, float]:
  """`timing.rates` of as many turns as are asked for, each a share as long."""
  return timing.rates(sides, TURNS.value, share * SECONDS.value, warm_up)


class Shape(NamedTuple):
  """Of what is learned from in one step; sequences follow one another."""

  batch_size: int
  burn_in: int
  trace_length: int

  def __str__(self) -> str:
    return "x".join(map(str, self))

  @property
  def config(self) -> dict[str, int]:
    """As fields of an agent's config."""
    return {**self._asdict(), "sequence_period": self.trace_length}


class ShapeParser(flags.ArgumentParser):
  """Reads a flag like 64x40x80."""

  def parse(self, argument: str | Shape) -> Shape:
    match = re.fullmatch(r"([1-9]\d*)x(\d+)x([1-9]\d*)", str(argument))
    if match is None:
      raise ValueError("it is batch x burn-in x trace, like 64x40x80")
    return Shape(*map(int, match.groups()))


def define_shape() -> flags.FlagHolder:
  """The flag --shape of a program that has one."""
  text = "Batch, burn-in and trace."
  return flags.DEFINE(
    ShapeParser(), "shape", "64x40x80", text, module_name="program"
  )


def run(measure: Callable[[], Iterable[Comparison]], cores: int | None = None):
  """Measures as a program does: a row as soon as it is there, then the file.

  Args:
    measure: Yields the comparisons. ValueError means a flag of its own.
    cores: That this process keeps to; None means all.
  """

  def main():
    if _OUTPUT.value is not None:  # else what writes needs not be installed
      from behavior_transfer.experiments import workdirs

      with cli.user_input():
        output = workdirs.writable(pathlib.Path(_OUTPUT.value))
    if cores is not None:
      os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    print(_HEAD)
    comparisons = []
    for comparison in measure():
      comparisons.append(comparison.values())
      print(comparison.row(), flush=True)
    if _OUTPUT.value is not None:
      machine = {**timing.machine(), "cores_used": cores or os.cpu_count()}
      workdirs.write_json(
        output, {"machine": machine, "comparisons": comparisons}
      )

  cli.run(main)
