"""Episodes that all end at once, by every launch.

With them, all that is left of each comes into replay at the same step. An
engine that waits there for its learner, which waits for it, hangs for ever.
"""

import csv

import pytest

from tests.experiments import programs

_STEPS = 100  # of an episode, all of which are cut off
_R2D2, _NGU = ("run_r2d2.py",), ("run_ngu.py", "--intrinsic_steps=4")


# `test_launching.py` has the same of `local_mp`.
@pytest.mark.parametrize(
  ("program", "launch", "num_environments"),
  [
    (_R2D2, "local", 8),
    (_R2D2, "local", 32),
    pytest.param(_NGU, "local_mt", 8, marks=pytest.mark.acme),
    pytest.param(_R2D2, "ray", 32, marks=pytest.mark.acme),
  ],
)
def test_a_run_gets_past_them_and_ends(
  program, launch, num_environments, tmp_path, monkeypatch
):
  monkeypatch.delenv("RAY_ADDRESS", raising=False)
  budget = num_environments * (_STEPS + 20)
  process = programs.start(
    *program,
    "--game=maze_far",
    "--preset=miniature",
    f"--max_episode_frames={4 * _STEPS}",
    "--evaluation_episodes=0",
    f"--launch={launch}",
    f"--envs_per_actor={num_environments}",
    f"--frames={4 * budget}",
    f"--workdir={tmp_path / 'run'}",
  )
  _, errors = process.communicate()
  assert process.returncode == 0, errors
  with (tmp_path / "run" / "train.csv").open(newline="") as file:
    lengths = [float(row["episode_length"]) for row in csv.DictReader(file)]
  assert max(lengths) == _STEPS
  # The goal, which hardly anybody finds, ends some of them before.
  assert lengths.count(_STEPS) > num_environments / 2
  checkpoints = (tmp_path / "run" / "checkpoints").glob("[0-9]*")
  assert max(int(path.name) for path in checkpoints) >= budget
