"""Pre-training, and what comes of the policies that it leaves."""

import csv
import json
import shutil

import jax
import numpy as np
import pytest

from behavior_transfer.agents import bt, checkpoints, pretrained
from behavior_transfer.experiments import (
  policy_files,
  pretrained_policies,
  tasks,
)
from tests.experiments import programs

KINDS = {
  "ngu": ["--intrinsic_reward=ngu"],
  "rnd": ["--intrinsic_reward=rnd"],
  "constant": ["--intrinsic_reward=constant"],
  "mixture": ["--nounsupervised", "--num_mixtures=3"],
}
TASK = tasks.Task("hero_hard", tasks.EnvironmentOptions())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
  """Workdirs of finished runs of each kind."""
  folder = tmp_path_factory.mktemp("runs")
  started = {
    kind: programs.start(*_command(folder / kind, "--frames=1200", *flags))
    for kind, flags in KINDS.items()
  }
  for process in started.values():
    programs.finish(process)
  return {kind: folder / kind for kind in KINDS}


def _command(workdir, *flags):
  """A run small enough for tests."""
  return (
    "run_ngu.py",
    "--game=hero_hard",
    f"--workdir={workdir}",
    "--intrinsic_steps=5",
    *programs.TINY,
    *flags,
  )


def _rows(path):
  with path.open(newline="") as file:
    return list(csv.DictReader(file))


def test_pre_training_logs_what_it_earned_and_what_it_never_saw(runs):
  rows = _rows(runs["ngu"] / "train.csv")
  unseen = {"native_return", "return_hero_easy", "return_hero_hard"}
  coverage = {"rooms", "positions", "levels", "positions_so_far"}
  own = {"intrinsic_reward", "episodic_reward", "lifelong_factor"}
  assert unseen | coverage | own <= rows[0].keys()
  assert float(rows[-1]["intrinsic_reward"]) > 0
  evaluations = _rows(runs["ngu"] / "eval.csv")
  assert unseen | {"rooms", "positions"} <= evaluations[0].keys()
  learner = _rows(runs["ngu"] / "learner.csv")
  assert {"inverse_model_loss", "predictor_loss"} <= learner[0].keys()
  constant = _rows(runs["constant"] / "train.csv")
  assert {float(row["intrinsic_reward"]) for row in constant} == {1.0}
  assert "mixture_index" in _rows(runs["mixture"] / "train.csv")[0]


def test_the_same_command_goes_on_with_all_networks(runs, tmp_path):
  workdir = shutil.copytree(runs["ngu"], tmp_path / "ngu")
  before = checkpoints.resolve(workdir)
  process = programs.start(*_command(workdir, "--frames=1600"))
  _, errors = process.communicate()
  assert process.returncode == 0, errors
  assert "resumed from step 300" in errors
  after = checkpoints.resolve(workdir)
  with (
    np.load(before / "training.npz") as old,
    np.load(after / "training.npz") as new,
  ):
    assert old.files == new.files
    (count,) = (name for name in old.files if name.endswith("pixels/count"))
    assert new[count] > old[count] > 0


def test_its_workdir_is_what_run_bt_takes(runs, tmp_path):
  names = ",".join(map(str, runs.values()))
  output = programs.finish(
    programs.start(
      "run_bt.py",
      "--game=hero_hard",
      f"--pretrained={names}",
      "--initial_weights=partial",
      f"--workdir={tmp_path / 'bt'}",
      "--frames=1200",
      *programs.TINY,
    )
  )
  assert "initial weights: loaded 9 " in output
  (newest, *_) = sorted((tmp_path / "bt" / "checkpoints").iterdir())[::-1]
  manifest = json.loads((newest / "manifest.json").read_text())
  assert manifest["pretrained"] == list(map(str, runs.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_its_weights_may_be_taken_over_in_all_three_ways(kind, runs):
  spec, action_set = TASK.describe()
  policy = pretrained.load(str(runs[kind]), spec, action_set=action_set)
  networks = bt.make_networks(spec, "tiny", pretrained=[policy])
  loaded = {}
  for mode in ("none", "partial", "full"):
    _, report = bt.initial_params(networks, mode, jax.random.PRNGKey(0))
    loaded[mode] = len(report.loaded), len(report.grown), len(report.fresh)
  assert loaded == {
    "none": (0, 0, 17),
    "partial": (9, 0, 8),
    "full": (15, 2, 0),
  }


def test_the_first_policy_of_a_mixture_is_what_acts(runs):
  spec, _ = TASK.describe()
  path = checkpoints.resolve(runs["mixture"])
  kernel = checkpoints.load_params(path)["params"]["lstm"]["input"]["kernel"]
  folded = pretrained.load(str(path), spec).params
  assert folded["params"]["lstm"]["input"]["kernel"].shape[0] == (
    kernel.shape[0] - 3
  )


def test_another_observation_size_is_refused(runs):
  line = programs.refuse(
    "run_bt.py",
    "--game=hero_hard",
    f"--pretrained={runs['ngu']}",
    "--num_stacked=2",
  )
  assert "observes uint8 (84, 84, 1); the task gives uint8 (84, 84, 2)" in line


def test_an_exported_policy_is_the_runs_without_its_training(
  runs, tmp_path, monkeypatch
):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  output = tmp_path / "explorer.zip"
  arguments = (f"--checkpoint={runs['ngu']}", f"--output={output}")
  printed = programs.finish(programs.start("export.py", *arguments))
  assert f"sha256={policy_files.sha256(output)}\n" in printed
  folder = policy_files.folder_of(str(output))
  assert {p.name for p in folder.iterdir()} == {"manifest.json", "policy.npz"}
  original = checkpoints.load_params(checkpoints.resolve(runs["ngu"]))
  copy = checkpoints.load_params(folder)
  assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), original, copy))
  assert "it is there" in programs.refuse("export.py", *arguments)


@pytest.mark.parametrize("game", ["hero_hard", "maze_far"])
def test_chance_plays_with_whatever_actions_there_are(game):
  options = tasks.EnvironmentOptions(full_action_set=False)
  task = tasks.Task(game, options)
  _, action_set = task.describe()
  assert len(action_set) in (5, 14, 18)
  (policy,) = pretrained_policies.load(["random"], task).policies
  state, seen = policy.init(jax.random.PRNGKey(0)), set()
  for _ in range(200):
    action, state = policy.select_action(None, state)
    seen.add(int(action))
  assert seen == set(range(len(action_set)))
  if len(action_set) != 18:
    with pytest.raises(ValueError, match="scripted:hero needs the 18 actions"):
      pretrained_policies.load(["scripted_hero"], task)


def test_a_function_is_tried_where_its_actions_are_counted(monkeypatch):
  make, seeds = tasks.Task.make, []
  monkeypatch.setattr(
    tasks.Task,
    "make",
    lambda task, seed: seeds.append(seed) or make(task, seed),
  )
  pretrained_policies.load(["scripted_hero"], TASK)
  assert seeds == [0]


@pytest.mark.parametrize("name", sorted(pretrained_policies.BUNDLED))
def test_bundled_policies_are_found_by_name(name):
  loaded = pretrained_policies.load([name], TASK)
  (policy,) = loaded.policies
  state = policy.init(jax.random.PRNGKey(0))
  with TASK.make(seed=0) as environment:
    timestep = environment.reset()
    for _ in range(3):
      action, state = policy.select_action(timestep.observation, state)
      timestep = environment.step(int(action))
  if loaded.checkpoints[0] is not None:
    assert loaded.names == (name,)  # and not where this checkout lies
