"""The same seed gives the same run, on real games, whatever becomes of it."""

import contextlib
import csv
import pathlib
import signal
import sys

import pytest

from tests.experiments import programs

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "launch"))
import outcome

_TINY = (
  "--network=tiny",
  "--burn_in=2",
  "--trace_length=8",
  "--sequence_period=4",
  "--n_step=2",
  "--batch_size=4",
  "--max_replay_size=200",  # which is soon full
  "--min_replay_size=16",
  "--replay_ratio=1",
  "--actor_update_period=30",
  "--max_episode_frames=240",  # 45 to 60 steps
  "--envs_per_actor=5",
  "--frames=5600",
  "--checkpoint_period=2400",
  "--evaluation_period=1600",
  "--evaluation_episodes=1",
  "--seed=7",
)
_AGENTS = {
  "r2d2": (
    "run_r2d2.py",
    "--game=ms_pacman_hard",
    "--num_stacked=2",
    "--sticky_action_probability=0.25",
  ),
  "ngu": ("run_ngu.py", "--game=hero_hard", "--intrinsic_steps=4"),
  "ngu_mixture": (
    "run_ngu.py",
    "--game=ms_pacman_hard",
    "--nounsupervised",
    "--intrinsic_steps=4",
  ),
  "bt": ("run_bt.py", "--game=hero_hard", "--pretrained=hero_ngu"),
}


def _last_step(workdir: pathlib.Path) -> int:
  """Of the episodes that are logged."""
  path = workdir / "train.csv"
  if not path.exists():
    return 0
  with path.open(newline="") as file:
    # The newest row may be there in part.
    steps = [row["agent_steps"] for row in csv.DictReader(file)][:-1]
  return max(map(int, steps), default=0)


def _newest_checkpoint(workdir: pathlib.Path) -> int:
  names = (path.name for path in (workdir / "checkpoints").glob("[0-9]*"))
  return max(map(int, names), default=0)


def _kill_between_checkpoints(process: programs.Program, workdir: pathlib.Path):
  programs.wait_until(
    lambda: 0 < _newest_checkpoint(workdir) < _last_step(workdir), process
  )
  process.kill()
  process.communicate()
  assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("agent", _AGENTS)
def test_workers_and_kills_change_nothing(agent, tmp_path):
  """Runs at once, of which one is killed and started again."""
  workers = (0, 1) if agent == "bt" else (0,)  # besides those of the killed
  with contextlib.ExitStack() as stack:

    def start(num_workers: int) -> programs.Program:
      process = programs.start(
        *_AGENTS[agent],
        *_TINY,
        f"--workdir={tmp_path / str(num_workers)}",
        f"--num_workers={num_workers}",
      )
      stack.enter_context(process)
      return process

    killed, *others = start(3), *map(start, workers)
    _kill_between_checkpoints(killed, tmp_path / "3")
    again = start(3)
    for process in (*others, again):
      output, errors = process.communicate()
      assert process.returncode == 0, output + errors
  assert "resumed from step" in errors
  expected = outcome.read(tmp_path / "0")
  assert _newest_checkpoint(tmp_path / "0") == 1_400
  for part in ("policy.npz", "training.npz", "engine.npz", "replay/"):
    assert any(part in name for name in expected), part
  for log in ("train", "eval", "learner"):
    assert len(expected[f"{log}.csv:agent_steps"]) > 3, log
  assert "coverage.npz:cells" in expected
  for num_workers in (*workers[1:], 3):
    outcome.assert_same(outcome.read(tmp_path / str(num_workers)), expected)
