"""Studies: what they consist of, and that each run is made once."""

import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import imageio.v2 as imageio
import pytest

from behavior_transfer import envs
from behavior_transfer.experiments import studies
from behavior_transfer.experiments.studies import (
  arms,
  publish,
  results,
  scales,
  study,
  suites,
)
from tests.experiments import programs, tiny_study

_ROOT = pathlib.Path(__file__).parents[2]


def _plan(name: str, scale: str) -> list[study.Run]:
  return study.plan(studies.STUDIES[name], scales.SCALES[scale])


@pytest.mark.parametrize("scale", scales.SCALES)
@pytest.mark.parametrize("name", studies.STUDIES)
def test_what_a_run_needs_comes_before_it(name, scale):
  made: set[str] = set()
  for run in _plan(name, scale):
    assert run.name not in made
    assert made.issuperset(run.needs)
    assert run.frames > 0
    made.add(run.name)


def test_seeds_take_several_pretrained_policies_in_turns():
  runs = _plan("miniature", "miniature")
  policies = [run.name for run in runs if run.arm == "ngu"]
  assert policies == [
    "pretraining/maze/ngu/240000",
    "pretraining/maze/ngu/240000@1",
    "pretraining/maze/ngu/240000@2",
  ]
  for seed, policy in enumerate(policies):
    (run,) = [run for run in runs if run.name == policy]
    assert f"--seed={seed}" in run.command
    assert f"--workdir={{folder}}/{policy}" in run.command
  for seed in range(5):
    (run,) = [run for run in runs if run.name == f"maze_far/bt_ngu/{seed}"]
    assert run.needs == (policies[seed % 3],)
    assert f"--pretrained={{folder}}/{policies[seed % 3]}" in run.command


def test_figure3_is_57_games_4_arms_3_seeds_and_2_pretrainings():
  process = programs.start(
    "run_study.py", "--study=figure3", "--scale=paper", "--dry_run"
  )
  lines = programs.finish(process).splitlines()
  commands = [line for line in lines if line.startswith("python ")]
  assert len(commands) == len(set(commands)) == 57 * (4 * 3 + 2)
  assert lines[-1].startswith("798 runs, 798 left, ")
  pretrainings = [line for line in commands if "run_ngu.py" in line]
  assert len(pretrainings) == 57 * 2
  assert all("--frames=16000000000" in line for line in pretrainings)
  others = [line for line in commands if "run_ngu.py" not in line]
  assert all("--frames=5000000000" in line for line in others)
  assert sum("--exploration=ez_greedy" in line for line in others) == 57 * 3


def test_one_pretrained_policy_serves_all_tasks_of_a_game():
  runs = _plan("figure5", "laptop")
  names = {run.name for run in runs if "run_ngu.py" in run.command}
  assert names == {
    f"pretraining/{game}/{reward}/6000000"
    for game in ("hero", "ms_pacman")
    for reward in ("ngu", "rnd")
  }
  by_name = {run.name: run for run in runs}
  for task in ("hero", "hero_easy", "hero_hard"):
    assert by_name[f"{task}/bt_ngu/2"].needs == (
      "pretraining/hero/ngu/6000000",
    )


def test_budgets_of_pretraining_are_told_apart():
  runs = [run for run in _plan("figure2", "paper") if "pong" in run.name]
  assert {run.name for run in runs if "pretraining" in run.name} == {
    *(
      f"pretraining/pong/ngu/{frames}"
      for frames in (1_000_000_000, 4_000_000_000, 16_000_000_000)
    ),
    "pretraining/pong/rnd/16000000000",
    "pretraining/pong/constant/16000000000",
  }
  learning = [run for run in runs if "pretraining" not in run.name]
  assert len(learning) == len({run.name for run in learning}) == 3 * 3


def test_suites_are_games_of_the_57():
  assert len(suites.ATARI_57) == 57
  assert set(suites.HARD_EXPLORATION) <= set(suites.ATARI_57)
  assert set(suites.ABLATION) <= set(suites.ATARI_57)
  assert len(suites.ABLATION) == 12
  every = {*suites.ATARI_57, *suites.MODDED}
  assert every <= set(envs.names())


@pytest.mark.parametrize("name", sorted(arms.ARMS))
def test_programs_take_the_flags_of_an_arm(name):
  arm = arms.ARMS[name]
  run = next(
    run
    for run in study.plan(
      study.Study("one", "", games=("hero",), arms=(name,)),
      scales.SCALES["laptop"],
    )
    if name in run.name
  )
  program, *flags = run.fill_in(pathlib.Path("none"))
  flags = [f for f in flags if not f.startswith("--pretrained=none/")]
  if arm.pretraining is not None:
    flags.append("--pretrained=hero_ngu")
  printed = programs.finish(programs.start(program, *flags, "--print_config"))
  for flag, value in arm.flags.items():
    assert f"{flag} = {value}  # command line" in printed


def _start(folder: pathlib.Path) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, "-m", "tests.experiments.tiny_study", folder],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    cwd=_ROOT,
    start_new_session=True,
  )


def test_killed_and_shared_it_makes_each_run_once(tmp_path):
  """SIGKILL in the middle of a run, then two at once to the end."""
  folder = tmp_path / "here"
  first, *_ = tiny_study.RUNS
  checkpoints = folder / first.name / "checkpoints"
  killed = _start(folder)
  try:
    programs.wait_until(lambda: list(checkpoints.glob("[0-9]*")), killed)
  finally:
    os.kill(killed.pid, 9)
    killed.communicate()
  both = [_start(folder) for _ in range(2)]
  outputs = [process.communicate()[0] for process in both]
  for process, output in zip(both, outputs, strict=True):
    assert process.returncode == 0, output
    # Each waits for what the other runs.
    assert output.splitlines()[-1] == "3 done, 0 left, 0 failed, 0 elsewhere"
  for run in tiny_study.RUNS:
    with (folder / run.name / "train.csv").open(newline="") as file:
      steps = [int(row["agent_steps"]) for row in csv.DictReader(file)]
    assert steps == sorted(set(steps)), run.name
    started = sum(f"] {run.name}\n" in output for output in outputs)
    assert started <= 1, run.name
  _expect_report(folder)
  _expect_the_same_report_from_its_logs(folder)
  _expect_it_may_be_moved(folder, tmp_path / "there")


def _publish(folder: pathlib.Path) -> pathlib.Path:
  study_, scale = tiny_study.STUDY, tiny_study.SCALE
  results.check_folder(tiny_study.RUNS, folder)
  done = publish.read(study_, scale, folder)
  output = folder / "report"
  output.mkdir(exist_ok=True)
  summary = publish.write(study_, scale, folder, done, output)
  assert summary.startswith("3 of 3 runs are complete")
  return output


def _expect_report(folder: pathlib.Path):
  output = _publish(folder)
  page = (output / "report.html").read_text()
  for run in tiny_study.RUNS:
    assert f"--workdir=FOLDER/{run.name}" in page
    assert f"<a href='../{run.name}'>{run.name}</a>" in page
  for name in ("curves", "finals", "extra_action"):
    assert f"<img src={name}.svg" in page
    assert imageio.imread(output / f"{name}.png").std() > 0
    drawing = (output / f"{name}.svg").read_text()
    assert drawing.rstrip().endswith("</svg>")
    assert "BT(π NGU)" in drawing  # its legend, in a comment
  with (output / "scores.csv").open(newline="") as file:
    rows = list(csv.DictReader(file))
  assert [row["seeds"] for row in rows] == ["1", "1"]
  for row, arm in zip(rows, ("r2d2", "bt_ngu"), strict=True):
    with (folder / f"maze_far/{arm}/0/eval.csv").open(newline="") as file:
      returns = [float(r["episode_return"]) for r in csv.DictReader(file)]
    assert float(row["return over all evaluations"]) == pytest.approx(
      sum(returns) / len(returns), rel=1e-3
    )


def _expect_the_same_report_from_its_logs(folder: pathlib.Path):
  output, unpacked = folder / "report", folder / "unpacked"
  with zipfile.ZipFile(output / "runs.zip") as logs:
    logs.extractall(unpacked)
  again = _publish(unpacked)
  for name in ("report.md", "scores.csv", "runs.zip", "curves.png"):
    assert (again / name).read_bytes() == (output / name).read_bytes()
  for run in tiny_study.RUNS:
    packed, logged = (at / run.name / "eval.csv" for at in (unpacked, folder))
    assert packed.read_bytes() == logged.read_bytes()


def _expect_it_may_be_moved(folder: pathlib.Path, there: pathlib.Path):
  """What a run transfers from is found by where it lies beside it."""
  folder.rename(there)
  pretraining, *_ = (run for run in tiny_study.RUNS if run.arm == "ngu")
  (learner,) = (run for run in tiny_study.RUNS if run.needs)
  process = programs.start(*learner.fill_in(there))
  assert "the run is complete" in programs.finish(process)
  # Nobody needs its checkpoints any more, until somebody does.
  shutil.rmtree(there / pretraining.name / "checkpoints")
  assert not results.needed(tiny_study.RUNS, there)
  assert results.is_done(pretraining, there, needed=set())
  (there / learner.name / "eval.csv").unlink()
  assert results.needed(tiny_study.RUNS, there) == {pretraining.name}
  assert not results.is_done(pretraining, there, needed={pretraining.name})


@pytest.mark.parametrize("program", ["plot.py", "run_study.py"])
def test_a_folder_of_another_study_is_refused(program, tmp_path):
  workdir = tmp_path / "maze_far" / "r2d2" / "0"
  workdir.mkdir(parents=True)
  command = ["python", "run_r2d2.py", "--frames=5", f"--workdir={workdir}"]
  (workdir / "run.json").write_text(json.dumps({"command": command}))
  line = programs.refuse(program, "--study=miniature", f"--folder={tmp_path}")
  assert f"{workdir} was started with --frames=5; this study and scale" in line
  assert "--frames=112000" in line


def test_a_study_without_results_is_refused(tmp_path):
  line = programs.refuse("plot.py", "--study=figure5", f"--folder={tmp_path}")
  assert f"{tmp_path} holds no complete run of figure5 at scale laptop" in line
  assert not any(tmp_path.iterdir())


def test_a_study_must_be_named():
  for program in ("run_study.py", "plot.py"):
    assert "--study is missing; it is one of" in programs.refuse(program)
