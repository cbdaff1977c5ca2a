"""Pictures of a study, to be read without colour too."""

import math
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt

from behavior_transfer.files import whole

from . import arms, medians, published, statistics
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
      _draw_seeds(axes, results, game, name, column)
    if column == "extra_action":  # a share
      axes.set_ylim(0, None)
    _draw_published(axes, game, column)
  _finish(figure, grid, label, path)


def _draw_published(axes: plt.Axes, game: str, column: str):
  """Lines, or words where a line would flatten the curves."""
  low, high = axes.get_ylim()
  out_of_scale = []
  for label, score in published.SCORES.get(column, {}).get(game, {}).items():
    if low <= score <= high:
      axes.axhline(score, color="gray", linewidth=1)
      _note(axes, label, (0, score), axes.get_yaxis_transform(), "bottom")
    else:
      out_of_scale.append(f"{label}: {score:,}")
  _note(axes, "\n".join(out_of_scale), (0, 1), axes.transAxes, "top")


def _note(axes: plt.Axes, text: str, at, coordinates, vertical: str):
  axes.annotate(
    text,
    at,
    (2, 2 if vertical == "bottom" else -2),
    xycoords=coordinates,
    textcoords="offset points",
    fontsize=7,
    va=vertical,
  )


def draw_medians(
  results: Sequence[Result],
  games: Sequence[str],
  names: Sequence[str],
  column: str,
  path: pathlib.Path,
):
  """Median human-normalised score over frames, a panel for each set of games.

  As in Behavior Transfer (arXiv 2102.13515), figures 2, 3 and 6.
  """
  sets = medians.within(games)
  figure, grid = _grid([*sets])
  for axes, (title, suite) in zip(grid, sets.items(), strict=True):
    axes.set_title(title)
    for name in names:
      curve = medians.curve(results, suite, name, column)
      if curve is not None:
        _draw_line(axes, *curve, name, arms.LABELS[name])
  _finish(figure, grid, "median human-normalised score", path)


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
        axes.plot(interval.estimate, row, **_style(arm, line=""))
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
  arm_names: Sequence[str],
  budgets: Mapping[float, float],
  folder: pathlib.Path,
):
  """Median human-normalised score over the frames of pre-training.

  As in Behavior Transfer (arXiv 2102.13515), figure 2.

  Args:
    results: To choose from.
    games: That a study has.
    arm_names: A line each.
    budgets: Frames by share.
    folder: To write to.
  """
  sets = medians.within(games)
  figure, grid = _grid([*sets])
  for axes, (title, suite) in zip(grid, sets.items(), strict=True):
    axes.set_title(title)
    axes.set_xscale("log")
    for arm in arm_names:
      found = {
        frames: median
        for share, frames in budgets.items()
        if (median := medians.final(results, suite, arm, share))
      }
      if found:
        x, bounds = np.array([*found]), np.array([*found.values()]).T
        _draw_line(axes, x, bounds, arm, arms.LABELS[arm])
  _finish(
    figure,
    grid,
    "median human-normalised score",
    folder / "budgets",
    "frames of pre-training",
  )


def _draw_seeds(
  axes: plt.Axes,
  results: Sequence[Result],
  game: str,
  arm: str,
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
  # Several processes need not evaluate at the same frames.
  frames = min((seed["frames"] for seed in seeds), key=len)
  values = np.stack(
    [np.interp(frames, seed["frames"], seed[column]) for seed in seeds]
  )
  bounds = np.stack([f(values, axis=0) for f in (np.mean, np.min, np.max)])
  label = f"{arms.LABELS[arm]} ({len(seeds)})"
  _draw_line(axes, frames, bounds, arm, label)


def _draw_line(
  axes: plt.Axes,
  x: np.ndarray,
  bounds: np.ndarray,
  arm: str,
  label: str,
):
  """A line, and the band around it.

  Args:
    axes: To draw on.
    x: [points].
    bounds: Middle, lower and upper end of the band, [3, points].
    arm: In whose style.
    label: In the legend.
  """
  middle, low, high = bounds
  style = _style(arm, line=_LINES[_index(arm) % 4])
  axes.plot(x, middle, label=label, markevery=max(len(x) // 6, 1), **style)
  axes.fill_between(x, low, high, color=style["color"], alpha=0.12, linewidth=0)


def _index(arm: str) -> int:
  """Its place among all, so that it looks the same in all figures."""
  pretraining = arm in arms.PRETRAININGS
  return [*(arms.PRETRAININGS if pretraining else arms.ARMS)].index(arm)


def _style(arm: str, line: str) -> dict:
  """Colour, marker and line that tell an arm from the others."""
  index = _index(arm)
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
  figure: plt.Figure,
  grid: Sequence[plt.Axes],
  label: str,
  path: pathlib.Path,
  below: str = "frames",
):
  """Labels the axes, and puts one legend below them all."""
  handles: dict = {}
  for axes in grid:
    axes.grid(alpha=0.3)
    axes.set_xlabel(below)
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
    with whole(path.with_name(path.name + suffix)) as partial:
      figure.savefig(partial, dpi=110, format=suffix[1:], bbox_inches="tight")
  plt.close(figure)
