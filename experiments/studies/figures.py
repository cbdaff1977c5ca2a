"""Pictures of a study, to be read without colour too."""

import math
import pathlib
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt

from . import arms, published, statistics
from . import results as results_lib
from .results import Result

_LINES = ("-", "--", ":", "-.")
_MARKERS = "os^vDPX*<>p"


def draw_curves(
  results: Sequence[Result],
  games: Sequence[str],
  names: Sequence[str],
  column: str,
  label: str,
  path: pathlib.Path,
):
  """A column of evaluations over frames: the mean, and the span of the seeds.

  As in Behavior Transfer (arXiv 2102.13515), figures 1 to 6.

  Args:
    results: To choose from.
    games: A panel each.
    names: Of arms or pre-trainings, a line each.
    column: Of the evaluations.
    label: Of the vertical axis.
    path: Of the pictures, without suffix.
  """
  figure, grid = _grid(games)
  for axes, game in zip(grid, games, strict=True):
    axes.set_title(game)
    for name in names:
      _draw_seeds(axes, results, game, name, names, column)
    if column == "episode_return":
      _draw_published(axes, game)
    elif column == "extra_action":  # a share
      axes.set_ylim(0, None)
  _finish(figure, grid, label, path)


def _draw_published(axes: plt.Axes, game: str):
  for label, score in published.SCORES.get(game, {}).items():
    axes.axhline(score, color="gray", linewidth=1)
    axes.annotate(
      label, (0, score), (2, 2), textcoords="offset points", fontsize=7
    )


def draw_finals(
  results: Sequence[Result],
  games: Sequence[str],
  arm_names: Sequence[str],
  folder: pathlib.Path,
):
  """Final returns with intervals, a row for each arm."""
  figure, grid = _grid(games, height=0.8 + 0.25 * len(arm_names))
  for axes, game in zip(grid, games, strict=True):
    axes.set_title(game)
    for row, arm in enumerate(arm_names):
      finals = [
        results_lib.final(r) for r in results_lib.select(results, game, arm)
      ]
      if finals:
        interval = statistics.mean([finals])
        axes.plot(finals, [row] * len(finals), "|", color="gray")
        axes.plot((interval.low, interval.high), (row, row), color="black")
        axes.plot(interval.estimate, row, **_style(arm, arm_names, line=""))
    axes.set_yticks(
      range(len(arm_names)), [arms.LABELS[arm] for arm in arm_names]
    )
    axes.set_ylim(len(arm_names) - 0.5, -0.5)
    axes.grid(alpha=0.3)
    axes.set_xlabel("final return")
  _save(figure, folder / "finals")


def draw_budgets(
  results: Sequence[Result],
  games: Sequence[str],
  arm: str,
  folder: pathlib.Path,
):
  """Median human-normalised score over the frames of pre-training.

  As in Behavior Transfer (arXiv 2102.13515), figure 2.
  """
  budgets = sorted(
    {r.run.pretraining_frames for r in results if r.run.arm == arm}
  )
  medians = {
    budget: median
    for budget in budgets
    if (median := results_lib.median_normalised(results, games, arm, budget))
  }
  figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
  estimates, lows, highs = np.array([*medians.values()]).reshape(-1, 3).T
  axes.plot([*medians], estimates, "o-", color="black")
  axes.fill_between(
    [*medians],
    lows,
    highs,
    color="black",
    alpha=0.2,
  )
  axes.set_xscale("log")
  axes.set_xlabel("frames of pre-training")
  axes.set_ylabel("median human-normalised score")
  axes.grid(alpha=0.3)
  _save(figure, folder / "budgets")


def _draw_seeds(
  axes: plt.Axes,
  results: Sequence[Result],
  game: str,
  arm: str,
  arm_names: Sequence[str],
  column: str,
):
  """An arm's column over frames: mean, lowest and highest of its seeds."""
  seeds = [
    r.evaluations
    for r in results_lib.select(results, game, arm)
    if column in r.evaluations
  ]
  if not seeds:
    return
  # Those of one scale are evaluated at the same frames, but for a last one.
  length = min(len(seed["frames"]) for seed in seeds)
  frames = seeds[0]["frames"][:length]
  values = np.stack([seed[column][:length] for seed in seeds])
  style = _style(arm, arm_names, line=_LINES[_index(arm, arm_names) % 4])
  axes.plot(
    frames,
    values.mean(axis=0),
    label=f"{arms.LABELS[arm]} ({len(seeds)})",
    markevery=max(length // 6, 1),
    **style,
  )
  axes.fill_between(
    frames,
    values.min(axis=0),
    values.max(axis=0),
    color=style["color"],
    alpha=0.12,
    linewidth=0,
  )


def _index(arm: str, arm_names: Sequence[str]) -> int:
  return list(arm_names).index(arm)


def _style(arm: str, arm_names: Sequence[str], line: str) -> dict:
  """Colour, marker and line that tell an arm from the others."""
  index = _index(arm, arm_names)
  return {
    "color": f"C{index % 10}",
    "marker": _MARKERS[index % len(_MARKERS)],
    "markersize": 5,
    "linestyle": line,
    "linewidth": 1.4,
  }


def _grid(
  games: Sequence[str], height: float = 3.2
) -> tuple[plt.Figure, list[plt.Axes]]:
  columns = min(len(games), 3 if len(games) <= 9 else 8)
  rows = math.ceil(len(games) / columns)
  figure, grid = plt.subplots(
    rows,
    columns,
    figsize=(4.2 * columns, height * rows),
    squeeze=False,
    layout="constrained",
  )
  for axes in grid.flat[len(games) :]:
    axes.set_visible(False)
  return figure, list(grid.flat[: len(games)])


def _finish(
  figure: plt.Figure, grid: Sequence[plt.Axes], label: str, path: pathlib.Path
):
  """Labels the axes, and puts one legend below them all."""
  handles: dict = {}
  for axes in grid:
    axes.grid(alpha=0.3)
    axes.set_xlabel("frames")
    handles.update(
      zip(*reversed(axes.get_legend_handles_labels()), strict=True)
    )
  grid[0].set_ylabel(label)
  if handles:
    figure.legend(
      handles.values(), handles.keys(), loc="outside lower center", ncols=3
    )
  _save(figure, path)


def _save(figure: plt.Figure, path: pathlib.Path):
  for suffix in (".png", ".svg"):
    temporary = path.with_name(f".partial-{path.name}{suffix}")
    figure.savefig(temporary, dpi=110, format=suffix[1:], bbox_inches="tight")
    temporary.replace(path.with_name(path.name + suffix))
  plt.close(figure)
