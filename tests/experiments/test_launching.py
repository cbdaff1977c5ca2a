"""A program that trains as several processes, at a tiny size.

Others are launched by `test_ends_together.py`.
"""

import csv
import pathlib

import pytest

from tests.experiments import programs

_ACTORS = 2
_STEPS = 80  # of an episode, all of which are cut off
_RUN = (
  "run_bt.py",
  "--game=ms_pacman_hard",
  "--pretrained=ms_pacman_ngu,random",
  *programs.TINY,
)


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
def test_a_program_of_processes_reaches_its_budget(tmp_path):
  """All episodes of an actor end at once, which has to hold up nobody."""
  environments = 8
  process = programs.start(
    *_RUN,
    f"--workdir={tmp_path / 'run'}",
    "--launch=local_mp",
    f"--num_actors={_ACTORS}",
    f"--envs_per_actor={environments}",
    "--frames=16000",
    "--evaluation_period=6000",
    "--checkpoint_period=6000",
  )
  _, errors = process.communicate()
  assert process.returncode == 0, errors
  # Every node left when it was told to, with exit code 0.
  unclean = ("killed", "exit code", "ended by", "started again")
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
  *_, last_but_one, last = _column(workdir / "eval.csv", "agent_steps")
  assert last_but_one < 4000 <= last
  episodes = _column(workdir / "train.csv", "episodes")
  assert episodes == list(range(1, len(episodes) + 1))
  assert len(episodes) >= 4000 // _STEPS - _ACTORS * environments
  lengths = _column(workdir / "train.csv", "episode_length")
  assert set(lengths) == {_STEPS}
  assert list((workdir / "replay").glob("*/DONE"))  # that of Reverb is whole


def test_one_process_steps_several_environments(tmp_path):
  programs.finish(
    programs.start(
      *_RUN,
      f"--workdir={tmp_path / 'run'}",
      "--envs_per_actor=3",
      "--frames=1200",
    )
  )
  steps = _column(tmp_path / "run" / "train.csv", "agent_steps")
  # Three episodes of 80 steps, side by side; the first half has two of them.
  assert steps == [239.0, 239.0, 240.0]
