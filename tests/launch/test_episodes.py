"""What is reported of episodes, also of those that a kill has cut in two."""

import json

import dm_env
import numpy as np
import pytest

from behavior_transfer.launch import episodes

# In another order they add up to something else.
_REWARDS = (1e8, 0.1, -1e8, 0.3, 0.7)
_FLIGHTS = (1.0, 0.0, 0.1, 0.2, 0.3)


class _Observer:
  """Counts the steps of an episode."""

  def observe_first(self, environment, timestep):
    self.steps = 0

  def observe(self, environment, timestep, action):
    self.steps += 1

  def get_metrics(self):
    return {"watched": self.steps}

  def save_state(self):
    return {"steps": self.steps}

  def restore_state(self, state):
    self.steps = state["steps"]


def _begin():
  statistics = episodes.EpisodeStatistics([_Observer()])
  statistics.begin(None, dm_env.restart(None))
  return statistics


def _play(statistics, rewards, flights):
  for reward, flight in zip(rewards, flights, strict=True):
    step = dm_env.transition(np.float32(reward), None)
    statistics.step(None, step, np.int32(0), {"flight": flight})


def test_an_episode_is_summed_up():
  statistics = _begin()
  _play(statistics, (9.0,), (9.0,))
  statistics.begin(None, dm_env.restart(None))  # nothing is left of the first
  _play(statistics, (1.0, 2.0), (1.0, 0.0))
  telemetry = {"flight": 0.5}
  row = {"episode_return": 3.0, "episode_length": 2, "watched": 2, **telemetry}
  assert statistics.episode() == episodes.Episode(row, telemetry)


@pytest.mark.parametrize("cut", range(len(_REWARDS) + 1))
def test_one_that_is_taken_up_ends_as_if_it_had_not_been_left(cut):
  whole, left = _begin(), _begin()
  _play(whole, _REWARDS, _FLIGHTS)
  _play(left, _REWARDS[:cut], _FLIGHTS[:cut])
  state = json.loads(json.dumps(left.save_state(), allow_nan=False))
  _play(left, (5.0,), (5.0,))  # what is saved is of its time
  taken_up = episodes.EpisodeStatistics([_Observer()])
  taken_up.restore_state(state)
  _play(taken_up, _REWARDS[cut:], _FLIGHTS[cut:])
  assert taken_up.episode() == whole.episode()
  assert taken_up.save_state() == whole.save_state()


def test_summary_of_episodes():
  rows = [
    {"episode_return": 1.0, "flight": 0.5},
    {"episode_return": 4.0, "flight": 0.0},
  ]
  assert episodes.summary(rows) == {
    "evaluation_episodes": 2,
    "episode_return": 2.5,
    "flight": 0.25,
    "episode_return_min": 1.0,
    "episode_return_max": 4.0,
  }
