"""The programs in a row, as a user would type them, at tiny sizes."""

import csv
import json
import shutil
import subprocess

import imageio
import numpy as np
import pytest

from behavior_transfer.experiments import pretrained_policies, workdirs
from tests.experiments import programs


@pytest.fixture(scope="module")
def r2d2_run(tmp_path_factory):
  """A finished R2D2 run on hero."""
  workdir = tmp_path_factory.mktemp("runs") / "r2d2"
  programs.finish(
    programs.start(
      "run_r2d2.py",
      "--game=hero",
      f"--workdir={workdir}",
      "--frames=1200",
      *programs.TINY,
    )
  )
  return workdir


@pytest.fixture(scope="module")
def source(r2d2_run):
  """The R2D2 run as it was before its last checkpoint."""
  folder = r2d2_run.parent / "source"
  shutil.copytree(r2d2_run, folder)
  shutil.rmtree(_newest(folder))
  return folder


@pytest.fixture(scope="module")
def bt_command(r2d2_run, source):
  """A BT run from two policies: what the R2D2 run learned, and the script."""
  workdir = r2d2_run.parent / "bt"
  return (
    "run_bt.py",
    "--game=hero_hard",
    f"--pretrained={source},scripted_hero",
    "--initial_weights=partial",
    f"--workdir={workdir}",
    *programs.TINY,
  )


@pytest.fixture(scope="module")
def bt_run(r2d2_run, source, bt_command):
  """Its workdir, once it was killed in mid-run, restarted, and finished.

  What it transfers from is gone soon after its first start.
  """
  workdir = r2d2_run.parent / "bt"
  killed = programs.start(*bt_command, "--frames=100000000")
  checkpoints = workdir / "checkpoints"
  for number in (1, 3):
    programs.wait_until(
      lambda n=number: len(list(checkpoints.glob("[0-9]*"))) >= n, killed
    )
    if source.exists():
      source.rename(source.with_name("moved"))
  killed.kill()
  output, _ = killed.communicate()
  shutil.copy(workdir / "coverage.npz", workdir.parent / "killed.npz")
  assert "initial weights" in output
  step = int(max(path.name for path in checkpoints.glob("[0-9]*")))
  frames = 4 * step + 1200
  process = programs.start(*bt_command, f"--frames={frames}")
  output, errors = process.communicate()
  assert process.returncode == 0, errors
  assert "initial weights" not in output
  assert f"resumed from step {step:,}" in errors
  return workdir


def _rows(path):
  with path.open(newline="") as file:
    return list(csv.DictReader(file))


def _newest(workdir):
  return max((workdir / "checkpoints").glob("[0-9]*"))


def _first_visits(path):
  with np.load(path) as arrays:
    cells = map(tuple, arrays["cells"].tolist())
    return dict(zip(cells, arrays["steps"].tolist(), strict=True))


def _manifest(workdir):
  return json.loads((_newest(workdir) / "manifest.json").read_text())


def _policy_sum(checkpoint):
  manifest = json.loads((checkpoint / "manifest.json").read_text())
  return manifest["files"]["policy.npz"]["sha256"]


def test_run_leaves_its_files(r2d2_run):
  manifest = _manifest(r2d2_run)
  assert (manifest["agent"], manifest["game"]) == ("r2d2", "hero")
  assert manifest["agent_steps"] == 300
  assert manifest["frames"] == 1200
  assert manifest["learner_steps"] > 0
  run = json.loads((r2d2_run / "run.json").read_text())
  assert run["identity"]["config"]["batch_size"] == 2
  train = _rows(r2d2_run / "train.csv")
  assert [int(row["frames"]) for row in train] == [320, 640, 960]
  of_an_episode = {"native_return", "event_miner", "random", "positions"}
  of_an_episode |= {"return_hero_easy", "return_hero_hard", "levels", "rooms"}
  so_far = {"rooms_so_far", "positions_so_far"}
  assert of_an_episode | so_far <= train[0].keys()
  assert train[0]["positions_so_far"] == train[0]["positions"]
  evaluations = _rows(r2d2_run / "eval.csv")
  assert of_an_episode <= evaluations[0].keys()
  assert not so_far & evaluations[0].keys()
  assert [int(row["agent_steps"]) for row in evaluations] == [200, 300]


def test_run_goes_on_after_a_kill(bt_run):
  manifest = _manifest(bt_run)
  train = _rows(bt_run / "train.csv")
  steps = [int(row["agent_steps"]) for row in train]
  assert steps == sorted(set(steps))
  assert steps[-1] <= manifest["agent_steps"]
  assert {"flight", "extra_action"} <= train[0].keys()
  for row in train:
    assert row["return_hero_hard"] == row["episode_return"]
  visited = _first_visits(bt_run / "coverage.npz")
  for row in train:
    so_far = [s for s in visited.values() if s <= int(row["agent_steps"])]
    assert int(row["positions_so_far"]) == len(so_far)
  at_kill = _first_visits(bt_run.parent / "killed.npz")
  step = manifest["agent_steps"] - 300
  kept = {cell: s for cell, s in at_kill.items() if s <= step}
  assert kept and kept.items() <= visited.items()
  folder = bt_run / "checkpoints" / f"{manifest['agent_steps']:012d}"
  with np.load(folder / "training.npz") as arrays:
    assert int(arrays["steps"]) == manifest["learner_steps"] > 0


def test_run_keeps_what_it_transfers_from(bt_run, source, r2d2_run):
  moved = source.with_name("moved")
  kept, saved = (f / "pretrained_0" for f in (bt_run, _newest(bt_run)))
  assert _policy_sum(kept) == _policy_sum(saved) == _policy_sum(_newest(moved))
  assert {p.name for p in kept.iterdir()} == {"manifest.json", "policy.npz"}
  assert not (bt_run / "pretrained_1").exists()  # a function

  def changed(name):
    names = (str(name),)
    return pretrained_policies.changed(
      pretrained_policies.Pretrained(names, (), (kept,))
    )

  assert changed(source) == []  # is gone
  assert changed(moved) == []
  assert changed(r2d2_run) == [str(r2d2_run)]  # went on since


def test_a_finished_run_says_so(bt_run, bt_command):
  frames = _manifest(bt_run)["frames"]
  before = _manifest(bt_run)
  output = programs.finish(programs.start(*bt_command, f"--frames={frames}"))
  assert "the run is complete" in output
  assert _manifest(bt_run) == before


def test_another_run_is_kept_out(bt_run, bt_command):
  line = programs.refuse(*bt_command, "--epsilon_levy=0.1", "--seed=1")
  assert f"{bt_run} belongs to another run" in line
  assert "epsilon_levy is 0.1, there it is 0.04" in line
  assert "seed is 1, there it is 0" in line


def test_evaluation(bt_run, tmp_path):
  output, film = tmp_path / "result.json", tmp_path / "episode.mp4"
  programs.finish(
    programs.start(
      "evaluate.py",
      f"--checkpoint={bt_run}",
      "--episodes=2",
      f"--output={output}",
      f"--video={film}",
    )
  )
  result = json.loads(output.read_text())
  protocol = result["protocol"]
  assert protocol["game"] == "hero_hard"
  assert protocol["epsilon"] == 0.01
  assert protocol["max_episode_frames"] == 320
  assert protocol["action_repeat"] == 4
  first, second = result["episodes"]
  assert first["seed"] != second["seed"]
  assert first["flight"] == 0  # off at evaluation
  assert 0 <= first["extra_action"] <= 1
  assert {"episode_return", "native_return", "event_wall"} <= first.keys()
  mean = (first["episode_return"] + second["episode_return"]) / 2
  assert result["summary"]["episode_return"]["mean"] == mean
  assert first["episode_length"] == 80
  with imageio.get_reader(film) as reader:
    assert reader.count_frames() == 80


def test_evaluation_can_be_repeated(r2d2_run, tmp_path):
  results = []
  for index in range(2):
    path = tmp_path / f"{index}.json"
    programs.finish(
      programs.start(
        "evaluate.py",
        f"--checkpoint={r2d2_run}",
        "--game=hero_easy",
        "--episodes=1",
        "--seed=5",
        f"--output={path}",
      )
    )
    results.append(json.loads(path.read_text()))
  assert results[0]["protocol"]["trained_on"] == "hero"
  assert results[0]["episodes"] == results[1]["episodes"]


def test_curves(bt_run):
  output = programs.finish(programs.start("plot_run.py", f"--workdir={bt_run}"))
  picture = imageio.imread(bt_run / "curves.png")
  assert "curves.png" in output
  assert len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 10


def test_policies_that_do_not_fit_are_refused(r2d2_run, tmp_path):
  command = (
    "run_bt.py",
    f"--pretrained={r2d2_run}",
    f"--workdir={tmp_path / 'run'}",
  )
  line = programs.refuse(*command, "--game=pong", "--nofull_action_set")
  assert "has 18 actions; the task has 6" in line
  line = programs.refuse(*command, "--game=hero", "--num_stacked=4")
  assert "observes uint8 (84, 84, 1)" in line
  assert not (tmp_path / "run").exists()


def test_a_damaged_checkpoint_is_refused(r2d2_run, tmp_path):
  newest = max((r2d2_run / "checkpoints").glob("[0-9]*"))
  damaged = tmp_path / "damaged"
  damaged.mkdir()
  for file in newest.iterdir():
    content = bytearray(file.read_bytes())
    if file.name == "policy.npz":
      content[len(content) // 2] ^= 1
    (damaged / file.name).write_bytes(content)
  line = programs.refuse("evaluate.py", f"--checkpoint={damaged}")
  assert "policy.npz is corrupt" in line


def test_settings_are_printed_with_their_sources():
  output = programs.finish(
    programs.start(
      "run_r2d2.py",
      "--print_config",
      "--discount=0.9",
      "--workdir=/nowhere",
      "--noop_max=0",
    )
  )
  assert "workdir = /nowhere  # command line" in output
  assert "frames = 400000  # preset small" in output
  assert "noop_max = 0  # command line" in output
  assert "action_repeat = 4  # default" in output
  assert "discount = 0.9  # command line" in output
  assert "batch_size = 8  # preset small" in output
  assert "rescale_epsilon = 0.001  # R2D2" in output
  assert "can travel back 960 steps" in output


_MY_POLICY = """
def act(observation, prev_action, state, rng):
  return 0, None
"""


def test_policies_are_found_in_the_current_folder(r2d2_run, tmp_path):
  (tmp_path / "my_policy.py").write_text(_MY_POLICY)
  shutil.copytree(_newest(r2d2_run), tmp_path / "final:best")
  output = programs.finish(
    programs.start(
      "run_bt.py",
      "--pretrained=my_policy:act,final:best",  # a function and a checkpoint
      "--print_config",
      cwd=tmp_path,
    )
  )
  assert "pretrained = my_policy:act  # command line" in output
  assert "pretrained = final:best" in output


@pytest.mark.parametrize(("top", "known"), [(".", False), ("package", True)])
def test_the_commit_is_that_of_the_package(tmp_path, monkeypatch, top, known):
  package = tmp_path / "package"
  package.mkdir()
  name = ("-c", "user.name=a", "-c", "user.email=a@b")
  for command in (["init"], [*name, "commit", "--allow-empty", "-m", "a"]):
    subprocess.run(["git", *command], cwd=tmp_path / top, check=True)
  module = package / "experiments" / "workdirs.py"
  monkeypatch.setattr(workdirs, "__file__", str(module))
  workdirs.Workdir(tmp_path / "run", {})
  run = json.loads((tmp_path / "run" / "run.json").read_text())
  assert (run["commit"] is not None) == known


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_what_fits_a_screen_or_two(flag):
  output = programs.finish(programs.start("run_bt.py", flag))
  assert "\nrun:\n" in output and "`games.py list`" in output
  assert output.count("\n") < 80
  assert "--epsilon_levy" not in output
  assert output.endswith("the flags of the environment and the agent.\n")


def test_full_help_is_grouped():
  output = programs.finish(programs.start("run_bt.py", "--helpfull"))
  for group in ("run:", "environment:", "agent:"):
    assert f"\n{group}\n" in output
  assert "--epsilon_levy" in output
  assert "--replay_table_name" not in output
  assert "108000" not in output  # the preset decides
