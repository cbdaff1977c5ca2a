"""What an observer says of an episode, and of the run that it belongs to."""

import itertools
import json

import pytest

from behavior_transfer import envs
from behavior_transfer.experiments import coverage, tasks
from tests.envs import replay


def _play(game, observer, steps=None):
  """Plays the recording of a game; the sum of rewards."""
  total = 0.0
  with envs.make(game, seed=0, noop_max=0, action_repeat=4) as environment:
    observer.observe_first(environment, environment.reset())
    actions = replay.recording(environment.game)[::4]
    for action in actions[:steps]:
      timestep = environment.step(action)
      observer.observe(environment, timestep, action)
      total += float(timestep.reward)
  return total


@pytest.mark.parametrize("game", ["hero", "ms_pacman"])
def test_variants_pay_as_if_they_had_been_played(game):
  """Whichever is played, each variant's column is what it pays itself."""
  modded = [f"{game}_easy", f"{game}_hard"]
  paid, said = {}, []
  for name in (game, *modded):
    observer = tasks.GameObserver()
    paid[name] = _play(name, observer)
    metrics = observer.get_metrics()
    said.append({name: metrics[f"return_{name}"] for name in modded})
    assert metrics["native_return"] == paid[game]
    assert {k for k in metrics if k.startswith("return_")} == {
      f"return_{name}" for name in modded
    }
  assert said == [{name: paid[name] for name in modded}] * 3
  assert paid[modded[0]] > paid[modded[1]]  # the recording has both events


def test_an_episode_counts_what_it_visited():
  observer = tasks.GameObserver()
  _play("hero", observer)
  metrics = observer.get_metrics()
  assert metrics["levels"] == 5
  assert metrics["rooms"] == 2 + 4 + 6 + 8 + 1
  assert metrics["rooms"] < metrics["positions"] < 21 * 18 * 18
  assert "positions_so_far" not in metrics
  _play("hero", observer, steps=2)  # falling into the first room
  metrics = observer.get_metrics()
  assert (metrics["levels"], metrics["rooms"]) == (1, 1)
  # From y = 139 to 131, at x = 32.
  assert metrics["positions"] == 2


def test_games_without_places_or_events_have_no_columns_for_them():
  observer = tasks.GameObserver()
  with envs.make("breakout", seed=0) as environment:
    observer.observe_first(environment, environment.reset())
    observer.observe(environment, environment.step(0), 0)
  assert observer.get_metrics().keys() == {"native_return"}


def _episode(run, steps, agent_steps):
  """Plays an episode that ends at a step of the run; its row."""
  observer = tasks.TrainingObserver()
  _play("hero", observer, steps)
  return run.record(observer.get_metrics(), agent_steps)


def test_a_row_of_training_tells_its_cells_and_then_their_number():
  observer = tasks.TrainingObserver()
  _play("hero", observer, 200)
  told = observer.get_metrics()
  cells = told.pop(coverage.VISITED)
  assert len(set(cells)) == len(cells) == told["positions"]
  other = tasks.GameObserver()
  _play("hero", other, 200)
  assert told == other.get_metrics()


@pytest.mark.parametrize("game", ["hero_hard", "ms_pacman", "maze", "breakout"])
def test_an_observer_goes_on_where_another_was(game):
  whole, now = tasks.TrainingObserver(), tasks.TrainingObserver()
  with envs.make(game, seed=0) as environment:
    timestep = environment.reset()
    for observer in (whole, now):
      observer.observe_first(environment, timestep)
    for step in range(400):
      action = step // 7 % environment.action_spec().num_values
      timestep = environment.step(action)
      for observer in (whole, now):
        observer.observe(environment, timestep, action)
      if step % 100 == 50:
        state = json.loads(json.dumps(now.save_state(), sort_keys=True))
        now.observe(environment, timestep, action)  # nothing to what is saved
        now = tasks.TrainingObserver()
        now.restore_state(state)
  assert [*now.get_metrics().items()] == [*whole.get_metrics().items()]
  assert now.save_state() == whole.save_state()


def test_an_observer_that_saw_nothing_has_a_state_too():
  observer = tasks.TrainingObserver()
  observer.restore_state(json.loads(json.dumps(observer.save_state())))
  assert observer.get_metrics() == {"native_return": 0.0}


def test_a_run_adds_up_its_episodes(tmp_path):
  run = coverage.Coverage(tmp_path / "coverage.npz")
  counts, end = [], 0
  for steps in (200, 100, 300):
    end += steps
    row = _episode(run, steps, end)
    assert coverage.VISITED not in row
    counts.append((row["positions"], row["positions_so_far"]))
  (first, first_so_far), (second, second_so_far), (third, third_so_far) = counts
  assert second < first == first_so_far == second_so_far  # the same way again
  assert third == third_so_far > first
  assert row["rooms_so_far"] == row["rooms"] == 3


def test_rows_without_places_stay_as_they_are(tmp_path):
  run = coverage.Coverage(tmp_path / "coverage.npz")
  row = {"native_return": 1.0}
  assert run.record(row, 10) == {"native_return": 1.0}
  assert run.positions() == 0


def test_a_run_is_taken_up_where_its_checkpoint_was(tmp_path):
  """What was written, but known later than the checkpoint, is forgotten."""
  path = tmp_path / "coverage.npz"
  run, so_far = coverage.Coverage(path), []
  _episode(run, 100, 100)
  _episode(run, 200, 300)
  at_checkpoint = run.positions(), run.rooms()
  run.save()
  _episode(run, 400, 700)
  assert run.positions() > at_checkpoint[0]
  run.save()
  assert [file.name for file in tmp_path.iterdir()] == ["coverage.npz"]

  resumed = coverage.Coverage(path)
  assert resumed.positions() == 0
  resumed.restore(300)
  assert (resumed.positions(), resumed.rooms()) == at_checkpoint
  _episode(resumed, 400, 700)
  assert resumed.positions() == run.positions()
  resumed.save()
  for step in (99, 100, 300, 700):
    again = coverage.Coverage(path)
    again.restore(step)
    so_far.append(again.positions())
  assert so_far[0] == 0
  assert so_far[-2:] == [at_checkpoint[0], run.positions()]
  assert all(a < b for a, b in itertools.pairwise(so_far))


def test_a_run_that_visited_nothing_writes_nothing(tmp_path):
  run = coverage.Coverage(tmp_path / "coverage.npz")
  run.save()
  assert not list(tmp_path.iterdir())
  run.restore(100)
  assert run.positions() == 0
