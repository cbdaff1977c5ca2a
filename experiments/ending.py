"""What a run says at its end: that it is done, its score, and what is next."""

import os
import pathlib
import shlex
import sys

import numpy as np

from behavior_transfer.launch import experiment

from . import workdirs

_LAST = 10  # training episodes
_FOLDER = pathlib.Path(__file__).parent


def text(workdir: pathlib.Path, counts: experiment.Counts) -> str:
  """Lines about a run that is complete.

  Args:
    workdir: Of the run.
    counts: Of its last checkpoint.
  """
  lines = [
    f"done: {counts.agent_steps:,} agent steps, {counts.episodes:,} episodes,"
    f" {counts.learner_steps:,} learner steps"
  ]
  if not counts.learner_steps:
    lines.append(
      "nothing was learned: replay never held as much as --min_replay_size and"
      " --replay_ratio ask for; give more --frames, or less of these"
    )
  evaluations = workdirs.read_log(workdir / "eval.csv")
  if evaluations:
    mean, low, high, number = (
      evaluations[name][-1]
      for name in (
        "episode_return",
        "episode_return_min",
        "episode_return_max",
        "evaluation_episodes",
      )
    )
    lines.append(
      f"score: {mean:,.1f} in the last evaluation, the mean of {number:.0f}"
      f" episodes from {low:,.1f} to {high:,.1f}"
    )
  train = workdirs.read_log(workdir / "train.csv")
  if train:
    returns = train["episode_return"][-_LAST:]
    lines.append(
      f"in training, {np.mean(returns):,.1f}, the mean of the last"
      f" {len(returns)} episodes"
    )
  python = _from_here(pathlib.Path(sys.executable))
  folder = shlex.quote(str(workdir))
  return "\n".join(
    [
      *lines,
      f"all of it is in {workdir}; next:",
      f"  {python} {_from_here(_FOLDER / 'evaluate.py')} --checkpoint={folder}",
      f"  {python} {_from_here(_FOLDER / 'plot_run.py')} --workdir={folder}",
    ]
  )


def _from_here(path: pathlib.Path) -> str:
  """As one would type it, without following links, as those of .venv are."""
  relative = os.path.relpath(path)
  return shlex.quote(str(path) if relative.startswith("..") else relative)
