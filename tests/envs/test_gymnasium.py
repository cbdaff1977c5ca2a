"""The variants under Gymnasium's own checks."""

import warnings

import gymnasium
import numpy as np
import pytest
import replay
from gymnasium.utils import env_checker

from behavior_transfer import envs
from behavior_transfer.envs import gymnasium_envs

gymnasium.register_envs(gymnasium_envs)


@pytest.mark.parametrize("name", ["hero_hard", "ms_pacman_easy", "maze_far"])
def test_it_passes_gymnasiums_check(name):
  environment = gymnasium.make(f"behavior_transfer/{name}-v0")
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    env_checker.check_env(environment.unwrapped, skip_render_check=True)
  environment.close()


def test_every_variant_is_registered():
  for name in envs.names():
    spec = gymnasium.spec(f"behavior_transfer/{name}-v0")
    assert spec.kwargs == {"variant": name}


def test_it_plays_what_the_environment_plays():
  actions = replay.recording("hero")[::4][:1500]
  name, options = "hero_hard", {"noop_max": 0}
  theirs = gymnasium.make(
    f"behavior_transfer/{name}-v0", render_mode="rgb_array", **options
  )
  with envs.make(name, seed=3, **options) as ours:
    observation, info = theirs.reset(seed=3)
    timestep = ours.reset()
    np.testing.assert_array_equal(observation, timestep.observation)
    total = 0.0
    for action in actions:
      observation, reward, terminated, truncated, info = theirs.step(action)
      timestep = ours.step(action)
      np.testing.assert_array_equal(observation, timestep.observation)
      assert reward == timestep.reward
      assert info["events"] == ours.events
      assert info["place"] == ours.place
      assert info["native_reward"] == ours.native_reward
      assert not truncated
      total += reward
      if terminated:
        break
    np.testing.assert_array_equal(theirs.render(), ours.render())
  assert total != 0
  theirs.close()


def test_the_clock_truncates():
  environment = gymnasium.make(
    "behavior_transfer/maze_far-v0", max_episode_frames=40
  )
  environment.reset(seed=0)
  ends = [environment.step(0)[2:4] for _ in range(10)]
  assert ends == [(False, False)] * 9 + [(False, True)]


def test_several_at_once():
  environments = gymnasium.make_vec(
    "behavior_transfer/maze_dense-v0", num_envs=3, vectorization_mode="sync"
  )
  observations, _ = environments.reset(seed=0)
  assert observations.shape == (3, 36, 36, 1)
  observations, rewards, *_ = environments.step(np.array([0, 1, 2]))
  assert rewards.shape == (3,)
  environments.close()


def test_an_unknown_mode_is_refused():
  with pytest.raises(ValueError, match=r"^render_mode: got 'human'; allowed"):
    gymnasium_envs.GymnasiumEnvironment("maze", render_mode="human")
