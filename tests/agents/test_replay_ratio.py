"""The embedded agent learns as often as its replay ratio says, at each step."""

import dataclasses

import pytest

from tests.agents import noisy_play

MIN_SIZE, MAX_SIZE = 7, 15


@pytest.fixture(scope="module")
def agent():
  return noisy_play.make_agent(
    "r2d2", min_replay_size=MIN_SIZE, max_replay_size=MAX_SIZE
  )


@pytest.mark.parametrize(
  "replay_ratio, samples_per_insert", [(0.5, 0.25), (1.0, 0.5), (6.0, 3.0)]
)
def test_updates_are_what_the_ratio_says(
  replay_ratio, samples_per_insert, agent
):
  config = dataclasses.replace(agent.config, replay_ratio=replay_ratio)
  acting, halves = noisy_play.make_embedded(
    agent._replace(config=config), (2, 1)
  )
  num_updates = 0
  for _ in range(60):
    for half, results in enumerate(halves):
      acting.observe(half, results)
      results.step(acting.decide(half, results.observation))
      num_updates += len(list(acting.learn()))
      size, _, _, inserts, samples = acting.replay_status()
      assert size == min(inserts, MAX_SIZE)
      owed = max(inserts - MIN_SIZE, 0) * samples_per_insert
      assert num_updates == owed // config.batch_size
      assert samples == num_updates * config.batch_size
  assert inserts > 3 * MAX_SIZE and num_updates > 0
