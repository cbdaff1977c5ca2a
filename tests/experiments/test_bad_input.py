"""Input that cannot be used: one line that says why, before any work."""

import subprocess
import sys

import pytest

from behavior_transfer.experiments import workdirs
from tests.experiments import programs

_BT = ("run_bt.py", "--pretrained=scripted_hero")


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ((*_BT, "--game=hero_hrd"), "did you mean hero_hard"),
    ((*_BT, "--batch_size=0"), "batch_size is 0"),
    ((*_BT, "--learning_rate=inf"), "learning_rate is inf; it must be"),
    ((*_BT, "--replay_ratio=1e300"), "replay_ratio is 1e+300; it must be"),
    (
      (*_BT, "--max_replay_size=3000000000", "--allow_large_replay"),
      "max_replay_size is 3000000000; it must be an integer from 1 to",
    ),
    (
      (*_BT, "--target_update_period=3e9"),
      "target_update_period is 3000000000; it must be",
    ),
    ((*_BT, "--frames=1.5"), "--frames=1.5: it must be a whole number"),
    (
      (*_BT, "--frames=1e3", "--envs_per_actor=1000"),
      "250 agent steps, which is less than one in each of 1,000 environments",
    ),
    (("run_bt.py", "--pretrained=,"), "the name of a policy is empty"),
    (("evaluate.py", "--checkpoint="), "the name of a policy is empty"),
    (
      ("run_bt.py", "--pretrained=math:hypot"),
      "policy 'math:hypot' cannot be used",
    ),
    (
      ("run_ngu.py", "--memory_capacity=1e6", "--embedding_size=65536"),
      "by --memory_capacity, and this machine has",
    ),
    (
      (*_BT, "--min_replay_size=600", "--max_replay_size=500"),
      "min_replay_size is 600; it must be at most max_replay_size (500)",
    ),
    ((*_BT, "--noop_max=-1"), "noop_max: got -1"),
    ((*_BT, "--bathc_size=1"), "bathc_size"),
    ((*_BT, "frames=100"), "unexpected argument 'frames=100'"),
    ((*_BT, "--initial_weights=full"), "has no weights"),
    (("run_bt.py",), "--pretrained is missing"),
    (("run_bt.py", "--pretrained=no/such"), "no/such: there is no such folder"),
    (("run_bt.py", "--pretrained=no.module:f"), "no.module"),
    (
      ("run_bt.py", "--game=pong", "--pretrained=/tmp"),
      "--pretrained: /tmp: holds no checkpoint",
    ),
    (
      ("run_r2d2.py", "--workdir=/proc/run"),
      "--workdir is /proc/run, which cannot be written",
    ),
    (
      ("run_r2d2.py", "--num_actors=2"),
      "--num_actors is 2; with --launch=local it must be 1",
    ),
    (("run_r2d2.py", "--launch=local_mp", "--num_actors=0"), "num_actors"),
    (("run_r2d2.py", "--envs_per_actor=0"), "envs_per_actor"),
    (("run_r2d2.py", "--launch=slurm"), "slurm"),
    (
      ("run_r2d2.py", "--learner_gpus=0,one"),
      "--learner_gpus is '0,one'; it must be numbers",
    ),
    (("evaluate.py", "--checkpoint=scripted_hero"), "give --game"),
    (
      (
        "evaluate.py",
        "--checkpoint=scripted_hero",
        "--game=hero",
        "--video=a.webm",
      ),
      "a.webm: a video ends in .gif or .mp4",
    ),
    (
      (
        "evaluate.py",
        "--checkpoint=scripted_hero",
        "--game=hero",
        "--output=/tmp",
      ),
      "/tmp is a folder",
    ),
    (
      (
        "evaluate.py",
        "--checkpoint=scripted_hero",
        "--game=hero",
        "--video=/proc/a.gif",
      ),
      "/proc/a.gif cannot be written: No such file",
    ),
    (
      ("plot_run.py", "--workdir=/tmp/no/such"),
      "/tmp/no/such: there is no such folder",
    ),
  ],
)
def test_bad_input_is_refused(arguments, message):
  assert message in programs.refuse(*arguments)


@pytest.mark.parametrize(
  "script",
  [
    "evaluate.py",
    "export.py",
    "games.py",
    "plot.py",
    "plot_run.py",
    "run_bt.py",
    "run_ngu.py",
    "run_r2d2.py",
    "run_study.py",
  ],
)
def test_each_program_starts_by_itself_and_knows_its_flags(script, tmp_path):
  result = subprocess.run(
    [sys.executable, programs.FOLDER / script, "--bathc_size=1"],
    capture_output=True,
    text=True,
    cwd=tmp_path,
  )
  outputs = [result.stdout, result.stderr]
  assert "bathc_size" in programs.refusal(outputs, result.returncode)


def test_a_folder_with_other_things_is_no_workdir(tmp_path):
  (tmp_path / "thesis.tex").touch()
  line = programs.refuse("run_r2d2.py", f"--workdir={tmp_path}")
  assert "not empty and holds no run.json" in line


@pytest.mark.parametrize("content", ["{}", '{"identity": {', "[1]"])
def test_a_foreign_run_file_is_named(tmp_path, content):
  (tmp_path / "run.json").write_text(content)
  message = "run.json is damaged or another program's"
  with pytest.raises(workdirs.WorkdirError, match=message):
    workdirs.read_identity(tmp_path)
  with pytest.raises(workdirs.WorkdirError, match=message):
    workdirs.Workdir(tmp_path, {})
  assert (tmp_path / "run.json").read_text() == content


def test_a_foreign_run_file_is_refused(tmp_path):
  (tmp_path / "run.json").write_text("{}")
  (tmp_path / "train.csv").write_text("frames,episode_return\n4,1\n")
  for program in ("run_r2d2.py", "plot_run.py"):
    line = programs.refuse(program, f"--workdir={tmp_path}")
    assert f"{tmp_path}/run.json is damaged" in line
