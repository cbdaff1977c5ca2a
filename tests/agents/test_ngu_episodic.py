"""NGU's episodic reward against Algorithm 1 in NumPy, and term by term."""

import collections
import functools

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from behavior_transfer.agents import ngu
from behavior_transfer.agents.ngu import episodic, running
from tests.agents import helpers

SIZE = 4  # of the embeddings
# Constants with which every term weighs in, and sums are done by hand.
PLAIN = dict(
  num_neighbors=3,
  kernel_epsilon=0.5,
  cluster_distance=0.25,
  pseudo_count_constant=0.125,
)


class Algorithm1:
  """Algorithm 1 of NGU for one environment, as printed, in float64."""

  def __init__(self, config):
    self._config = config
    self._mean, self._count = 0.0, 0
    self._limit = config.statistics_horizon * config.num_neighbors

  def begin(self, embedding):
    # A list that forgets the oldest: what the paper calls a ring buffer.
    self._memory = collections.deque(maxlen=self._config.memory_capacity)
    self._memory.append(np.asarray(embedding, np.float64))

  def step(self, embedding):
    config, k = self._config, self._config.num_neighbors
    embedding = np.asarray(embedding, np.float64)
    reward = 0.0
    if len(self._memory) >= k:
      squares = ((np.array(self._memory) - embedding) ** 2).sum(axis=1)
      distances = np.sort(squares)[:k]
      total = self._count * self._mean + distances.sum()
      self._mean = total / (self._count + k)
      self._count = min(self._count + k, self._limit)
      normalised = distances / self._mean if self._mean > 0 else distances
      normalised = np.maximum(normalised - config.cluster_distance, 0)
      kernels = config.kernel_epsilon / (normalised + config.kernel_epsilon)
      similarity = np.sqrt(kernels.sum()) + config.pseudo_count_constant
      if similarity <= config.max_similarity:
        reward = 1 / similarity
    self._memory.append(embedding)
    return reward


def reference(config, episodes):
  """Rewards of Algorithm 1, an array an episode."""
  algorithm, rewards = Algorithm1(config), []
  for embeddings in episodes:
    algorithm.begin(embeddings[0])
    rewards.append(np.array([algorithm.step(e) for e in embeddings[1:]]))
  return rewards


@functools.partial(jax.jit, static_argnames="config")
def play(memory, mean, embeddings, config):
  """Rewards of the steps that led to the embeddings, and the state after."""

  def step(carry, embedding):
    reward, *carry = episodic.step(*carry, embedding, config)
    return tuple(carry), reward

  (memory, mean), rewards = jax.lax.scan(step, (memory, mean), embeddings)
  return rewards, memory, mean


def begin(embedding, config):
  memory = episodic.empty(config.memory_capacity, len(embedding))
  return episodic.append(memory, jnp.asarray(embedding), config.memory_capacity)


def episode(config, embeddings, mean=None):
  """Rewards of an episode, and the running mean after it."""
  mean = running.empty() if mean is None else mean
  memory = begin(embeddings[0], config)
  rewards, _, mean = play(memory, mean, jnp.asarray(embeddings[1:]), config)
  return np.asarray(rewards), mean


def walk(seed, length=61, size=SIZE):
  """A path that goes on, goes back, stands still and comes very close."""
  rng = np.random.default_rng(seed)
  path = [rng.normal(size=size)]
  while len(path) < length:
    kind = rng.random()
    if kind < 0.2:
      path.append(path[rng.integers(len(path))])
    elif kind < 0.3:
      path.append(path[-1])
    elif kind < 0.5:
      near = path[rng.integers(len(path))]
      path.append(near + 0.03 * rng.normal(size=size))
    else:
      path.append(path[-1] + rng.normal(size=size))
  return np.array(path, np.float32)


def line(*positions):
  """Embeddings on a line, so that distances are squares of differences."""
  embeddings = np.zeros((len(positions), SIZE), np.float32)
  embeddings[:, 1] = positions
  return embeddings


@pytest.mark.parametrize("scale", [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("num_neighbors", [3, 10])
def test_whole_episodes_follow_algorithm_1(num_neighbors, scale):
  config = ngu.NGUConfig(num_neighbors=num_neighbors)
  episodes = [np.float32(scale) * walk(seed) for seed in range(3)]
  mean = running.empty()
  for embeddings, expected in zip(
    episodes, reference(config, episodes), strict=True
  ):
    rewards, mean = episode(config, embeddings, mean)
    np.testing.assert_allclose(rewards, expected, rtol=1e-4)
    # Revisits and novelties both occur, or the agreement says little.
    assert rewards[num_neighbors:].min() < 1 and rewards.max() > 5


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1e-3, 1e-2, 0.1, 10.0, 1e4])
def test_the_reward_does_not_depend_on_the_scale_of_the_embedding(scale):
  config = ngu.NGUConfig()
  path = walk(seed=5)
  rewards, _ = episode(config, path)
  scaled, _ = episode(config, np.float32(scale) * path)
  np.testing.assert_allclose(scaled, rewards, rtol=1e-3)
  assert rewards[10:].std() > 1


@pytest.mark.parametrize("exponent", [-40, -10, 10, 40])
def test_a_power_of_two_as_scale_changes_no_bit(exponent):
  config = ngu.NGUConfig(num_neighbors=3)
  path = walk(seed=6)
  rewards, _ = episode(config, path)
  scaled, _ = episode(config, np.ldexp(path, exponent))
  np.testing.assert_array_equal(scaled, rewards)


@pytest.mark.parametrize("field", sorted(PLAIN))
def test_each_constant_enters_as_in_the_paper(field):
  """Every other field stays at the values of `PLAIN`."""
  config = ngu.NGUConfig(**{**PLAIN, field: 2 * PLAIN[field]})
  path = walk(seed=7)
  rewards, _ = episode(config, path)
  (expected,) = reference(config, [path])
  np.testing.assert_allclose(rewards, expected, rtol=1e-4)
  assert np.any(rewards != episode(ngu.NGUConfig(**PLAIN), path)[0])


def test_reward_of_three_neighbours_by_hand():
  config = ngu.NGUConfig(**PLAIN)
  reward = episodic.similarity_reward(
    jnp.array([0.0, 1.0, 3.0]), jnp.float32(2.0), config
  )
  # d / d_m^2: 0, 0.5, 1.5; less xi: 0, 0.25, 1.25.
  similarity = np.sqrt(0.5 / 0.5 + 0.5 / 0.75 + 0.5 / 1.75) + 0.125
  np.testing.assert_allclose(similarity, 1.522276, rtol=1e-6)
  np.testing.assert_allclose(reward, 1 / similarity, rtol=1e-6)


@pytest.mark.parametrize(
  "distance, kernel",
  [
    (0.0, 1.0),
    (0.008 * 4, 1.0),  # xi after the division, not before it
    (0.0081 * 4, 0.5),
    (1.008 * 4, 1e-4 / (1 + 1e-4)),
  ],
)
def test_kernel_of_one_neighbour_by_hand(distance, kernel):
  config = ngu.NGUConfig(num_neighbors=1)
  reward = episodic.similarity_reward(
    jnp.array([distance]), jnp.float32(4.0), config
  )
  expected = 1 / (np.sqrt(kernel) + 0.001)
  np.testing.assert_allclose(reward, expected, rtol=1e-4)


def test_reward_of_neighbours_at_the_average_distance_by_hand():
  reward = episodic.similarity_reward(
    jnp.full(10, 7.0), jnp.float32(7.0), ngu.NGUConfig()
  )
  # sqrt(10 * 1e-4 / (1 - 0.008 + 1e-4)) + 0.001 = 0.032748
  np.testing.assert_allclose(reward, 1 / 0.0327484, rtol=1e-5)


def test_one_exact_revisit_earns_one_over_one_plus_c():
  config = ngu.NGUConfig()
  distances = jnp.array([0.0] + [1e9] * 9)
  reward = episodic.similarity_reward(distances, jnp.float32(1.0), config)
  np.testing.assert_allclose(reward, 1 / 1.001, rtol=1e-6)
  # In an episode the other neighbours are not infinitely far.
  rewards, _ = episode(config, line(*range(12), 4))
  assert 0.95 / 1.001 < rewards[-1] < 1 / 1.001


def test_the_reward_of_many_revisits_ends_at_its_floor():
  config = ngu.NGUConfig()
  path = np.concatenate([walk(seed=8, length=40), line(*[3.0] * 20)])
  rewards, _ = episode(config, path)
  np.testing.assert_allclose(rewards[-9:], 1 / (np.sqrt(10) + 0.001), rtol=1e-6)
  # A rung for each revisit that comes on top.
  revisits = np.arange(1, 10)
  floor = 1 / (np.sqrt(revisits) + 0.001)
  assert np.all(rewards[40:49] <= floor * 1.0001)
  assert np.all(rewards[40:49] > 0.9 * floor)


def test_beyond_the_maximal_similarity_the_reward_is_zero():
  path = walk(seed=9)
  free, _ = episode(ngu.NGUConfig(num_neighbors=3), path)
  config = ngu.NGUConfig(num_neighbors=3, max_similarity=1.2)
  cut, _ = episode(config, path)
  (expected,) = reference(config, [path])
  np.testing.assert_allclose(cut, expected, rtol=1e-4)
  familiar = (free > 0) & (free < 1 / 1.2)
  assert familiar.any()
  np.testing.assert_array_equal(cut, np.where(familiar, 0.0, free))


def test_no_default_constant_lets_the_maximal_similarity_trigger():
  rewards, _ = episode(ngu.NGUConfig(), line(*[1.0] * 30))
  assert np.all(rewards[10:] > 0)


@pytest.mark.parametrize("num_neighbors", [1, 3, 10])
def test_reward_and_mean_begin_with_k_entries(num_neighbors):
  config = ngu.NGUConfig(num_neighbors=num_neighbors)
  path = walk(seed=10, length=20)
  rewards, _ = episode(config, path)
  # The first observation is an entry already, before the first step.
  assert np.all(rewards[: num_neighbors - 1] == 0)
  assert np.all(rewards[num_neighbors - 1 :] > 0)
  _, mean = episode(config, path[:num_neighbors])
  assert mean.count == 0 and mean.mean == 0


def test_the_running_mean_holds_a_distance_before_it_divides_it():
  config = ngu.NGUConfig(**{**PLAIN, "num_neighbors": 1})
  rewards, mean = episode(config, line(0.0, 3.0, 5.0, 6.0))
  # Distances 9, 4, 1; their means so far 9, 6.5, 14 / 3.
  expected = []
  for distance, average in [(9, 9), (4, 6.5), (1, 14 / 3)]:
    kernel = 0.5 / (max(distance / average - 0.25, 0) + 0.5)
    expected.append(1 / (np.sqrt(kernel) + 0.125))
  np.testing.assert_allclose(rewards, expected, rtol=1e-6)
  np.testing.assert_allclose(mean.mean, 14 / 3, rtol=1e-6)
  assert mean.count == 3


def test_the_running_mean_is_of_all_k_distances():
  config = ngu.NGUConfig(num_neighbors=2)
  _, mean = episode(config, line(0.0, 1.0, 3.0, 7.0))
  # To 0 and 1 from 3, then to 1 and 3 from 7.
  np.testing.assert_allclose(mean.mean, (9 + 4 + 36 + 16) / 4, rtol=1e-6)
  assert mean.count == 4


def test_the_running_mean_outlives_the_episode():
  config = ngu.NGUConfig(**{**PLAIN, "num_neighbors": 1})
  _, mean = episode(config, line(0.0, 10.0, 20.0))  # distances 100, 100
  rewards, mean = episode(config, line(0.0, 5.0), mean)
  np.testing.assert_allclose(mean.mean, 75.0, rtol=1e-6)
  kernel = 0.5 / (25 / 75 - 0.25 + 0.5)
  np.testing.assert_allclose(
    rewards, [1 / (np.sqrt(kernel) + 0.125)], rtol=1e-6
  )


def test_the_running_mean_forgets_beyond_its_horizon_in_agent_steps():
  config = ngu.NGUConfig(num_neighbors=2, statistics_horizon=4)
  start = running.Moments(jnp.float32(8), jnp.float32(100), jnp.float32(0))
  # Steps of the same two distances: the mean halves its gap by 4/5 each time.
  positions = np.arange(12.0)
  _, mean = episode(config, line(*positions), start)
  assert mean.count == 8
  # From each position to the two before it: 1 and 4; ten such steps.
  np.testing.assert_allclose(mean.mean, 2.5 + 97.5 * 0.8**10, rtol=1e-5)


def test_episodes_with_a_horizon_follow_algorithm_1():
  config = ngu.NGUConfig(num_neighbors=3, statistics_horizon=10)
  episodes = [walk(20), 30 * walk(21), walk(22)]
  episodes = [e.astype(np.float32) for e in episodes]
  mean = running.empty()
  for embeddings, expected in zip(
    episodes, reference(config, episodes), strict=True
  ):
    rewards, mean = episode(config, embeddings, mean)
    np.testing.assert_allclose(rewards, expected, rtol=1e-4)


@pytest.mark.parametrize("capacity", [3, 4, 7, 20])
def test_a_full_memory_forgets_its_oldest_entry(capacity):
  config = ngu.NGUConfig(num_neighbors=3, memory_capacity=capacity)
  episodes = [walk(30), walk(31)]
  mean = running.empty()
  for embeddings, expected in zip(
    episodes, reference(config, episodes), strict=True
  ):
    rewards, mean = episode(config, embeddings, mean)
    np.testing.assert_allclose(rewards, expected, rtol=1e-4)
  # The forgotten would have made a difference.
  endless, _ = episode(ngu.NGUConfig(num_neighbors=3), walk(30))
  assert np.any(endless != episode(config, walk(30))[0])


def shuffled_returns(capacity, num_steps, size, seed):
  """New places, and returns after about as many steps as memory holds."""
  rng = np.random.default_rng(seed)
  path = list(rng.normal(size=(capacity + 3, size)))
  while len(path) <= num_steps:
    lag = capacity + rng.integers(-1, 3)
    new = rng.normal(size=size)
    path.append(path[-lag] if rng.random() < 0.3 else new)
  return np.array(path, np.float32)


# The search goes through the memory in blocks of 1024.
@pytest.mark.parametrize(
  "capacity, num_steps",
  [(1022, 2400), (1023, 2400), (1024, 2400), (1025, 2400), (2500, 3400)],
)
def test_memories_about_the_size_of_a_block_keep_the_last_entries(
  capacity, num_steps
):
  config = ngu.NGUConfig(num_neighbors=2, memory_capacity=capacity)
  path = shuffled_returns(capacity, num_steps, 2, seed=capacity)
  rewards, _ = episode(config, path)
  (expected,) = reference(config, [path])
  np.testing.assert_allclose(rewards, expected, rtol=1e-3)


@pytest.mark.parametrize("capacity", [5, 1023, 1024, 1025, 2500])
def test_a_place_is_known_for_as_many_steps_as_the_memory_holds(capacity):
  config = ngu.NGUConfig(num_neighbors=1, memory_capacity=capacity)
  path = np.zeros((capacity + 3, 2), np.float32)
  path[:, 0] = np.arange(capacity + 3)
  known, forgotten = path.copy(), path.copy()
  known[-1] = path[-1 - capacity]
  forgotten[-1] = path[-1 - (capacity + 1)]
  rewards = [episode(config, p)[0][-1] for p in (known, forgotten)]
  np.testing.assert_allclose(rewards[0], 1 / 1.001, rtol=1e-6)
  assert rewards[1] > 10


@pytest.fixture(scope="module")
def whole_reward():
  """The reward on frames, with real networks: jitted begin and episodes."""
  config = ngu.NGUConfig(num_neighbors=3, memory_capacity=30, embedding_size=4)
  nets = ngu.make_networks(
    helpers.environment_spec(), helpers.TINY, config=config
  )
  reward = ngu.make_intrinsic_reward(nets.intrinsic, config)
  params = nets.intrinsic.init(jax.random.PRNGKey(3))
  reward_step = helpers.reward_step(nets, reward)

  @jax.jit
  def steps(frames, state):
    def step(state, frame):
      value, factors, state = reward_step(params, frame, state)
      return state, (value, factors)

    return jax.lax.scan(step, state, frames)

  def run(frames, state):
    state = reward.begin(params, frames[0], state)
    state, (values, factors) = steps(frames[1:], state)
    return np.asarray(values), jax.tree.map(np.asarray, factors), state

  return reward, run


def noise_frames(seed, length=20):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (length, 6, 6, 1)).astype(np.uint8)


def test_begin_empties_the_memory(whole_reward):
  reward, run = whole_reward
  second = noise_frames(2)
  results = []
  # The second episode repeats the first, or has nothing to do with it.
  for first in (second, noise_frames(1), noise_frames(1, length=60)):
    _, _, state = run(first, reward.init())
    moments = running.Moments(*jnp.float32([50, 0.3, 0.01]))
    state = state._replace(distances=moments, errors=moments)
    results.append(run(second, state)[0])
  np.testing.assert_array_equal(results[1], results[0])
  np.testing.assert_array_equal(results[2], results[0])
  assert np.all(results[0][2:] > 0)


def test_what_outlives_an_episode_is_the_running_mean(whole_reward):
  reward, run = whole_reward
  frames = noise_frames(4)
  _, first, state = run(frames, reward.init())
  _, second, _ = run(frames, state)
  assert np.any(first["episodic_reward"] != second["episodic_reward"])
  # With the mean put back, the same episode is rewarded as before.
  empty = reward.init()
  _, third, _ = run(frames, state._replace(distances=empty.distances))
  np.testing.assert_array_equal(
    third["episodic_reward"], first["episodic_reward"]
  )


def test_the_first_observation_of_an_episode_is_an_entry(whole_reward):
  reward, run = whole_reward
  frames = noise_frames(5, length=8)
  frames[5] = frames[0]
  _, factors, _ = run(frames, reward.init())
  others = np.delete(factors["episodic_reward"][2:], 2)
  assert factors["episodic_reward"][4] < 1 < others.min()


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0])
def test_an_embedding_that_never_changed_earns_the_floor(scale):
  config = ngu.NGUConfig()
  rewards, mean = episode(config, scale * line(*[1.0] * 30))
  np.testing.assert_allclose(rewards[10:], 1 / (np.sqrt(10) + 0.001), rtol=1e-6)
  assert mean.mean == 0


def test_an_embedding_that_no_longer_changes_earns_the_floor():
  config = ngu.NGUConfig()
  _, mean = episode(config, walk(seed=12))
  rewards, _ = episode(config, line(*[2.0] * 30), mean)
  np.testing.assert_allclose(rewards[10:], 1 / (np.sqrt(10) + 0.001), rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("moved", [True, False])
def test_an_embedding_that_is_no_number_gives_no_number(bad, moved):
  config = ngu.NGUConfig(num_neighbors=3)
  path = walk(seed=13, length=20) if moved else line(*[1.0] * 20)
  path = path.copy()
  path[15, 2] = bad
  rewards, _ = episode(config, path)
  assert np.isfinite(rewards[:14]).all()
  assert np.isnan(rewards[14])


def test_an_embedding_that_is_no_number_shows_before_there_are_k_entries():
  path = walk(seed=13, length=6)
  path[2:] = np.nan
  rewards, _ = episode(ngu.NGUConfig(), path)
  assert np.isnan(rewards[1:]).all()


def test_a_mean_that_is_no_number_gives_no_number():
  mean = running.Moments(jnp.float32(5), jnp.float32(np.nan), jnp.float32(1))
  rewards, _ = episode(ngu.NGUConfig(num_neighbors=3), walk(14), mean)
  assert np.isnan(rewards[3:]).all()


def test_environments_with_different_fill_equal_each_one_alone():
  config = ngu.NGUConfig(num_neighbors=3, memory_capacity=1500)
  before = (1, 2, 700, 1400, 2200)  # entries, on both sides of block and ring
  states = []
  for seed, num in enumerate(before):
    path = np.random.default_rng(seed).normal(size=(num, 2))
    path = path.astype(np.float32)
    memory = begin(path[0], config)
    _, memory, mean = play(memory, running.empty(), path[1:], config)
    states.append((memory, mean))
  paths = np.stack([walk(40 + seed, 30, 2) for seed in range(len(before))])
  stacked = jax.tree.map(lambda *x: jnp.stack(x), *states)
  together = jax.vmap(lambda m, d, e: play(m, d, e, config)[0])(*stacked, paths)
  for i, (state, path) in enumerate(zip(states, paths, strict=True)):
    alone = play(*state, path, config)[0]
    np.testing.assert_allclose(together[i], alone, rtol=1e-5)
  assert np.all(together[0, :2] == 0) and np.all(together[2:] > 0)


@jax.jit
def similarity_reward(distances, mean):
  return episodic.similarity_reward(distances, mean, ngu.NGUConfig())


@hypothesis.settings(deadline=None, max_examples=200, derandomize=True)
@hypothesis.given(
  st.lists(st.floats(0, 1e4, width=32), min_size=10, max_size=10),
  st.floats(0, 1e4, width=32),
)
def test_reward_is_bounded_and_falls_with_every_exact_revisit(distances, mean):
  distances = np.sort(np.float32(distances))
  rewards = []
  for revisits in range(11):
    # A revisit is a neighbour at distance 0; the farthest is one no more.
    near = np.concatenate(
      [np.zeros(revisits, np.float32), distances[: 10 - revisits]]
    )
    rewards.append(float(similarity_reward(near, np.float32(mean))))
  rewards = np.array(rewards)
  assert np.all(rewards >= 1 / (np.sqrt(10) + 0.001) * (1 - 1e-6))
  assert np.all(rewards <= 1 / 0.001 * (1 + 1e-6))
  assert np.all(rewards[1:] <= 1 / 1.001 * (1 + 1e-6))
  assert np.all(np.diff(rewards) <= 1e-6 * rewards[:-1])


@hypothesis.settings(deadline=None, max_examples=30, derandomize=True)
@hypothesis.given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 1.0, 1e3]))
def test_rewards_of_any_walk_are_within_their_bounds(seed, scale):
  config = ngu.NGUConfig(num_neighbors=3)
  rewards, _ = episode(config, np.float32(scale) * walk(seed))
  rewards = rewards[2:]
  assert np.all(rewards >= 1 / (np.sqrt(3) + 0.001) * (1 - 1e-6))
  assert np.all(rewards <= 1 / 0.001)
