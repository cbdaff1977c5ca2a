"""What nodes do when their replay fails them, or is late."""

import contextlib
import itertools
import pathlib
import sys
import threading
import time

import portpicker
import pytest
import reverb

from behavior_transfer.agents import r2d2
from behavior_transfer.launch import coordinator as coordinator_lib
from behavior_transfer.launch import experiment, parts, roles
from behavior_transfer.launch.coordinator import Phase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import toy


class _Builder(r2d2.R2D2Builder):
  """Its learner does at each step what it is told to.

  What it saves is of a kind of its own, as that of a foreign one may be.
  """

  def __init__(self, step):
    super().__init__(toy.CONFIG)
    self._step = step

  def make_dataset_iterator(self, replay_client):
    return itertools.repeat(None)

  def make_learner(self, *args, **kwargs):
    learner = super().make_learner(*args, **kwargs)
    learner.step, save = self._step, learner.save
    learner.save = lambda: {"all": save()}
    return learner


class _SilentReplay:
  """A client of a replay that has not come up, and is not there to save."""

  def server_info(self, timeout):
    raise reverb.errors.DeadlineExceededError


class _Node:
  """A learner's node in a thread, and what it raised."""

  def __init__(self, folder, step, resumed=None):
    plan = toy.make_experiment(folder, builder=_Builder(step))
    self.coordinator = coordinator_lib.Coordinator(plan, resumed)
    self.error = None
    self._node = roles.LearnerNode(
      plan, None, self.coordinator, _SilentReplay()
    )
    self.thread = threading.Thread(target=self._run, daemon=True)
    self.thread.start()

  def wait_for(self, phase):
    deadline = time.monotonic() + 600
    while self.coordinator.phase() < phase:
      assert time.monotonic() < deadline
      time.sleep(0.01)

  def _run(self):
    try:
      self._node.run()
    except BaseException as error:
      self.error = error


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
  monkeypatch.setattr(roles, "_LOSS_IS_NOTICED_WITHIN", 1.0)


def _expect_saved(node, folder):
  node.wait_for(Phase.DRAINING)
  assert toy.Checkpointer(folder).latest() is not None
  node.coordinator.end()
  node.thread.join(600)
  assert not node.thread.is_alive()
  assert node.error is None


def test_a_step_that_waits_for_a_lost_replay_is_not_waited_for(tmp_path):
  waits, comes = threading.Event(), threading.Event()

  def step():
    waits.set()
    comes.wait()

  node = _Node(tmp_path, step)
  try:
    assert waits.wait(600)
    node.coordinator.lose_replay()
    _expect_saved(node, tmp_path)
  finally:
    comes.set()


def test_a_step_that_fails_since_the_replay_is_lost_ends_it_saved(tmp_path):
  failed = threading.Event()

  def step():
    failed.set()
    raise RuntimeError("Connection reset by peer")

  node = _Node(tmp_path, step)
  assert failed.wait(600)
  node.coordinator.lose_replay()
  _expect_saved(node, tmp_path)


def test_a_step_that_fails_by_itself_ends_it_with_that(tmp_path):
  def step():
    raise ValueError("the loss is not a number")

  node = _Node(tmp_path, step)
  node.thread.join(600)
  assert "not a number" in str(node.error)
  assert toy.Checkpointer(tmp_path).latest() is None


def test_a_replay_that_takes_long_to_come_up_is_waited_for(tmp_path, capsys):
  stepped = threading.Event()
  node = _Node(tmp_path, stepped.set, experiment.Counts(agent_steps=9))
  assert stepped.wait(600)
  assert "resumed" not in capsys.readouterr().err
  node.coordinator.lose_replay()
  _expect_saved(node, tmp_path)


def test_an_actor_waits_for_a_replay_that_is_slow_to_come_up(tmp_path):
  plan = toy.make_experiment(tmp_path, builder=r2d2.R2D2Builder(toy.CONFIG))
  coordinator = coordinator_lib.Coordinator(plan, None)
  made = parts.Parts(plan)
  learner = made.make_learner(iter(()), None, lambda *_, **__: None, None)
  port = portpicker.pick_unused_port()
  replay = reverb.Client(f"localhost:{port}")
  actor = threading.Thread(
    target=roles.act, args=(plan, 0, coordinator, replay, learner), daemon=True
  )
  actor.start()
  actor.join(4)  # a writer gives up after three seconds
  assert actor.is_alive()
  with contextlib.ExitStack() as stack:
    server = parts.Replay(made, stack, port)
    deadline = time.monotonic() + 600
    while not coordinator.has_acted(0):
      assert actor.is_alive()
      assert time.monotonic() < deadline
      time.sleep(0.01)
    coordinator.stop()
    while actor.is_alive():
      assert time.monotonic() < deadline
      server.let_writers_go()
      actor.join(0.1)


def test_an_actor_leaves_that_waits_for_a_replay_in_vain(tmp_path):
  plan = toy.make_experiment(tmp_path)
  coordinator = coordinator_lib.Coordinator(plan, None)
  actor = threading.Thread(
    target=roles.act, args=(plan, 0, coordinator, _SilentReplay(), None)
  )
  actor.start()
  coordinator.stop()
  actor.join(600)
  assert not actor.is_alive()
