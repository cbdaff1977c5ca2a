"""Whole programs: in threads, in processes, and with parts of them killed."""

import csv
import itertools
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import fault_drill
import toy

_TOY = pathlib.Path(toy.__file__)
_EVALUATION_PERIOD = 150


def _column(workdir: pathlib.Path, file: str, name: str) -> list[float]:
  with (workdir / file).open(newline="") as rows:
    return [float(row[name]) for row in csv.DictReader(rows)]


def _check_files(workdir: pathlib.Path, budget: int):
  """All logs are on one axis, and the run is complete."""
  counts = toy.Checkpointer(workdir).latest()
  assert counts.agent_steps >= counts.evaluated >= budget
  for file in ("train.csv", "eval.csv", "learner.csv"):
    steps = _column(workdir, file, "agent_steps")
    assert steps == sorted(steps), file
    assert steps[-1] <= counts.agent_steps
    frames = _column(workdir, file, "frames")
    assert frames == [4 * step for step in steps], file
  episodes = _column(workdir, "train.csv", "episodes")
  assert episodes == list(range(1, len(episodes) + 1))
  assert counts.episodes == len(episodes)
  evaluations = _column(workdir, "eval.csv", "agent_steps")
  assert evaluations[-1] == counts.evaluated
  *_, last_but_one, last = [0, 0, *evaluations]
  assert last_but_one < budget <= last
  # One for each period at most: those that would overlap are left out.
  periods = [step // _EVALUATION_PERIOD for step in evaluations[:-1]]
  assert all(a < b for a, b in itertools.pairwise([0, *periods]))


def test_a_program_of_threads_reaches_its_budget(tmp_path):
  """Two actors of two environments each, and every node leaves by itself.

  One of processes is `test_launching.py`'s.
  """
  workdir, budget = tmp_path / "run", 2_000
  command = [sys.executable, _TOY, workdir, budget, "local_mt", 2, 2]
  with fault_drill.Start(list(map(str, command)), tmp_path / "log") as start:
    assert start.wait() == 0, start.said()
    said = start.said()
  for word in ("killed", "exit code", "ended by", "started again"):
    assert word not in said
  _check_files(workdir, budget)
  # Each environment takes part, and each episode of it has seven steps.
  episodes = len(_column(workdir, "train.csv", "episodes"))
  agent_steps = toy.Checkpointer(workdir).latest().agent_steps
  assert agent_steps // 7 - 4 <= episodes <= agent_steps // 7
  assert not any((workdir / "logs").iterdir())


@pytest.fixture(scope="module")
def drill(tmp_path_factory):
  """One run through all faults: its folder, and the outcome of each."""
  folder = tmp_path_factory.mktemp("drill")
  outcomes = fault_drill.drill(folder, fault_drill.toy_command)
  return folder, {outcome.fault: outcome for outcome in outcomes}


def test_without_its_learner_a_run_ends(drill):
  outcome = drill[1][fault_drill.LEARNER]
  assert outcome.exit_code == 1
  assert "learner/0 was ended by SIGKILL; the run ends" in outcome.said
  assert outcome.seconds < 300
  # No more is lost than what came after the newest checkpoint.
  assert outcome.saved.reached.agent_steps > 0
  assert outcome.resumed == outcome.saved


def test_without_its_replay_a_run_saves_its_learner_and_ends(drill):
  outcome = drill[1][fault_drill.REPLAY]
  assert outcome.exit_code == 1
  assert "replay/0 was ended by SIGKILL; the run ends" in outcome.said
  assert outcome.seconds < 300
  assert outcome.saved.reached.agent_steps >= outcome.before.agent_steps
  assert outcome.saved.reached.learner_steps >= outcome.before.learner_steps
  assert outcome.resumed == outcome.saved
  assert outcome.resumed.replay_items > 0


def test_no_process_outlives_a_program_that_is_killed(drill):
  outcome = drill[1][fault_drill.PROGRAM]
  assert outcome.exit_code == -signal.SIGKILL
  assert outcome.seconds < 300
  assert outcome.resumed == outcome.saved


def test_a_program_that_is_told_to_stop_is_saved(drill):
  outcome = drill[1][fault_drill.STOP]
  assert outcome.exit_code == 128 + signal.SIGTERM
  assert outcome.seconds < 300
  steps = outcome.saved.reached.agent_steps
  assert f"SIGTERM: saved at step {steps:,}" in outcome.said
  assert steps >= outcome.before.agent_steps
  assert outcome.resumed == outcome.saved
  for word in ("killed", "exit code", "ended by", "started again"):
    assert word not in outcome.said


def test_an_actor_is_started_again(drill):
  folder, outcomes = drill
  outcome = outcomes[fault_drill.ACTOR]
  assert outcome.exit_code == 0
  assert "actor/0 was ended by SIGKILL; it is started again" in outcome.said
  stop = outcomes[fault_drill.STOP].saved.reached
  budget = stop.agent_steps + fault_drill.LAST_STEPS
  assert outcome.saved.reached.agent_steps >= budget
  assert outcome.saved.reached.learner_steps > stop.learner_steps
  _check_files(folder / "run", budget)


def test_what_is_saved_only_grows(drill):
  saved = [outcome.saved for outcome in drill[1].values()]
  for before, after in itertools.pairwise(saved):
    assert after.reached.agent_steps > before.reached.agent_steps
    assert after.reached.learner_steps >= before.reached.learner_steps
    assert after.replay_items >= before.replay_items
