"""Draws a run over emulator frames: returns, who acted, and places visited.

python experiments/plot_run.py --workdir=runs/bt_hero_hard_0
"""

import pathlib

import matplotlib

matplotlib.use("Agg")

import numpy as np
from absl import flags
from matplotlib import pyplot as plt

from behavior_transfer import files
from behavior_transfer.experiments import cli, workdirs

_WORKDIR = flags.DEFINE_string(
  "workdir", None, "Folder of the run.", module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output",
  None,
  "Picture to write; by default curves.png in the workdir.",
  module_name="program",
)

_SHARES = {
  "random": "at random",
  "flight": "in flight",
  "extra_action": "by an extra action a⁺",
}
_SMOOTHED = 10  # episodes


def plot(workdir: pathlib.Path, output: pathlib.Path):
  """Draws the curves of a workdir.

  Raises:
    ValueError: It is no workdir, or holds no finished episode.
  """
  train = workdirs.read_log(workdir / "train.csv")
  evaluations = workdirs.read_log(workdir / "eval.csv")
  if not (train or evaluations):
    raise ValueError(f"{workdir} holds no finished episode yet")
  identity = workdirs.read_identity(workdir)

  panels = 3 if "positions" in train else 2
  figure, (returns, shares, *coverage) = plt.subplots(
    panels, 1, sharex=True, figsize=(8, 3.5 * panels), layout="constrained"
  )
  returns.set_title(
    f"{identity['agent']} on {identity['game']}, seed {identity['seed']}"
  )
  _plot_returns(returns, train, evaluations)
  _plot_shares(shares, train, evaluations)
  for axes in coverage:
    _plot_coverage(axes, train)
  figure.axes[panels - 1].set_xlabel("emulator frames")
  with files.whole(output) as partial:
    figure.savefig(partial, dpi=120, format=output.suffix[1:] or "png")
  plt.close(figure)


def _plot_returns(
  axes: plt.Axes, train: workdirs.Columns, evaluations: workdirs.Columns
):
  if train:
    frames, values = train["frames"], train["episode_return"]
    axes.plot(frames, values, ".", color="C0", alpha=0.3, markersize=4)
    axes.plot(
      frames,
      _smooth(values),
      color="C0",
      label=f"training, last {_SMOOTHED} episodes",
    )
  if evaluations:
    low, mean, high = (
      evaluations[name]
      for name in ("episode_return_min", "episode_return", "episode_return_max")
    )
    axes.errorbar(
      evaluations["frames"],
      mean,
      yerr=(mean - low, high - mean),
      color="C1",
      marker="o",
      capsize=3,
      label="evaluation, mean and span",
    )
  axes.set_ylabel("episode return")
  axes.legend()
  axes.grid(alpha=0.3)


def _plot_shares(
  axes: plt.Axes, train: workdirs.Columns, evaluations: workdirs.Columns
):
  """Shares of steps; those of evaluations are dashed."""
  for index, (name, label) in enumerate(_SHARES.items()):
    color = f"C{index + 2}"
    if name in train:
      axes.plot(train["frames"], _smooth(train[name]), color=color, label=label)
    if name in evaluations and evaluations[name].any():
      x, y = evaluations["frames"], evaluations[name]
      axes.plot(x, y, "o--", color=color, label=f"{label}, evaluation")
  axes.set_ylim(0, None)
  axes.set_ylabel("share of steps")
  if axes.get_legend_handles_labels()[0]:
    axes.legend()
  axes.grid(alpha=0.3)


def _plot_coverage(axes: plt.Axes, train: workdirs.Columns):
  """Places visited in training; rooms, of which there are few, on the right."""
  right, lines = axes.twinx(), []
  for where, name, values, style, color in (
    (axes, "positions so far", train["positions_so_far"], "-", "C5"),
    (axes, "positions in an episode", _smooth(train["positions"]), "--", "C6"),
    (right, "rooms in an episode", _smooth(train["rooms"]), ":", "black"),
  ):
    label = name if style == "-" else f"{name}, last {_SMOOTHED}"
    lines += where.plot(
      train["frames"], values, style, color=color, label=label
    )
  axes.set_ylabel("positions")
  right.set_ylabel("rooms (dotted)")
  for each in (axes, right):
    each.set_ylim(0, None)
  # Outside, since the lines of the right axis would be drawn over it.
  axes.legend(
    handles=lines,
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=3,
    fontsize="small",
  )
  axes.grid(alpha=0.3)


def _smooth(values: np.ndarray) -> np.ndarray:
  """Means of the last episodes, of fewer where there were fewer."""
  stops = np.arange(len(values)) + 1
  starts = np.maximum(stops - _SMOOTHED, 0)
  sums = np.concatenate([[0.0], np.cumsum(values)])
  return (sums[stops] - sums[starts]) / (stops - starts)


def main():
  """Reads the flags and draws."""
  with cli.user_input():
    if _WORKDIR.value is None:
      raise ValueError("--workdir is missing")
    workdir = pathlib.Path(_WORKDIR.value)
    if not workdir.is_dir():
      raise ValueError(f"{workdir}: there is no such folder")
    output = pathlib.Path(_OUTPUT.value or workdir / "curves.png")
    plot(workdir, workdirs.writable(output))
  print(f"curves: {output}")


if __name__ == "__main__":
  cli.run(main)
