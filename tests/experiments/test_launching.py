"""The programs that train as several processes, at tiny sizes."""

import csv
import pathlib

import pytest

from tests.experiments import programs

_ACTORS = 2
_ENVIRONMENTS = 3
_AGENTS = {
  "r2d2": ("run_r2d2.py", "--game=ms_pacman_hard"),
  "ngu": ("run_ngu.py", "--game=ms_pacman", "--intrinsic_steps=4"),
  "bt": (
    "run_bt.py",
    "--game=ms_pacman_hard",
    "--pretrained=ms_pacman_ngu,random",
  ),
}


def _column(path: pathlib.Path, name: str) -> list[float]:
  with path.open(newline="") as file:
    return [float(row[name]) for row in csv.DictReader(file)]


def _writers(folder: pathlib.Path) -> list[str]:
  """Processes that have a file of the folder as their output."""
  found = []
  for link in pathlib.Path("/proc").glob("[0-9]*/fd/1"):
    try:
      target = str(link.readlink())
    except OSError:  # of another user, or gone by now
      continue
    if target.startswith(str(folder)):
      found.append(target)
  return found


@pytest.mark.acme
@pytest.mark.parametrize("agent", _AGENTS)
def test_a_program_of_processes_reaches_its_budget(agent, tmp_path):
  process = programs.start(
    *_AGENTS[agent],
    *programs.TINY,
    f"--workdir={tmp_path / 'run'}",
    "--launch=local_mp",
    f"--num_actors={_ACTORS}",
    f"--envs_per_actor={_ENVIRONMENTS}",
    "--frames=8000",
    "--evaluation_period=4000",
    "--checkpoint_period=4000",
  )
  _, errors = process.communicate(timeout=400)
  assert process.returncode == 0, errors
  # Every node left when it was told to, with exit code 0.
  unclean = ("killed", "exit code", "ended by")
  assert not any(word in errors for word in unclean), errors
  workdir = tmp_path / "run"
  assert not _writers(workdir)
  assert {path.name for path in (workdir / "logs").iterdir()} == {
    "replay_0.log",
    "learner_0.log",
    "evaluator_0.log",
    *(f"actor_{number}.log" for number in range(_ACTORS)),
  }
  for file in ("train.csv", "eval.csv", "learner.csv"):
    steps = _column(workdir / file, "agent_steps")
    assert steps and steps == sorted(steps), file
    frames = _column(workdir / file, "frames")
    assert frames == [4 * step for step in steps], file
  assert _column(workdir / "eval.csv", "agent_steps")[-1] >= 2000
  # 80 steps an episode: all environments played several.
  episodes = _column(workdir / "train.csv", "episodes")
  assert episodes == list(range(1, len(episodes) + 1))
  assert len(episodes) >= 2000 // 80 - _ACTORS * _ENVIRONMENTS
  assert list((workdir / "replay").glob("*/DONE"))  # that of Reverb is whole


def test_one_process_steps_several_environments(tmp_path):
  programs.finish(
    programs.start(
      *_AGENTS["bt"],
      *programs.TINY,
      f"--workdir={tmp_path / 'run'}",
      f"--envs_per_actor={_ENVIRONMENTS}",
      "--frames=1200",
    )
  )
  steps = _column(tmp_path / "run" / "train.csv", "agent_steps")
  # Three episodes of 80 steps, side by side; the first half has two of them.
  assert steps == [239.0, 239.0, 240.0]
