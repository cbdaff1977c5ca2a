"""Runs on the embedded engine: to the end, stopped, killed, and failing."""

import contextlib
import csv
import dataclasses
import functools
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from behavior_transfer.agents import ngu, sequences
from behavior_transfer.launch import experiment
from behavior_transfer.launch.embedded import workers

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import corridor
import outcome
import toy

_TOY = pathlib.Path(toy.__file__)
_NEVER = 1_000_000  # agent steps
_PATIENCE = 1500  # seconds
_ENVIRONMENTS = 3  # in halves of two and one
_WORKERS = 2


@pytest.fixture(autouse=True)
def _nobody_is_left():
  yield
  assert not multiprocessing.active_children()


@pytest.fixture
def start(tmp_path):
  """A function that starts the toy's program; its workdir is `tmp_path`."""
  with contextlib.ExitStack() as stack:

    def start_one(num_steps: int) -> subprocess.Popen:
      arguments = (num_steps, "local", 1, _ENVIRONMENTS, _WORKERS)
      process = subprocess.Popen(
        [sys.executable, _TOY, tmp_path, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
      )
      stack.enter_context(process)
      stack.callback(process.kill)
      return process

    yield start_one


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
  """The workdir of a run that nothing happens to."""
  workdir = tmp_path_factory.mktemp("undisturbed")
  assert toy.run(_plan(workdir)) == 0
  return workdir


def _plan(workdir: pathlib.Path, **changes) -> experiment.Experiment:
  return toy.make_plan(workdir, **{"envs_per_actor": _ENVIRONMENTS, **changes})


def _counts(workdir: pathlib.Path) -> experiment.Counts:
  return toy.Checkpointer(workdir).latest() or experiment.Counts()


def _wait_until(condition):
  deadline = time.monotonic() + _PATIENCE
  while not condition():
    assert time.monotonic() < deadline
    time.sleep(0.05)


def _wait_for_step(process: subprocess.Popen, workdir: pathlib.Path, step: int):
  def is_there() -> bool:
    assert process.poll() is None, process.stderr.read()
    return _counts(workdir).agent_steps >= step

  _wait_until(is_there)


def _column(workdir: pathlib.Path, file: str, name: str) -> list[float]:
  with (workdir / file).open(newline="") as rows:
    return [float(row[name]) for row in csv.DictReader(rows)]


def _arrays(workdir: pathlib.Path, name: str) -> dict[str, np.ndarray]:
  """Of a file of the newest checkpoint."""
  newest = max((workdir / "checkpoints").glob("[0-9]*"))
  with np.load(newest / name) as arrays:
    return dict(arrays)


def _workers_of(pid: int) -> set[int]:
  """What it has started and is still there."""
  found = set()
  for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    try:
      state, parent = stat.read_text().rpartition(")")[2].split()[:2]
    except OSError:  # gone by now
      continue
    if int(parent) == pid and state != "Z":
      found.add(int(stat.parent.name))
  return found


def _is_running(pid: int) -> bool:
  try:
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
  except OSError:
    return False
  return stat.rpartition(")")[2].split()[0] != "Z"


def test_killed_stopped_and_finished(start, tmp_path, tmp_path_factory):
  """One run in three processes: SIGKILL, SIGTERM, and its end."""
  killed = start(_NEVER)
  _wait_for_step(killed, tmp_path, 200)
  of_the_killed = _workers_of(killed.pid)
  assert len(of_the_killed) > _WORKERS  # multiprocessing has one of its own
  killed.kill()
  killed.communicate()
  _wait_until(lambda: not any(map(_is_running, of_the_killed)))
  at_kill = _counts(tmp_path)
  assert at_kill.learner_steps > 0

  stopped = start(_NEVER)
  _wait_for_step(stopped, tmp_path, at_kill.agent_steps + 100)
  stopped.send_signal(signal.SIGTERM)
  _, errors = stopped.communicate(timeout=_PATIENCE)
  assert stopped.returncode == 128 + signal.SIGTERM, errors
  assert f"resumed from step {at_kill.agent_steps:,}" in errors
  at_stop = _counts(tmp_path)
  assert f"SIGTERM: saved at step {at_stop.agent_steps:,}" in errors
  assert at_stop.learner_steps > at_kill.learner_steps

  budget = at_stop.agent_steps + 99
  finished = start(budget)
  _, errors = finished.communicate(timeout=_PATIENCE)
  assert finished.returncode == 0, errors
  assert "the replay goes on with" in errors
  at_end = _counts(tmp_path)
  assert at_end.agent_steps == at_end.evaluated == budget
  assert at_end.walltime > at_stop.walltime > at_kill.walltime
  assert _arrays(tmp_path, "training.npz")["steps"] == at_end.learner_steps

  other = tmp_path_factory.mktemp("undisturbed")
  assert toy.run(_plan(other, num_steps=budget)) == 0
  outcome.assert_same(
    *(outcome.without_replay(outcome.read(path)) for path in (tmp_path, other))
  )


@pytest.mark.parametrize("num_workers", [0, _WORKERS])
def test_what_an_environment_raises_ends_the_run(num_workers, tmp_path):
  plan = _plan(tmp_path, environment_factory=corridor.Broken)
  with pytest.raises(workers.EnvironmentFailed) as error:
    toy.run(plan, num_workers)
  assert "in step" in str(error.value)
  assert "OSError: the emulator is gone" in str(error.value)


def test_a_program_says_what_an_environment_raised(tmp_path):
  program = (
    "import pathlib, sys\n"
    f"sys.path.insert(0, {str(_TOY.parent)!r})\n"
    "import corridor, toy\n"
    "toy.run(\n"
    f"  toy.make_plan(pathlib.Path({str(tmp_path)!r}),\n"
    "    envs_per_actor=2, environment_factory=corridor.Broken),\n"
    f"  num_workers={_WORKERS})\n"
  )
  result = subprocess.run(
    [sys.executable, "-c", program],
    capture_output=True,
    text=True,
    timeout=_PATIENCE,
  )
  assert result.returncode == 1
  assert "OSError: the emulator is gone" in result.stderr


def _disturbed(workdir: pathlib.Path, kind, **options) -> experiment.Experiment:
  """A run with something about its environment 1."""
  only = toy.make_plan(workdir).stream("environment 1", 0)
  make = functools.partial(kind, only=only, **options)
  return _plan(workdir, environment_factory=make)


def _deadly(workdir: pathlib.Path, **options) -> experiment.Experiment:
  return _disturbed(workdir, corridor.Deadly, folder=workdir, **options)


@pytest.mark.parametrize("after", [10, 80])
def test_a_run_whose_worker_is_killed_goes_back_and_ends_as_ever(
  after, tmp_path, undisturbed, capsys
):
  """Once before the first checkpoint, and once behind the second."""
  plan = _deadly(tmp_path, deaths=1, after=after)
  plan = dataclasses.replace(plan, history=_Numbering())
  assert toy.run(plan, _WORKERS) == 0
  said = capsys.readouterr().err
  words = re.search(
    r"worker (\d) \(environments ([\d, ]+)\) was ended by SIGKILL; the run goes"
    r" back (\d+) steps, to that of its newest checkpoint, (\d+), and goes on",
    said,
  )
  assert words, said
  assert int(words[4]) == (0 if after == 10 else 201)
  # A half may be a step further than the other.
  steps = _ENVIRONMENTS * after - int(words[4])
  assert steps <= int(words[3]) <= steps + _ENVIRONMENTS
  numbers = _column(tmp_path, "train.csv", "number")
  assert numbers == list(range(1, len(numbers) + 1))
  found = outcome.read(tmp_path)
  del found["train.csv:number"]
  outcome.assert_same(found, outcome.read(undisturbed))


class _Numbering(experiment.History):
  """Numbers episodes, as long as it is told where a run goes on."""

  def __init__(self):
    self._steps = []

  def record(self, row, agent_steps):
    self._steps.append(agent_steps)
    return {**row, "number": len(self._steps)}

  def restore(self, agent_steps):
    self._steps = [step for step in self._steps if step <= agent_steps]


def test_workers_that_die_time_and_again_end_the_run(tmp_path, capsys):
  with pytest.raises(workers.WorkerDied):
    toy.run(_deadly(tmp_path, deaths=3, after=20), _WORKERS)
  assert capsys.readouterr().err.count("the run goes back") == 2


def test_workers_that_die_after_every_checkpoint_do_not(tmp_path, capsys):
  plan = _deadly(tmp_path, deaths=3, after=45)
  assert toy.run(plan, _WORKERS) == 0
  assert capsys.readouterr().err.count("the run goes back") == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_ends_as_ever(number, tmp_path, undisturbed, capsys):
  plan = _disturbed(tmp_path, corridor.Signalling, number=number, at=70)
  assert toy.run(plan) == 128 + number
  steps = _counts(tmp_path).agent_steps
  assert 3 * 70 <= steps <= 3 * 71
  said = f"{number.name}: saved at step {steps:,}; the same command goes on"
  assert said in capsys.readouterr().err
  assert toy.run(_plan(tmp_path)) == 0
  found, expected = map(outcome.read, (tmp_path, undisturbed))
  outcome.assert_same(*map(outcome.without_replay, (found, expected)))


def test_a_run_that_loses_a_worker_while_it_stops_goes_on_later(
  tmp_path, undisturbed, capsys
):
  plan = _disturbed(tmp_path, corridor.Doomed, at=80)
  assert toy.run(plan, _WORKERS) == 128 + signal.SIGTERM
  assert _counts(tmp_path).agent_steps == 201
  said = "SIGKILL; the same command goes on from its newest checkpoint, 201"
  assert said in capsys.readouterr().err
  assert toy.run(_plan(tmp_path), _WORKERS) == 0
  outcome.assert_same(outcome.read(tmp_path), outcome.read(undisturbed))


def test_a_run_that_is_stopped_before_its_first_step_ends_as_ever(
  tmp_path, undisturbed
):
  plan = _plan(tmp_path)

  def stop(label, steps):
    if label == "eval":
      os.kill(os.getpid(), signal.SIGTERM)
    return plan.logger_factory(label, steps)

  stopping = dataclasses.replace(plan, logger_factory=stop)
  assert toy.run(stopping) == 128 + signal.SIGTERM
  assert _counts(tmp_path) == experiment.Counts()
  assert toy.run(plan) == 0
  outcome.assert_same(*map(outcome.read, (tmp_path, undisturbed)))


def test_an_interrupted_evaluation_is_made_up(tmp_path):
  seeds = []

  def make(seed):
    seeds.append(seed)
    # The first is trained in, the second is that of the first evaluation.
    if len(seeds) == 2:
      return corridor.Signalling(seed, seed, signal.SIGTERM, at=3)
    return corridor.Corridor(seed)

  plan = toy.make_plan(
    tmp_path, environment_factory=make, num_steps=40, evaluation_period=20
  )
  assert toy.run(plan) == 128 + signal.SIGTERM
  assert not _column(tmp_path, "eval.csv", "agent_steps")
  assert toy.run(plan) == 0
  assert _column(tmp_path, "eval.csv", "agent_steps") == [20, 40]
  trained, cut_short, made_up, trained_again, last = seeds
  assert trained == trained_again
  assert cut_short == made_up != last


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

  def save_state(self):
    return {}

  def restore_state(self, state):
    pass


def test_observers_are_told_whether_they_see_training(tmp_path):
  plan = toy.make_plan(
    tmp_path,
    num_steps=20,
    evaluation_period=20,
    observer_factory=lambda label: (_Labelled(label),),
  )
  assert toy.run(plan) == 0
  assert _column(tmp_path, "train.csv", "of_train") == [1.0, 1.0]
  assert _column(tmp_path, "eval.csv", "of_eval") == [1.0]


def test_a_complete_run_is_left_as_it_is(tmp_path):
  plan = toy.make_plan(tmp_path, num_steps=20, evaluation_episodes=1)
  assert toy.run(plan) == 0
  before = (tmp_path / "checkpoints").stat().st_mtime_ns
  assert toy.run(plan) == 0
  assert (tmp_path / "checkpoints").stat().st_mtime_ns == before
  assert len(_column(tmp_path, "eval.csv", "agent_steps")) == 1


def test_a_run_without_evaluations(tmp_path):
  plan = toy.make_plan(
    tmp_path, num_steps=20, evaluation_period=10, evaluation_episodes=0
  )
  assert toy.run(plan) == 0
  assert not _column(tmp_path, "eval.csv", "agent_steps")
  assert _counts(tmp_path).agent_steps == 20


def test_the_replay_ratio_is_held_exactly_over_all_starts(tmp_path, capsys):
  inserts, config = 0, toy.CONFIG
  for num_steps in (210, 420):
    capsys.readouterr()
    assert toy.run(_plan(tmp_path, num_steps=num_steps)) == 0
    goes_on = f"the replay goes on with {inserts:,} items"
    assert (goes_on in capsys.readouterr().err) == (inserts > 0)
    counters = _arrays(tmp_path, "engine.npz")["agent/replay/counters"]
    _, inserts, samples, _ = counters.tolist()
    # Each of 3 environments has had 10 or 20 episodes of 2 sequences.
    assert inserts == 2 * num_steps // 7
    owed = (inserts - config.min_replay_size) * (
      sequences.samples_per_insert(config) / config.batch_size
    )
    assert _counts(tmp_path).learner_steps == int(owed) > 0
    assert samples == config.batch_size * int(owed)


def test_a_replay_that_is_not_kept_starts_empty(tmp_path, capsys):
  learned = 0
  for num_steps in (150, 300):
    plan = _plan(tmp_path, num_steps=num_steps, replay_folder=None)
    assert toy.run(plan) == 0
    assert _counts(tmp_path).learner_steps > learned
    learned = _counts(tmp_path).learner_steps
  starts_empty = "the replay starts empty and is filled first"
  assert starts_empty in capsys.readouterr().err
  assert not (tmp_path / "replay").exists()


def test_episodes_are_those_of_all_environments(undisturbed):
  counts = _counts(undisturbed)
  assert counts.agent_steps == counts.evaluated == 402  # the first of threes
  assert counts.episodes == 3 * (134 // 7)
  steps = _column(undisturbed, "train.csv", "agent_steps")
  # The half that has two of them goes first.
  assert steps == [
    step for end in range(21, 402, 21) for step in (end - 1, end - 1, end)
  ]
  assert _column(undisturbed, "train.csv", "episode_length") == [7.0] * 57
  episodes = _column(undisturbed, "train.csv", "episodes")
  assert episodes == list(range(1, 58))
  assert _column(undisturbed, "eval.csv", "agent_steps") == [150, 300, 402]


def test_environments_of_a_run_differ(tmp_path):
  seeds = []

  def make(seed):
    seeds.append(seed)
    return corridor.Corridor(seed)

  plan = _plan(
    tmp_path, environment_factory=make, num_steps=3, evaluation_episodes=0
  )
  assert toy.run(plan) == 0
  assert len(set(seeds)) == len(seeds) == 3


@pytest.mark.parametrize(
  "kind, running", [("ngu", "distances/mean"), ("rnd", "filter/moments/mean")]
)
def test_what_normalises_an_own_reward_outlives_a_start(
  kind, running, tmp_path
):
  """NGU's running statistics, its memories, and who remembers with what."""
  fields = {
    field.name: getattr(toy.CONFIG, field.name)
    for field in dataclasses.fields(toy.CONFIG)
  }
  own = {
    "actor_update_period": 20,
    "intrinsic_reward": kind,
    "intrinsic_steps": 2,
    "memory_capacity": 7,
    "num_neighbors": 2,
    "replay_ratio": 4.0,
  }
  config = ngu.NGUConfig(**fields | own)
  longest = toy.make_plan(tmp_path).stream("environment 0", 0)

  def make(seed):
    return corridor.Corridor(seed, length=13 if seed == longest else 7)

  found = []
  # In the rounds 67 to 71, episodes begin with the parameters of others that
  # are under way, which are of round 60.
  for starts in ([201, 213], [213]):
    workdir = tmp_path / str(len(starts))
    workdir.mkdir()
    for num_steps in starts:
      plan = _plan(
        workdir,
        environment_factory=make,
        num_steps=num_steps,
        evaluation_episodes=0,
      )
      assert toy.run(plan, config=config) == 0
    found.append(outcome.read(workdir))
  outcome.assert_same(*found)
  statistics = [x for name, x in found[0].items() if name.endswith(running)]
  assert len(statistics) == 2 and all(x.any() for x in statistics)
  assert found[0]["train.csv:intrinsic_reward"].astype(float).all()
