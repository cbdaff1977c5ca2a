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
_LINE_SPACING = 0.065  # of a panel's height


def draw_curves(
  results: Sequence[Result],
  games: Sequence[str],
  groups: Sequence[Sequence[str]],
  column: str,
  label: str,
  path: pathlib.Path,
):
  """A column of evaluations over frames: the seeds' mean and its interval.

  As in Behavior Transfer (arXiv 2102.13515), figures 1 to 6.

  Args:
    results: To choose from.
    games: A column of panels each.
    groups: A row of panels each: names of arms or pre-trainings, a line each.
    column: Of the evaluations.
    label: Of the vertical axis.
    path: Of the pictures, without suffix.
  """
  panels = [(names, game) for names in groups for game in games]
  # A sole group may have many games, in as many rows as they take.
  figure, grid = _grid(panels, columns=len(games) if groups[1:] else None)
  for axes, (names, game) in zip(grid, panels, strict=True):
    axes.set_title(game)
    for name in names:
      _draw_seeds(axes, results, game, name, column)
    if column == "extra_action":  # a share
      axes.set_ylim(0, None)
    if axes.lines:
      _draw_published(axes, game, column)
  _finish(figure, grid, label, path)


def _draw_published(axes: plt.Axes, game: str, column: str):
  """Lines, or words where a line would flatten the curves."""
  last_frames = axes.get_xlim()[1]
  if column == "episode_return":
    for name, points in published.curves(game).items():
      reached = [point for point in points if point[0] <= last_frames]
      if reached:
        axes.plot(*zip(*reached, strict=True), "o-", color="gray", label=name)
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
  """An arm's column over frames: its seeds' mean, and that mean's interval."""
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
  bounds = np.array([statistics.mean([seeds]) for seeds in values.T]).T
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
  panels: Sequence[object], height: float = 3.2, columns: int | None = None
) -> tuple[plt.Figure, list[plt.Axes]]:
  if columns is None:
    columns = min(len(panels), 3 if len(panels) <= 9 else 8)
  rows = math.ceil(len(panels) / columns)
  figure, grid = plt.subplots(
    rows,
    columns,
    figsize=(4.8 * columns, height * rows),
    squeeze=False,
    layout="constrained",
  )
  for axes in grid.flat[len(panels) :]:
    axes.set_visible(False)
  return figure, list(grid.flat[: len(panels)])


def _finish(
  figure: plt.Figure,
  grid: Sequence[plt.Axes],
  label: str,
  path: pathlib.Path,
  below: str = "frames",
):
  """Labels the axes, and each line at its end."""
  for axes in grid:
    axes.grid(alpha=0.3)
    axes.set_xlabel(below)
    _name_lines(axes)
  grid[0].set_ylabel(label)
  _save(figure, path)


def _name_lines(axes: plt.Axes):
  """Writes the names of lines to the right of their ends, apart from others."""
  lines = [x for x in axes.lines if not str(x.get_label()).startswith("_")]
  ends = [np.asarray(line.get_xydata())[-1] for line in lines]
  pixels = axes.transData.transform(np.reshape(ends, (-1, 2)))
  heights = axes.transAxes.inverted().transform(pixels)
  free = 0.0
  for height, line in sorted(
    zip(heights[:, 1], lines, strict=True), key=lambda x: x[0]
  ):
    free = max(height, free)
    axes.annotate(
      str(line.get_label()),
      (1.02, free),
      xycoords="axes fraction",
      fontsize=8,
      va="center",
      color=line.get_color(),
    )
    free += _LINE_SPACING


def _save(figure: plt.Figure, path: pathlib.Path):
  for suffix in (".png", ".svg"):
    with whole(path.with_name(path.name + suffix)) as partial:
      figure.savefig(partial, dpi=110, format=suffix[1:], bbox_inches="tight")
  plt.close(figure)
