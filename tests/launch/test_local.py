"""Runs in one process: to the end, stopped, killed, and failing."""

import csv
import dataclasses
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from behavior_transfer.agents import r2d2
from behavior_transfer.launch import experiment, local

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import saved_replay
import toy

_TOY = pathlib.Path(toy.__file__)


def _start(workdir: pathlib.Path, num_steps: int) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, str(_TOY), str(workdir), str(num_steps)],
    stderr=subprocess.PIPE,
    text=True,
  )


def _counts(workdir: pathlib.Path) -> experiment.Counts:
  return toy.Checkpointer(workdir).latest() or experiment.Counts()


def _wait_for_step(process: subprocess.Popen, workdir: pathlib.Path, step: int):
  deadline = time.monotonic() + 200
  while _counts(workdir).agent_steps < step:
    assert process.poll() is None, process.stderr.read()
    assert time.monotonic() < deadline
    time.sleep(0.05)


def _column(workdir: pathlib.Path, file: str, name: str) -> list[float]:
  with (workdir / file).open(newline="") as rows:
    return [float(row[name]) for row in csv.DictReader(rows)]


def _learner_steps(workdir: pathlib.Path, step: int) -> int:
  path = workdir / "checkpoints" / f"{step:012d}" / "training.npz"
  with np.load(path) as arrays:
    return int(arrays["steps"])


def _increases(values: list[float]) -> bool:
  return all(a < b for a, b in itertools.pairwise(values))


def test_killed_stopped_and_finished(tmp_path):
  """One run in three processes: SIGKILL, SIGTERM, and its end."""
  killed = _start(tmp_path, 1_000_000)
  _wait_for_step(killed, tmp_path, 200)
  killed.kill()
  killed.communicate()
  at_kill = _counts(tmp_path)
  assert at_kill.learner_steps > 0
  assert _learner_steps(tmp_path, at_kill.agent_steps) == at_kill.learner_steps

  stopped = _start(tmp_path, 1_000_000)
  _wait_for_step(stopped, tmp_path, at_kill.agent_steps + 200)
  stopped.send_signal(signal.SIGTERM)
  _, errors = stopped.communicate(timeout=60)
  assert stopped.returncode == 128 + signal.SIGTERM, errors
  assert f"resumed from step {at_kill.agent_steps:,}" in errors
  at_stop = _counts(tmp_path)
  assert f"SIGTERM: saved at step {at_stop.agent_steps:,}" in errors
  assert at_stop.learner_steps > at_kill.learner_steps

  budget = at_stop.agent_steps + 130
  finished = _start(tmp_path, budget)
  _, errors = finished.communicate(timeout=300)
  assert finished.returncode == 0, errors
  at_end = _counts(tmp_path)
  assert at_end.agent_steps == at_end.evaluated == budget
  assert _learner_steps(tmp_path, budget) == at_end.learner_steps
  assert at_end.walltime > at_stop.walltime > at_kill.walltime
  for file in ("train.csv", "eval.csv", "learner.csv"):
    assert _increases(_column(tmp_path, file, "agent_steps")), file
  assert _increases(_column(tmp_path, "train.csv", "episodes"))
  assert _column(tmp_path, "eval.csv", "agent_steps")[-1] == budget
  # The replay ratio holds: 1.0 step learned on for each that was inserted.
  learned = at_end.learner_steps * toy.CONFIG.batch_size * 6
  assert 0.3 < learned / budget < 1.5


class _Broken(toy.Corridor):
  def step(self, action):
    raise OSError("the emulator is gone")


def test_what_an_environment_raises_ends_the_run(tmp_path):
  with pytest.raises(OSError, match="the emulator is gone"):
    local.run(toy.make_experiment(tmp_path, environment_factory=_Broken))


def test_an_interrupted_evaluation_is_made_up(tmp_path):
  seeds = []

  class Stopping(toy.Corridor):
    def step(self, action):
      os.kill(os.getpid(), signal.SIGTERM)
      return super().step(action)

  def make(seed):
    seeds.append(seed)
    # The first is asked for its specification, the second is trained in, the
    # third is that of the first evaluation.
    return Stopping(seed) if len(seeds) == 3 else toy.Corridor(seed)

  plan = toy.make_experiment(
    tmp_path, environment_factory=make, num_steps=40, evaluation_period=20
  )
  assert local.run(plan) == 128 + signal.SIGTERM
  assert not _column(tmp_path, "eval.csv", "agent_steps")
  assert local.run(plan) == 0
  assert _column(tmp_path, "eval.csv", "agent_steps") == [21, 40]


class _StoppingBuilder(r2d2.R2D2Builder):
  """Its learner asks for a stop at its third step."""

  def make_learner(self, *args, **kwargs):
    learner = super().make_learner(*args, **kwargs)
    step, self.steps = learner.step, 0

    def stopping_step():
      step()
      self.steps += 1
      if self.steps == 3:
        os.kill(os.getpid(), signal.SIGTERM)

    learner.step = stopping_step
    return learner


def test_a_stop_does_not_wait_for_steps_that_are_due(tmp_path):
  config = dataclasses.replace(toy.CONFIG, replay_ratio=16.0)
  plan = toy.make_experiment(tmp_path, builder=_StoppingBuilder(config))
  assert local.run(plan) == 128 + signal.SIGTERM
  assert _counts(tmp_path).learner_steps == 3


class _Labelled:
  """An observer that says which episodes it was made for."""

  def __init__(self, label):
    self._label = label

  def observe_first(self, environment, timestep):
    pass

  def observe(self, environment, timestep, action):
    pass

  def get_metrics(self):
    return {f"of_{self._label}": 1.0}


def test_observers_are_told_whether_they_see_training(tmp_path):
  plan = toy.make_experiment(
    tmp_path,
    num_steps=20,
    evaluation_period=20,
    observer_factory=lambda label: (_Labelled(label),),
  )
  assert local.run(plan) == 0
  assert _column(tmp_path, "train.csv", "of_train") == [1.0, 1.0]
  assert _column(tmp_path, "eval.csv", "of_eval") == [1.0]


def test_a_complete_run_is_left_as_it_is(tmp_path):
  plan = toy.make_experiment(tmp_path, num_steps=20, evaluation_episodes=1)
  assert local.run(plan) == 0
  before = (tmp_path / "checkpoints").stat().st_mtime_ns
  assert local.run(plan) == 0
  assert (tmp_path / "checkpoints").stat().st_mtime_ns == before
  assert len(_column(tmp_path, "eval.csv", "agent_steps")) == 1


def test_a_run_without_evaluations(tmp_path):
  plan = toy.make_experiment(
    tmp_path, num_steps=20, evaluation_period=10, evaluation_episodes=0
  )
  assert local.run(plan) == 0
  assert not _column(tmp_path, "eval.csv", "agent_steps")
  assert _counts(tmp_path).agent_steps == 20


def test_a_resumed_run_goes_on_with_its_replay(tmp_path, capsys):
  assert local.run(toy.make_experiment(tmp_path, num_steps=210)) == 0
  before = saved_replay.read(tmp_path / "replay")
  assert before.items == before.inserts > 0
  assert before.samples > 0
  assert before.keeps_ratio
  capsys.readouterr()
  assert local.run(toy.make_experiment(tmp_path, num_steps=420)) == 0
  expected = f"the replay goes on with {before.items:,} items"
  assert expected in capsys.readouterr().err
  after = saved_replay.read(tmp_path / "replay")
  # Twice the steps, and as many sequences of each episode. The limiter goes on
  # counting, so that nothing is learned twice as often after a resume.
  assert after.items == after.inserts == 2 * before.inserts
  assert after.samples > 1.5 * before.samples
  assert after.keeps_ratio


def test_a_replay_that_is_not_kept_starts_empty(tmp_path, capsys):
  for num_steps in (100, 200):
    plan = toy.make_experiment(
      tmp_path, num_steps=num_steps, replay_folder=None
    )
    assert local.run(plan) == 0
  assert "the replay starts empty and is filled first" in (
    capsys.readouterr().err
  )
  assert not list(tmp_path.glob("**/*.tfrecord"))


def test_several_environments_are_stepped_in_turn(tmp_path):
  assert local.run(toy.make_experiment(tmp_path, envs_per_actor=3)) == 0
  counts = _counts(tmp_path)
  assert counts.agent_steps == counts.evaluated == 402  # the first of threes
  assert counts.episodes == 3 * (134 // 7)
  steps = _column(tmp_path, "train.csv", "agent_steps")
  assert steps == [21.0 * (n // 3 + 1) for n in range(57)]
  assert _column(tmp_path, "train.csv", "episode_length") == [7.0] * 57
  assert _column(tmp_path, "eval.csv", "agent_steps") == [150, 300, 402]
  replay = saved_replay.read(tmp_path / "replay")
  assert replay.keeps_ratio
  learned = counts.learner_steps * toy.CONFIG.batch_size * 6
  assert 0.3 < learned / counts.agent_steps < 1.5


def test_environments_of_a_run_differ(tmp_path):
  seeds = []

  def make(seed):
    seeds.append(seed)
    return toy.Corridor(seed)

  plan = toy.make_experiment(
    tmp_path,
    environment_factory=make,
    envs_per_actor=3,
    num_steps=3,
    evaluation_episodes=0,
  )
  assert local.run(plan) == 0
  assert len(set(seeds)) == len(seeds) == 4  # one tells the specification
