"""What the nodes of a program are told, without any of them."""

import csv
import dataclasses
import pathlib
import sys

import pytest

from behavior_transfer.launch import coordinator as coordinator_lib
from behavior_transfer.launch import episodes, experiment, progress
from behavior_transfer.launch.coordinator import Order, Phase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import toy

_SECONDS = {"environment": 1.0}
_EMPTY = progress.ReplayStatus(capacity=200)


class _History(experiment.History):
  """Notes what is asked of it."""

  def __init__(self):
    self.seen, self.saves, self.restored = [], 0, None

  def record(self, row, agent_steps):
    self.seen.append(agent_steps)
    return {**row, "seen": len(self.seen)}

  def save(self):
    self.saves += 1

  def restore(self, agent_steps):
    self.restored = agent_steps


@pytest.fixture
def history():
  return _History()


@pytest.fixture
def make(tmp_path, history):
  """Makes coordinators of a run of 400 steps; closes them."""
  made = []

  def make_one(resumed=None, **changes):
    plan = toy.make_experiment(tmp_path, history=history, **changes)
    made.append(coordinator_lib.Coordinator(plan, resumed))
    return made[-1]

  yield make_one
  for coordinator in made:
    coordinator.close()


def _acted(coordinator, steps, returns=(), actor=0):
  """Whether an actor with these steps and episodes is to go on."""
  ended = [
    episodes.Episode({"episode_return": r, "episode_length": 7}, {})
    for r in returns
  ]
  return coordinator.acted(actor, steps, ended, _SECONDS)


def _rows(folder, file):
  with (folder / file).open(newline="") as lines:
    return list(csv.DictReader(lines))


def _evaluated(coordinator, agent_steps):
  coordinator.evaluated([{"episode_return": 2.0}], agent_steps)


def test_a_run_goes_through_its_phases(make):
  coordinator = make()
  assert coordinator.join(0) == 0
  assert _acted(coordinator, 399)
  assert coordinator.learned(1, _EMPTY) == Order.SAVE  # 399 of 100
  coordinator.begin_save(1)
  assert coordinator.learned(2, _EMPTY) == Order.GO_ON
  assert coordinator.phase() == Phase.RUNNING

  assert not _acted(coordinator, 2, actor=1)
  assert coordinator.phase() == Phase.EVALUATING
  assert not _acted(coordinator, 50)  # too late to count
  assert coordinator.join(2) == 401
  assert coordinator.learned(2, _EMPTY) == Order.WAIT
  assert coordinator.evaluation() == (Order.GO_ON, 401)

  _evaluated(coordinator, 401)
  assert coordinator.phase() == Phase.SAVING
  assert coordinator.evaluation() == (Order.LEAVE, 401)
  assert coordinator.learned(2, _EMPTY) == Order.LEAVE
  counts, with_replay = coordinator.begin_save(2)
  assert (counts.agent_steps, counts.learner_steps) == (401, 2)
  assert counts.evaluated == 401
  assert with_replay
  coordinator.saved_last()
  assert coordinator.phase() == Phase.DRAINING
  coordinator.end()
  assert coordinator.phase() == Phase.OVER


def test_without_evaluations_it_saves_once_the_budget_is_spent(make):
  coordinator = make(evaluation_episodes=0)
  assert not _acted(coordinator, 400)
  assert coordinator.phase() == Phase.SAVING


def test_an_evaluation_is_logged_at_the_step_at_which_it_began(make, tmp_path):
  coordinator = make()
  assert coordinator.evaluation() == (Order.WAIT, 0)
  _acted(coordinator, 160)
  assert coordinator.evaluation() == (Order.GO_ON, 160)
  _acted(coordinator, 90)
  _evaluated(coordinator, 160)
  assert coordinator.evaluation() == (Order.WAIT, 250)
  (row,) = _rows(tmp_path, "eval.csv")
  assert (row["agent_steps"], row["frames"]) == ("160", "640")
  assert coordinator.begin_save(0)[0].evaluated == 160


def test_an_evaluation_under_way_at_the_end_is_not_the_last(make, tmp_path):
  coordinator = make()
  _acted(coordinator, 310)
  _, began = coordinator.evaluation()
  _acted(coordinator, 90)
  _evaluated(coordinator, began)
  assert coordinator.phase() == Phase.EVALUATING
  assert coordinator.evaluation() == (Order.GO_ON, 400)
  _evaluated(coordinator, 400)
  assert coordinator.phase() == Phase.SAVING
  steps = [row["agent_steps"] for row in _rows(tmp_path, "eval.csv")]
  assert steps == ["310", "400"]


def test_an_evaluation_that_a_checkpoint_misses_is_played_again(make, tmp_path):
  coordinator = make()
  _acted(coordinator, 160)
  _evaluated(coordinator, 160)
  _acted(coordinator, 150)
  resumed, _ = coordinator.begin_save(0)
  _evaluated(coordinator, 310)
  resumed = make(dataclasses.replace(resumed))
  assert resumed.evaluation() == (Order.GO_ON, 310)
  _evaluated(resumed, 310)
  steps = [row["agent_steps"] for row in _rows(tmp_path, "eval.csv")]
  assert steps == ["160", "310"]


def test_counts_add_up_over_actors(make, history, tmp_path):
  coordinator = make()
  _acted(coordinator, 14, (1.0, 3.0), actor=0)
  _acted(coordinator, 20, (5.0,), actor=1)
  counts, _ = coordinator.begin_save(6)
  assert (counts.agent_steps, counts.episodes, counts.learner_steps) == (
    34,
    3,
    6,
  )
  assert history.seen == [14, 14, 34]
  assert history.saves == 1
  rows = _rows(tmp_path, "train.csv")
  assert [row["agent_steps"] for row in rows] == ["14", "14", "34"]
  assert [row["episodes"] for row in rows] == ["1", "2", "3"]
  assert [row["seen"] for row in rows] == ["1", "2", "3"]
  assert [float(row["episode_return"]) for row in rows] == [1.0, 3.0, 5.0]


def test_what_is_saved_does_not_change_when_actors_go_on(make):
  coordinator = make()
  _acted(coordinator, 100)
  counts, _ = coordinator.begin_save(1)
  _acted(coordinator, 50)
  assert counts.agent_steps == 100


def test_walltime_goes_on_from_the_first_step(make, monkeypatch):
  now = [50.0]
  monkeypatch.setattr(coordinator_lib.time, "monotonic", lambda: now[0])
  resumed = experiment.Counts(agent_steps=10, walltime=7.0)
  coordinator = make(resumed)
  now[0] = 100.0  # however long the processes took to start
  _acted(coordinator, 5)
  assert coordinator.begin_save(0)[0].walltime == 7.0
  now[0] = 103.0
  _acted(coordinator, 5)
  assert coordinator.begin_save(0)[0].walltime == 10.0


def test_a_resumed_run_says_what_it_goes_on_with(
  make, history, tmp_path, capsys
):
  _acted(make(), 30, (1.0, 2.0))
  resumed = experiment.Counts(agent_steps=20, episodes=1, learner_steps=4)
  before = dataclasses.replace(resumed)
  coordinator = make(resumed)
  assert history.restored == 20
  assert not _rows(tmp_path, "train.csv")  # is from beyond it
  coordinator.learned(4, progress.ReplayStatus())  # not known yet
  assert "resumed" not in capsys.readouterr().err
  for _ in range(2):  # said once
    coordinator.learned(4, _EMPTY._replace(size=1234))
  errors = capsys.readouterr().err
  assert errors.count("resumed from step 20 (learner step 4)") == 1
  assert "the replay goes on with 1,234 items" in errors
  assert coordinator.begin_save(4)[0] == before
  assert coordinator.learned(4, _EMPTY) == Order.GO_ON
  _acted(coordinator, 80)
  assert coordinator.learned(4, _EMPTY) == Order.SAVE


def test_a_run_whose_budget_was_spent_acts_no_more(make):
  """As when it was stopped during its last evaluation."""
  coordinator = make(experiment.Counts(agent_steps=403, evaluated=300))
  assert coordinator.phase() == Phase.EVALUATING
  assert coordinator.evaluation() == (Order.GO_ON, 403)


def test_it_is_known_whether_an_actor_has_done_anything(make):
  coordinator = make()
  coordinator.join(1)
  assert not coordinator.has_acted(1)
  _acted(coordinator, 5, actor=1)
  assert coordinator.has_acted(1)
  assert not coordinator.has_acted(0)
  coordinator.join(1)  # started again
  assert not coordinator.has_acted(1)


def test_it_is_known_whether_the_evaluator_has_done_anything(make):
  coordinator = make()
  _evaluated(coordinator, 0)
  assert coordinator.has_evaluated()
  assert not coordinator.has_evaluated()  # since it was last asked


def test_a_stop_saves_without_an_evaluation(make):
  coordinator = make()
  _acted(coordinator, 160)
  coordinator.stop()
  coordinator.stop()
  assert coordinator.phase() == Phase.SAVING
  assert not _acted(coordinator, 5)
  assert coordinator.evaluation() == (Order.LEAVE, 160)
  assert coordinator.learned(3, _EMPTY) == Order.LEAVE
  counts, with_replay = coordinator.begin_save(3)
  assert (counts.agent_steps, with_replay) == (160, True)


def test_without_its_replay_the_learner_is_saved_alone(make):
  coordinator = make()
  assert not coordinator.replay_is_lost()
  coordinator.lose_replay()
  assert coordinator.replay_is_lost()
  assert coordinator.learned(1, _EMPTY) == Order.LEAVE
  assert coordinator.begin_save(1)[1] is False


def test_without_the_learner_nothing_is_saved(make):
  coordinator = make()
  coordinator.saved_last()
  assert coordinator.phase() == Phase.DRAINING
  coordinator.stop()
  coordinator.saved_last()
  assert coordinator.phase() == Phase.DRAINING


def test_a_learner_that_was_given_up_may_still_save(make):
  coordinator = make()
  coordinator.lose_replay()
  coordinator.saved_last()
  coordinator.end()
  coordinator.saved_last()
  assert coordinator.phase() == Phase.OVER
