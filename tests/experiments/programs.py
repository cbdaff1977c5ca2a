"""Starts the programs as a user does."""

import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "experiments"

# An agent and episodes that are as small as they get.
TINY = (
  "--envs_per_actor=1",
  "--burn_in=2",
  "--trace_length=8",
  "--sequence_period=4",
  "--n_step=2",
  "--batch_size=2",
  "--max_replay_size=100",
  "--min_replay_size=4",
  "--replay_ratio=1",
  "--noop_max=0",
  "--max_episode_frames=320",
  "--evaluation_episodes=1",
  "--evaluation_period=800",
  "--checkpoint_period=400",
)


def start(
  script: str, *arguments: object, cwd: pathlib.Path | None = None
) -> subprocess.Popen:
  """Starts a program."""
  return subprocess.Popen(
    [sys.executable, FOLDER / script, *map(str, arguments)],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    cwd=cwd,
  )


def finish(process: subprocess.Popen) -> str:
  """Expects success; what was printed."""
  output, errors = process.communicate(timeout=300)
  assert process.returncode == 0, errors
  return output


def refuse(script: str, *arguments: object) -> str:
  """Expects a refusal: exit code 2 and one line, which is returned."""
  process = start(script, *arguments)
  try:
    output, errors = process.communicate(timeout=120)
  finally:
    process.kill()  # one that is not refused would go on
  assert process.returncode == 2, errors
  lines = errors.splitlines()
  assert len(lines) == 1, errors
  assert lines[0].startswith("error: ")
  assert not output
  return lines[0]
