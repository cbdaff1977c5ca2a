"""The variants under Gymnasium's own checks."""

import copy
import pickle
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


def test_a_variant_file_by_keyword(tmp_path):
  path = tmp_path / "mine.toml"
  path.write_text('game = "maze"\n[rewards]\ncoin = 3\n')
  for name in (path, str(path), envs.variant(path)):
    environment = gymnasium.make("behavior_transfer/variant-v0", variant=name)
    environment.reset(seed=0)
    rng = np.random.default_rng(0)
    steps = [environment.step(rng.integers(5)) for _ in range(200)]
    coins = [info["events"].get("coin", 0) for *_, info in steps]
    assert [reward for _, reward, *_ in steps] == [3 * n for n in coins]
    assert sum(coins) > 0


def test_options_that_there_are_not_are_named():
  with pytest.raises(ValueError, match=r"^frameskip: got 4; .*action_repeat"):
    gymnasium.make("behavior_transfer/hero-v0", frameskip=4)


def test_a_step_without_an_episode_is_refused():
  environment = gymnasium_envs.GymnasiumEnvironment(
    "maze", max_episode_frames=40
  )
  with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
    environment.step(0)
  for _ in range(2):
    environment.reset(seed=0)
    while not environment.step(0)[3]:
      pass
    for _ in range(2):
      with pytest.raises(gymnasium.error.ResetNeeded, match="is over; call"):
        environment.step(0)


@pytest.mark.parametrize("action", [1.5, "1", None, -1, 5, np.array([1])])
def test_actions_outside_the_space_are_refused(action):
  environment = gymnasium_envs.GymnasiumEnvironment("maze")
  environment.reset(seed=0)
  with pytest.raises(ValueError, match=r"^action: got .*; allowed: .* 0 to 4"):
    environment.step(action)


def test_it_tells_lives_and_memory():
  environment = gymnasium.make("behavior_transfer/breakout-v0")
  _, info = environment.reset(seed=0)
  assert info["lives"] == 5
  assert environment.unwrapped.get_action_meanings()[:2] == ["NOOP", "FIRE"]
  rng = np.random.default_rng(0)
  seen, is_over = {5}, False
  while not is_over:
    *_, is_over, _, info = environment.step(rng.integers(18))
    assert info["ram"].shape == (128,)
    assert info["ram"][57] == info["lives"] == environment.unwrapped.ale.lives()
    seen.add(info["lives"])
  assert seen == set(range(6))


def test_episodes_begin_by_chance_where_no_seed_is_given():
  starts = set()
  for _ in range(8):
    environment = gymnasium_envs.GymnasiumEnvironment("breakout")
    starts.add(environment.reset()[1]["ram"].tobytes())
  assert len(starts) > 1


def test_copies_go_on_alike():
  environment = gymnasium_envs.GymnasiumEnvironment("hero_hard")
  environment.reset(seed=0)
  for _ in range(30):
    environment.step(11)
  others = copy.copy(environment), pickle.loads(pickle.dumps(environment))
  for action in np.random.default_rng(0).integers(18, size=60):
    observation, *rest, info = environment.step(action)
    for other in others:
      their_observation, *their_rest, their_info = other.step(action)
      np.testing.assert_array_equal(their_observation, observation)
      assert their_rest == rest
      np.testing.assert_array_equal(their_info.pop("ram"), info["ram"])
      assert their_info.items() <= info.items()


class _FireReset(gymnasium.Wrapper):
  """As in Stable-Baselines3: a game that waits for FIRE is started."""

  def __init__(self, env):
    super().__init__(env)
    assert env.unwrapped.get_action_meanings()[1] == "FIRE"
    assert len(env.unwrapped.get_action_meanings()) >= 3

  def reset(self, **keywords):
    self.env.reset(**keywords)
    observation, _, terminated, truncated, info = self.env.step(1)
    if terminated or truncated:
      observation, info = self.env.reset(**keywords)
    return observation, info


class _EpisodicLife(gymnasium.Wrapper):
  """As in Stable-Baselines3: each life is an episode to the learner."""

  def __init__(self, env):
    super().__init__(env)
    self.lives = 0
    self.was_real_done = True

  def step(self, action):
    observation, reward, terminated, truncated, info = self.env.step(action)
    self.was_real_done = terminated or truncated
    lives = self.env.unwrapped.ale.lives()
    if 0 < lives < self.lives:
      terminated = True
    self.lives = lives
    return observation, reward, terminated, truncated, info

  def reset(self, **keywords):
    if self.was_real_done:
      observation, info = self.env.reset(**keywords)
    else:
      observation, _, terminated, truncated, info = self.env.step(0)
      if terminated or truncated:
        observation, info = self.env.reset(**keywords)
    self.lives = self.env.unwrapped.ale.lives()
    return observation, info


def test_stable_baselines_wrappers():
  environment = _FireReset(
    _EpisodicLife(gymnasium.make("behavior_transfer/breakout-v0"))
  )
  rng, lengths = np.random.default_rng(0), []
  for episode in range(6):
    _, info = environment.reset(seed=0 if episode == 0 else None)
    assert info["lives"] == (5, 4, 3, 2, 1, 5)[episode]
    terminated, length = False, 0
    while not terminated:
      _, _, terminated, _, info = environment.step(rng.integers(18))
      length += 1
    lengths.append(length)
  assert min(lengths) > 5


def _thunk():
  environment = gymnasium.make(
    "behavior_transfer/ms_pacman_hard-v0", max_episode_frames=500
  )
  return gymnasium.wrappers.RecordEpisodeStatistics(environment)


def test_a_loop_like_cleanrls():
  environments = gymnasium.vector.SyncVectorEnv([_thunk] * 3)
  observations, _ = environments.reset(seed=1)
  rng, returns, paid = np.random.default_rng(0), [], np.zeros(3)
  for _ in range(300):
    actions = rng.integers(environments.single_action_space.n, size=3)
    observations, rewards, *_, infos = environments.step(actions)
    assert observations.shape == (3, 84, 84, 1)
    paid += rewards
    if "episode" in infos:
      ended = infos["_episode"]
      np.testing.assert_array_equal(infos["episode"]["r"][ended], paid[ended])
      returns.extend(paid[ended])
      paid[ended] = 0
  assert len(returns) == 6
  assert sum(returns) < 0  # dots cost
  environments.close()
