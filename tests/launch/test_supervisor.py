"""Who is started again, what ends a run, and that all are gone at its end.

Those who are to die are processes of a line or two; those who behave are
threads that call the coordinator, as nodes do.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from behavior_transfer.launch import coordinator as coordinator_lib
from behavior_transfer.launch import (
  processes,
  program,
  progress,
  signals,
  supervisor,
  threads,
)
from behavior_transfer.launch.coordinator import Order, Phase

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import toy

_SLEEP = "import time; time.sleep(600)"
_SLEEP_WITH_CHILD = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_SLEEP!r}])
print(child.pid, flush=True)
child.wait()
"""
_DIE = """
import os, signal
print("born", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
_MANY = 1_000_000  # steps that no test gets to


class _Run:
  """A program of whatever workers a test gives it."""

  def __init__(self, folder: pathlib.Path, num_steps: int = _MANY):
    plan = toy.make_experiment(
      folder, num_steps=num_steps, evaluation_episodes=1
    )
    self.folder = folder
    self.coordinator = coordinator_lib.Coordinator(plan, None)
    self.order: list[str] = []  # in which nodes leave

  def process(self, group: str, code: str) -> processes.ProcessWorker:
    """A node that is a process of this code."""
    command = [sys.executable, "-c", code]
    return processes.ProcessWorker(group, 0, command, {}, self.folder)

  def log(self, group: str) -> str:
    return (self.folder / f"{group}_0.log").read_text()

  def replay(self):
    return threads.ThreadWorker(program.REPLAY, 0, self._wait)

  def learner(self):
    return threads.ThreadWorker(program.LEARNER, 0, self._learn)

  def actor(self, function=None):
    return threads.ThreadWorker(program.ACTOR, 0, function or self._act)

  def evaluator(self, function=None):
    return threads.ThreadWorker(
      program.EVALUATOR, 0, function or self._evaluate
    )

  def acted(self) -> bool:
    return self.coordinator.acted(0, 1, [], {"environment": 0.0})

  def supervise(self, *workers: supervisor.Worker) -> int:
    with signals.StopRequest() as stop:
      try:
        return supervisor.Supervisor(workers, self.coordinator, stop).run()
      finally:
        self.coordinator.close()

  def _wait(self):
    while self.coordinator.phase() < Phase.OVER:
      time.sleep(0.01)
    self.order.append("replay")

  def _learn(self):
    status = progress.ReplayStatus(capacity=1)
    while self.coordinator.learned(0, status) != Order.LEAVE:
      time.sleep(0.01)
    self.coordinator.begin_save(0)
    self.order.append("saved")
    self.coordinator.saved_last()
    while self.coordinator.phase() < Phase.OVER:
      time.sleep(0.01)

  def _act(self):
    self.coordinator.join(0)
    while self.acted():
      time.sleep(0.01)
    self.order.append("actor")

  def _evaluate(self):
    while (asked := self.coordinator.evaluation())[0] != Order.LEAVE:
      if asked[0] == Order.GO_ON:
        self.coordinator.evaluated([{"episode_return": 0.0}], asked[1])
      time.sleep(0.01)
    self.order.append("evaluator")


def test_all_leave_once_the_budget_is_spent(tmp_path, capfd):
  run = _Run(tmp_path, num_steps=20)
  workers = run.replay(), run.learner(), run.actor(), run.evaluator()
  assert run.supervise(*workers) == 0
  assert set(run.order) == {"saved", "actor", "evaluator", "replay"}
  assert run.order[-1] == "replay"
  assert run.coordinator.phase() == Phase.OVER
  assert "/0 " not in capfd.readouterr().err  # nothing is said of any node


def test_an_actor_that_cannot_begin_ends_the_run(tmp_path, capfd):
  run = _Run(tmp_path)
  broken = run.process(program.ACTOR, "raise OSError('no such game')")
  assert run.supervise(run.replay(), run.learner(), broken) == 1
  errors = capfd.readouterr().err
  assert "Traceback" in errors
  assert "OSError: no such game" in errors
  assert "actor/0 ended with exit code 1; the run ends" in errors
  assert "started again" not in errors
  assert "saved" in run.order  # what the learner knows is not lost


def test_one_that_is_killed_time_and_again_ends_the_run(tmp_path, capfd):
  for group in (program.ACTOR, program.EVALUATOR):
    run = _Run(tmp_path)
    killed = run.process(group, _DIE)
    assert run.supervise(run.replay(), run.learner(), killed) == 1
    errors = capfd.readouterr().err
    name = f"{group}/0 was ended by SIGKILL;"
    assert run.log(group).count("born") == 3
    assert errors.count(f"{name} it is started again") == 2
    assert f"{name} the run ends" in errors
    assert "saved" in run.order


def test_one_that_does_something_is_always_started_again(tmp_path, capfd):
  run, starts = _Run(tmp_path, num_steps=30), []

  def act():
    run.coordinator.join(0)
    starts.append("actor")
    for _ in range(6):
      if not run.acted():
        return
    raise OSError(f"the emulator is gone, {len(starts)}")

  workers = run.replay(), run.learner(), run.actor(act), run.evaluator()
  assert run.supervise(*workers) == 0
  assert starts == ["actor"] * 5
  errors = capfd.readouterr().err.splitlines()
  assert errors == [
    "actor/0 ended with exit code 1: OSError: the emulator is gone,"
    f" {number}; it is started again"
    for number in range(1, 5)
  ]


def test_an_evaluator_that_plays_is_always_started_again(tmp_path, capfd):
  run, lives = _Run(tmp_path, num_steps=100), []

  def evaluate():
    lives.append("evaluator")
    if len(lives) == 6:
      return run._evaluate()
    run.coordinator.evaluated([{"episode_return": 0.0}], len(lives))
    raise OSError("the emulator is gone")

  def act():
    while len(lives) < 6:
      time.sleep(0.01)
    run._act()

  workers = run.replay(), run.learner(), run.actor(act), run.evaluator(evaluate)
  assert run.supervise(*workers) == 0
  assert capfd.readouterr().err.count("it is started again") == 5


def test_without_its_learner_the_run_ends(tmp_path, capfd):
  run = _Run(tmp_path)
  learner = run.process(program.LEARNER, "import sys; sys.exit(3)")
  workers = run.replay(), learner, run.actor(), run.evaluator()
  assert run.supervise(*workers) == 1
  assert (
    "learner/0 ended with exit code 3; the run ends" in capfd.readouterr().err
  )
  assert run.order[-1] == "replay"
  assert set(run.order) == {"actor", "evaluator", "replay"}


def test_without_its_replay_the_run_is_saved_and_ends(tmp_path, capfd):
  run = _Run(tmp_path)
  replay = run.process(program.REPLAY, _DIE)
  workers = replay, run.learner(), run.actor(), run.evaluator()
  assert run.supervise(*workers) == 1
  assert "replay/0 was ended by SIGKILL; the run ends" in capfd.readouterr().err
  assert "saved" in run.order


def test_a_learner_that_cannot_save_any_more_is_not_waited_for(
  tmp_path, capfd, monkeypatch
):
  monkeypatch.setattr(supervisor, "_SAVING_AFTER_FAILURE", 0.5)
  monkeypatch.setattr(supervisor, "_GRACE", 0.5)
  run = _Run(tmp_path)
  learner = run.process(program.LEARNER, _SLEEP)
  replay = run.process(program.REPLAY, _DIE)
  assert run.supervise(replay, learner, run.actor()) == 1
  errors = capfd.readouterr().err
  assert "learner/0 did not leave; it is killed" in errors
  assert "replay/0 was ended by SIGKILL; the run ends" in errors
  assert learner.poll() == -signal.SIGKILL


def test_a_stop_waits_for_nobody_beyond_the_grace_period(
  tmp_path, capfd, monkeypatch
):
  monkeypatch.setattr(supervisor, "_GRACE", 0.5)
  run, stopped = _Run(tmp_path), []
  stuck = [
    run.process(group, _SLEEP_WITH_CHILD)
    for group in (program.ACTOR, program.EVALUATOR, program.REPLAY)
  ]

  def learn():
    while not all(
      (tmp_path / f"{worker.group}_0.log").read_text().strip()
      for worker in stuck
    ):
      time.sleep(0.01)
    stopped.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGTERM)
    run._learn()

  learner = threads.ThreadWorker(program.LEARNER, 0, learn)
  assert run.supervise(*stuck, learner) == 128 + signal.SIGTERM
  assert time.monotonic() - stopped[0] < 100
  errors = capfd.readouterr().err
  for worker in stuck:
    assert f"{worker.group}/0 did not leave; it is killed" in errors
    assert worker.poll() == -signal.SIGKILL
    pid = int(run.log(worker.group))
    assert not _is_running(pid), worker.group
  assert "SIGTERM: saved at step 0" in errors


def _is_running(pid: int) -> bool:
  try:
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
  except FileNotFoundError:
    return False
  return stat.rsplit(")", 1)[1].split()[0] != "Z"


_SUPERVISOR = """
import pathlib, sys, time
from behavior_transfer.launch import processes
command = [sys.executable, "-c", sys.argv[1]]
log_folder = pathlib.Path(sys.argv[2])
processes.ProcessWorker("actor", 0, command, {}, log_folder).start()
time.sleep(600)
"""
_NODE = """
import os, time
from behavior_transfer.launch import processes
print(os.getpid(), flush=True)
supervisor = os.getppid()
while LATE and os.getppid() == supervisor:
  time.sleep(0.01)
processes.die_with_supervisor()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("late", [False, True])
def test_a_node_dies_with_its_supervisor(tmp_path, late):
  """Also one that comes to ask for it when the supervisor is gone already."""
  node = _NODE.replace("LATE", str(late))
  parent = subprocess.Popen(
    [sys.executable, "-c", _SUPERVISOR, node, str(tmp_path)]
  )
  log = tmp_path / "actor_0.log"
  lines = 1 if late else 2
  pid = None
  try:
    _wait_until(
      lambda: log.exists() and len(log.read_text().splitlines()) >= lines
    )
    pid = int(log.read_text().splitlines()[0])
    parent.kill()
    parent.wait()
    _wait_until(lambda: not _is_running(pid))
  finally:
    parent.kill()
    if pid is not None and _is_running(pid):
      os.kill(pid, signal.SIGKILL)
  assert ("ready" in log.read_text()) == (not late)


def _wait_until(condition):
  deadline = time.monotonic() + 600
  while not condition():
    assert time.monotonic() < deadline
    time.sleep(0.05)
