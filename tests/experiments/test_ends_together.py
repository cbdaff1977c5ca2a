"""Episodes that all end at once, by every launch.

With them, all that is left of each comes into replay at the same step. An
engine that waits there for its learner, which waits for it, hangs for ever.
"""

import csv

import pytest

from tests.experiments import programs

_STEPS = 100  # of an episode, all of which are cut off
_LAUNCHES = (
  "local",
  *(
    pytest.param(launch, marks=pytest.mark.acme)
    for launch in ("local_mt", "local_mp", "ray")
  ),
)


@pytest.mark.parametrize("num_environments", [8, 32])
@pytest.mark.parametrize("launch", _LAUNCHES)
def test_a_run_gets_past_them_and_ends(
  launch, num_environments, tmp_path, monkeypatch
):
  monkeypatch.delenv("RAY_ADDRESS", raising=False)
  budget = num_environments * (_STEPS + 20)
  process = programs.start(
    "run_r2d2.py",
    "--game=maze_far",
    "--preset=miniature",
    f"--max_episode_frames={4 * _STEPS}",
    "--evaluation_episodes=0",
    f"--launch={launch}",
    f"--envs_per_actor={num_environments}",
    f"--frames={4 * budget}",
    f"--workdir={tmp_path / 'run'}",
  )
  with process:
    try:
      _, errors = process.communicate(timeout=550)
    finally:
      process.kill()
  assert process.returncode == 0, errors
  with (tmp_path / "run" / "train.csv").open(newline="") as file:
    lengths = [float(row["episode_length"]) for row in csv.DictReader(file)]
  assert max(lengths) == _STEPS
  # The goal, which hardly anybody finds, ends some of them before.
  assert lengths.count(_STEPS) > num_environments / 2
  checkpoints = (tmp_path / "run" / "checkpoints").glob("[0-9]*")
  assert max(int(path.name) for path in checkpoints) >= budget
