"""What a run says when it is done, and when it cannot go on."""

import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from behavior_transfer.agents import checkpoints
from behavior_transfer.experiments import workdirs
from tests.experiments import programs

_RUN = (
  "run_r2d2.py",
  *programs.TINY,
  "--game=maze_dense",
  "--preset=miniature",
  "--num_workers=0",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
  """The workdir of a run that is done, and what it said."""
  workdir = tmp_path_factory.mktemp("ends") / "my run"
  arguments = (*_RUN, f"--workdir={workdir}", "--frames=1600")
  return workdir, programs.finish(programs.start(*arguments))


def test_a_run_that_is_done_says_so_its_score_and_what_is_next(finished):
  workdir, output = finished
  done, score, training, folder, *commands = output.splitlines()[-6:]
  assert done.startswith("done: 400 agent steps, 5 episodes, ")
  assert " learner steps" in done and not done.endswith(" 0 learner steps")
  evaluations = workdirs.read_log(workdir / "eval.csv")["episode_return"]
  assert score.startswith(f"score: {evaluations[-1]:,.1f} in the last eval")
  returns = workdirs.read_log(workdir / "train.csv")["episode_return"]
  assert f" {np.mean(returns):,.1f}, the mean of the last 5 " in training
  assert folder == f"all of it is in {workdir}; next:"
  for command, made in zip(commands, (None, "curves.png"), strict=True):
    words = shlex.split(command)
    if made is None:
      words += ["--episodes=1", "--max_episode_frames=40"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    assert made is None or (workdir / made).is_file()


def test_a_run_that_is_complete_says_the_same(finished):
  workdir, output = finished
  arguments = (*_RUN, f"--workdir={workdir}", "--frames=1600")
  again = programs.finish(programs.start(*arguments))
  assert again.splitlines()[0].startswith("the run is complete; a larger")
  assert again.splitlines()[1:] == output.splitlines()[-6:]


def _end(process, code=1):
  """What is on standard error of a failed run, less the progress."""
  _, errors = process.communicate()
  assert process.returncode == code
  return [x for x in errors.splitlines() if not x.startswith("step ")]


def test_a_file_that_cannot_grow_ends_a_run_with_one_line(tmp_path):
  process = subprocess.Popen(
    [
      *("sh", "-c", 'ulimit -f 20; exec "$@"', "sh"),  # blocks of 512 bytes
      *(sys.executable, programs.FOLDER / _RUN[0], *_RUN[1:]),
      *(f"--workdir={tmp_path}", "--frames=1600"),
    ],
    stderr=subprocess.PIPE,
    stdout=subprocess.DEVNULL,
    text=True,
  )
  lines = _end(process)
  assert lines == [
    f"error: {tmp_path}: File too large; the same command goes on from what"
    f" {tmp_path} holds"
  ]
  arguments = (*_RUN, f"--workdir={tmp_path}", "--frames=1600")
  assert "done: 400 agent steps" in programs.finish(programs.start(*arguments))


def test_what_diverges_is_told_in_one_line_and_not_saved(tmp_path):
  arguments = (*_RUN, f"--workdir={tmp_path}", "--frames=1600")
  (line,) = _end(programs.start(*arguments, "--learning_rate=1e30"))
  assert "--learning_rate" in line
  for checkpoint in (tmp_path / "checkpoints").glob("0*"):
    for file in ("policy.npz", "training.npz"):
      with np.load(checkpoint / file) as arrays:
        assert all(np.isfinite(arrays[name]).all() for name in arrays)


def test_a_checkpoint_that_has_diverged_is_no_run_to_go_on_with(
  finished, tmp_path, monkeypatch
):
  """As an earlier version wrote it: neither played nor learned from."""
  workdir, _ = finished
  path = checkpoints.resolve(workdir)
  params = checkpoints.load_params(path)
  params["params"]["head"]["value"]["bias"][:] = np.nan
  manifest = checkpoints.read_manifest(path)
  monkeypatch.setattr(checkpoints, "_check_finite", lambda *_: None)
  broken = checkpoints.save(
    tmp_path, step=400, params=params, manifest=manifest
  )
  for arguments in (
    ("evaluate.py", f"--checkpoint={broken}"),
    ("run_bt.py", "--game=maze_dense", f"--pretrained={broken}"),
  ):
    line = programs.refuse(*arguments)
    assert f"{broken}: policy.npz: params/head/value/bias is not fini" in line


@pytest.mark.parametrize(
  ("damage", "fault"),
  [
    (lambda path: path.unlink(), "no such segment of replay"),
    (lambda path: path.write_bytes(b"no"), "damaged segment of replay, Value"),
  ],
)
def test_a_replay_that_is_damaged_is_told_in_one_line(
  finished, tmp_path, damage, fault
):
  workdir = tmp_path / "run"
  shutil.copytree(finished[0], workdir)
  segment = max((workdir / "replay").iterdir())
  damage(segment)
  process = programs.start(*_RUN, f"--workdir={workdir}", "--frames=3200")
  (line,) = _end(process, code=2)
  assert line.startswith(f"error: {segment}: {fault}")


def test_stopped_runs_say_nothing_of_being_done(tmp_path):
  process = programs.start(*_RUN, f"--workdir={tmp_path}", "--frames=1e6")
  log = tmp_path / "train.csv"
  programs.wait_until(lambda: log.exists() and log.stat().st_size, process)
  process.send_signal(signal.SIGTERM)
  output, _ = process.communicate()
  assert process.returncode == 143
  assert "done" not in output
  assert pathlib.Path(tmp_path / "checkpoints").is_dir()
