"""Environments stepped by worker processes."""

import contextlib
import functools
import io
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from behavior_transfer.agents import trees
from behavior_transfer.agents.replay import cutter, frames
from behavior_transfer.experiments import tasks
from behavior_transfer.launch.embedded import stepping, workers

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import toy_environments as toys

# Episodes are cut after 43 to 50 steps.
_OPTIONS = tasks.EnvironmentOptions(
  max_episode_frames=200, sticky_action_probability=0.25
)

# Real worker processes on a busy machine.
_DEADLINE = 600.0


def make(plan, num_workers):
  """Environments, which are closed at the end of a `with`."""
  return contextlib.closing(workers.Environments(plan, num_workers))


def play(environments, num_rounds, first=0):
  """Acts on what it sees; all that came of it, in comparable form."""
  seen = []
  for round_ in range(first, first + num_rounds):
    for half in range(len(environments.halves)):
      results = environments.wait(half)
      seen.append(comparable(results))
      actions = results.observation.sum((1, 2, 3), dtype=np.int32) + round_
      environments.release(half, actions % 3)
  return seen


def comparable(results):
  *arrays, blocks, episodes = results
  return [*((a.dtype, a.shape, a.tobytes()) for a in arrays), blocks, episodes]


def on_disk(state):
  """A state, written without pickle and read again."""
  file = io.BytesIO()
  np.savez(file, **trees.flat(state))
  file.seek(0)
  with np.load(file, allow_pickle=False) as arrays:
    return trees.nested(dict(arrays))


def assert_equal(state, other):
  state, other = trees.flat(state), trees.flat(other)
  assert state.keys() == other.keys()
  for name, array in state.items():
    np.testing.assert_array_equal(array, other[name], err_msg=name)


def alive():
  return multiprocessing.active_children()


@pytest.fixture(autouse=True)
def nobody_is_left():
  yield
  assert not alive()


def test_results_are_those_of_stepping_by_hand():
  plan = toys.make_plan(1)
  environment, recorder = toys.Walk(0), toys.ZlibRecorder()
  observation = environment.reset().observation
  recorder.begin(observation)
  total, length = 0.0, 0
  with make(plan, 0) as environments:
    environments.start()
    results = environments.wait(0)
    assert (results.reward[0], results.discount[0]) == (0, 1)
    assert not results.last[0] and not results.blocks and not results.episodes
    for step in range(30):
      np.testing.assert_array_equal(results.observation[0], observation)
      environments.release(0, np.array([step % 3], np.int32))
      results = environments.wait(0)
      timestep = environment.step(step % 3)
      total, length = total + float(timestep.reward), length + 1
      assert results.reward[0] == timestep.reward
      assert results.discount[0] == timestep.discount
      assert results.last[0] == timestep.last()
      block = recorder.add(timestep.observation, timestep.last())
      assert results.blocks == ({} if block is None else {0: block})
      observation = timestep.observation
      assert results.episodes.keys() == ({0} if timestep.last() else set())
      if timestep.last():
        row = results.episodes[0]
        assert (row["episode_return"], row["episode_length"]) == (total, length)
        np.testing.assert_array_equal(results.final_observation[0], observation)
        observation, total, length = environment.reset().observation, 0.0, 0
        recorder.begin(observation)


@pytest.mark.parametrize("num", [1, 2, 5])
def test_the_number_of_workers_changes_nothing(num):
  plan, seen, states = toys.make_plan(num), [], []
  for num_workers in (0, 1, 3):
    with make(plan, num_workers) as environments:
      environments.start()
      seen.append(play(environments, 25))
      states.append(environments.save_state())
      assert len(alive()) == min(num_workers, num)
  assert seen[0] == seen[1] == seen[2]
  assert any(results[-1] for results in seen[0])
  assert_equal(states[0], states[1])
  assert_equal(states[0], states[2])


@pytest.mark.parametrize("before, after", [(0, 3), (3, 1), (2, 0)])
def test_goes_on_from_a_state_with_another_number_of_workers(before, after):
  plan = toys.make_plan(5)
  with make(plan, before) as environments:
    environments.start()
    play(environments, 7)
    state = on_disk(environments.save_state())
    expected = play(environments, 20, first=7)
    end = environments.save_state()
  with make(plan, after) as environments:
    environments.restore_state(state)
    assert play(environments, 20, first=7) == expected
    assert_equal(environments.save_state(), end)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_state_holds_what_was_not_taken_yet_and_nothing_else(num_workers):
  plan = toys.make_plan(4)
  with make(plan, num_workers) as environments:
    environments.start()
    play(environments, 9)
    environments.wait(0)
    state = environments.save_state()
    environments.release(0, np.ones(2, np.int32))
    expected = [comparable(environments.wait(half)) for half in (1, 0)]
  assert "half0" not in state
  with make(plan, num_workers) as environments:
    environments.restore_state(state)
    environments.release(0, np.ones(2, np.int32))
    assert [comparable(environments.wait(half)) for half in (1, 0)] == expected


def test_observations_are_copies():
  with make(toys.make_plan(2), 0) as environments:
    environments.start()
    results = environments.wait(0)
    before = results.observation.copy()
    environments.release(0, np.ones(1, np.int32))
    environments.save_state()  # has all of them stepped
    np.testing.assert_array_equal(results.observation, before)


@pytest.mark.parametrize("num, num_workers", [(1, 1), (5, 3), (16, 15), (7, 2)])
def test_every_environment_is_one_workers_and_the_work_is_even(
  num, num_workers
):
  halves = toys.make_plan(num).halves
  shares = [
    workers._shares(halves, number, num_workers)
    for number in range(num_workers)
  ]
  for half, numbers in enumerate(halves):
    indices = [index for share in shares for index in share[half]]
    assert sorted(indices) == list(range(len(numbers)))
  sizes = [sum(map(len, share)) for share in shares]
  assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
  "options, message",
  [
    ({"environment": toys.Failing}, "ValueError: the third step of seed 3"),
    ({"observers": (toys.FailingObserver,)}, "KeyError: 'no metrics'"),
    ({"recorder": "nothing"}, "TypeError: 'str' object is not callable"),
  ],
)
def test_an_exception_is_told_with_its_traceback(num_workers, options, message):
  with (
    make(toys.make_plan(4, **options), num_workers) as environments,
    pytest.raises(workers.EnvironmentFailed) as caught,
  ):
    environments.start()
    play(environments, 30)
  assert message in str(caught.value)
  assert "stepping.py" in str(caught.value)


def test_a_worker_that_is_killed_is_named():
  with make(toys.make_plan(4), 2) as environments:
    environments.start()
    play(environments, 3)
    (victim,) = (each for each in alive() if each.name == "worker 1")
    victim.kill()
    with pytest.raises(workers.WorkerDied) as caught:
      play(environments, 3)
  assert (
    str(caught.value) == "worker 1 (environments 1, 3) was ended by SIGKILL"
  )


def test_workers_leave_signals_to_their_parent():
  before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
  with make(toys.make_plan(4), 2) as environments:
    environments.start()
    for worker in alive():  # also while they start
      os.kill(worker.pid, signal.SIGINT)
      os.kill(worker.pid, signal.SIGTERM)
    play(environments, 3)
  assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.parametrize("started", [False, True])
def test_closes_whatever_its_workers_do(started):
  with make(toys.make_plan(2, toys.Stuck), 2) as environments:
    environments.start()
    for half in (0, 1) if started else ():
      environments.wait(half)
      environments.release(half, np.zeros(1, np.int32))
    then = time.monotonic()
  assert time.monotonic() - then < 100
  assert not alive()
  environments.close()  # once more


_PROGRAM = """
import signal

import numpy as np
import toy_environments as toys
from behavior_transfer.agents.replay import cutter, frames
from behavior_transfer.experiments import tasks
from behavior_transfer.launch.embedded import workers

print("main", flush=True)


class Mine(toys.Walk):
  pass


if __name__ == "__main__":
  environments = workers.Environments(toys.make_plan(3, {environment}), 2)
  environments.start()
  for half in (0, 1):
    environments.wait(half)
  print("started", flush=True)
  {ending}
"""


@pytest.fixture
def start(tmp_path):
  """Runs a program that starts workers; they hold its output open."""
  processes = []

  def start_program(environment, ending):
    path = tmp_path / "program.py"
    path.write_text(_PROGRAM.format(environment=environment, ending=ending))
    paths = [str(pathlib.Path(__file__).parent), *sys.path]
    process = subprocess.Popen(
      [sys.executable, path],
      env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
      text=True,
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
    )
    processes.append(process)
    return process

  yield start_program
  for process in processes:
    process.kill()
    process.communicate()


def test_a_real_game_goes_on_from_a_state_with_another_number_of_workers():
  plan = stepping.Plan(
    environment_factory=tasks.Task("hero_hard", _OPTIONS).make,
    observer_factory=functools.partial(toys.make_all, [tasks.TrainingObserver]),
    recorder_factory=functools.partial(
      frames.FrameRecorder, cutter.Cutter(4, 8, 4), num_stacked=1
    ),
    seeds=(5, 6, 7, 8),
    observation_shape=(84, 84, 1),
  )
  with make(plan, 0) as environments:
    environments.start()
    play(environments, 30)
    state = on_disk(environments.save_state())
    expected = play(environments, 40, first=30)
    end = environments.save_state()
  with make(plan, 2) as environments:
    environments.restore_state(state)
    assert play(environments, 40, first=30) == expected
    assert_equal(environments.save_state(), end)
  assert any(results[-2] for results in expected)  # blocks
  assert any(results[-1] for results in expected)  # episodes


def test_nobody_is_left_when_the_parent_is_killed(start):
  process = start("toys.Walk", "signal.pause()")
  lines = [process.stdout.readline() for _ in range(2)]
  assert lines == ["main\n", "started\n"]
  process.kill()
  output, _ = process.communicate(timeout=_DEADLINE)
  assert output == ""


@pytest.mark.parametrize("ending", ["pass", "raise SystemExit"])
def test_a_program_that_forgets_to_close_ends_all_the_same(start, ending):
  process = start("toys.Walk", ending)
  output, _ = process.communicate(timeout=_DEADLINE)
  assert output == "main\nstarted\n"
  assert process.returncode == 0


def test_the_main_script_is_run_again_only_where_something_of_it_is_needed(
  start,
):
  output, _ = start("Mine", "pass").communicate(timeout=_DEADLINE)
  assert output.count("main") == 3  # lines may mix


def test_workers_keep_to_one_thread_and_import_no_jax():
  plan = toys.make_plan(1, observers=(toys.SurroundingsObserver,))
  before = dict(os.environ)
  with make(plan, 1) as environments:
    environments.start()
    rows = [results[-1] for results in play(environments, 20)]
  surroundings = {"jax": False, "main": None, "threads": "1"}
  assert surroundings.items() <= next(filter(None, rows))[0].items()
  assert os.environ == before
