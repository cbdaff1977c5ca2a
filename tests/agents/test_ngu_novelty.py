"""Running moments, whitening, lifelong factor and the reward of RND."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import ngu
from behavior_transfer.agents import sequences as sequences_lib
from behavior_transfer.agents.ngu import learning, novelty, running
from behavior_transfer.agents.ngu import networks as ngu_networks
from tests.agents import helpers


def moments(count=0.0, mean=0.0, variance=0.0):
  return running.Moments(*(jnp.float32(x) for x in (count, mean, variance)))


def in_chunks(values, sizes):
  """Splits along the first axis; the last chunk takes what is left."""
  return np.split(values, np.cumsum(sizes))


@pytest.mark.parametrize("shape", [(), (3,), (4, 5, 1)])
@pytest.mark.parametrize(
  "sizes", [[50], [1] * 50, [1, 2, 30, 1, 7, 3], [200, 1, 1, 100]]
)
def test_moments_of_a_stream_in_chunks_are_numpys(shape, sizes):
  rng = np.random.default_rng(len(sizes))
  scale = rng.uniform(0.1, 20, shape)
  values = rng.normal(3, scale, (sum(sizes) + 5, *shape)).astype(np.float32)
  result = running.empty(shape)
  for chunk in in_chunks(values, sizes):
    result = running.update(result, jnp.asarray(chunk))
  double = values.astype(np.float64)
  assert result.count == len(values)
  np.testing.assert_allclose(result.mean, double.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(result.variance, double.var(axis=0), rtol=1e-4)
  np.testing.assert_allclose(
    running.deviation(result), double.std(axis=0), rtol=1e-4
  )


def test_variance_survives_a_mean_far_from_zero():
  values = np.random.default_rng(0).normal(1000, 0.5, 400).astype(np.float32)
  result = running.empty()
  for chunk in in_chunks(values, [1, 9, 90, 150]):
    result = running.update(result, jnp.asarray(chunk))
  expected = values.astype(np.float64).std()
  np.testing.assert_allclose(running.deviation(result), expected, rtol=1e-3)


@pytest.mark.parametrize("size", [1, 4, 7])
def test_beyond_the_horizon_the_past_weighs_as_much_as_the_horizon(size):
  horizon, rng = 20, np.random.default_rng(size)
  values = np.concatenate([rng.normal(5, 1, 70), rng.normal(-3, 4, 70)])
  values = values.astype(np.float32)
  result = running.empty()
  count, mean, square = 0, 0.0, 0.0  # of the first and second power
  for chunk in values.reshape(-1, size):
    result = running.update(result, jnp.asarray(chunk), horizon)
    chunk = chunk.astype(np.float64)
    mean = (count * mean + chunk.sum()) / (count + size)
    square = (count * square + (chunk**2).sum()) / (count + size)
    count = min(count + size, horizon)
    assert result.count == count
    np.testing.assert_allclose(result.mean, mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
      result.variance, square - mean**2, rtol=1e-4, atol=1e-4
    )


def test_a_stream_shorter_than_the_horizon_forgets_nothing():
  values = np.random.default_rng(1).normal(size=30).astype(np.float32)
  result = running.update(running.empty(), values[:10], 30)
  result = running.update(result, values[10:], 30)
  np.testing.assert_allclose(result.mean, values.mean(), rtol=1e-5)
  np.testing.assert_allclose(result.variance, values.var(), rtol=1e-5)


@pytest.mark.parametrize("shape", [(), (4, 5, 1)])
def test_values_that_are_not_valid_do_not_count(shape):
  rng = np.random.default_rng(6)
  values = rng.normal(3, 2, (60, *shape)).astype(np.float32)
  valid = rng.random(60) < 0.4
  valid[10:20] = False  # one chunk has none
  values[~valid] = 1e6
  result = running.empty(shape)
  for chunk, mask in zip(
    values.reshape(6, 10, *shape), valid.reshape(6, 10), strict=True
  ):
    before = result
    result = running.update(result, jnp.asarray(chunk), valid=jnp.asarray(mask))
    if not mask.any():
      jax.tree.map(np.testing.assert_array_equal, result, before)
  double = values[valid].astype(np.float64)
  assert result.count == valid.sum()
  np.testing.assert_allclose(result.mean, double.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(result.variance, double.var(axis=0), rtol=1e-4)


def test_moments_of_no_valid_value_stay_empty():
  result = running.update(
    running.empty((2,)), jnp.ones((3, 2)), valid=jnp.zeros(3, bool)
  )
  jax.tree.map(np.testing.assert_array_equal, result, running.empty((2,)))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 87 / 255, 1e-12, 1e12])
def test_values_that_come_one_by_one_and_never_differ_deviate_by_1(value):
  result = running.empty()
  for _ in range(50):
    result = running.update(result, jnp.full((1,), value, jnp.float32))
  assert result.mean == np.float32(value)
  assert running.deviation(result) == 1


def test_moments_of_nothing_deviate_by_1():
  assert np.all(running.deviation(running.empty((2, 3))) == 1)


def gray_frames(num):
  """Frames in which each of the 256 pixels shows its own gray, always."""
  values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
  return np.tile(values, (num, 1, 1, 1))


@jax.jit
def with_frames(pixels, frames):
  return running.update(pixels, novelty.scaled(frames))


@pytest.mark.parametrize("num", [3, 10, 320])
def test_pixels_that_never_differ_are_0_to_the_predictor(num):
  pixels = running.empty((16, 16, 1))
  for _ in range(3):
    pixels = with_frames(pixels, gray_frames(num))
  whitened = jax.jit(novelty.whiten)(gray_frames(1), pixels)
  # 0 but for rounding, where frames that do differ are of the order of 1.
  np.testing.assert_allclose(whitened, 0.0, atol=1e-3)


def test_whitening_is_pixel_by_pixel_and_clipped():
  frames = np.array([[[[0], [51]], [[102], [255]]]], np.uint8)
  pixels = running.Moments(
    count=jnp.float32(10),
    mean=jnp.array([[[0.5], [0.1]], [[0.4], [0.0]]]),
    variance=jnp.array([[[0.01], [0.25]], [[0.0], [0.04]]]),
  )
  # (0 - 0.5) / 0.1, (0.2 - 0.1) / 0.5, (0.4 - 0.4) / 1, (1 - 0) / 0.2
  expected = [[[[-5.0], [0.2]], [[0.0], [5.0]]]]
  whitened = novelty.whiten(frames[0], pixels)
  np.testing.assert_allclose(whitened, expected[0], rtol=1e-5, atol=1e-6)
  frames[0, 0, 0] = 255  # (1 - 0.5) / 0.1, on the limit
  pixels = pixels._replace(variance=pixels.variance / 4)
  whitened = novelty.whiten(frames[0], pixels)
  assert whitened[0, 0, 0] == 5 and whitened.max() == 5
  frames[0, 0, 0] = 0
  assert novelty.whiten(frames[0], pixels).min() == -5


def test_a_pixel_that_did_not_differ_is_whitened_by_one_gray_level():
  pixels = running.Moments(
    count=jnp.float32(50),
    mean=jnp.full((1, 3, 1), 100 / 255),
    variance=jnp.array([[[0.0], [(0.1 / 255) ** 2], [(2 / 255) ** 2]]]),
  )
  frame = np.full((1, 3, 1), 102, np.uint8)
  whitened = novelty.whiten(frame, pixels)
  np.testing.assert_allclose(whitened, [[[2.0], [2.0], [1.0]]], rtol=1e-4)
  frame[:] = 20
  np.testing.assert_array_equal(novelty.whiten(frame, pixels), -5)


def test_only_the_newest_frame_of_a_stack_counts():
  rng = np.random.default_rng(2)
  stack = rng.integers(0, 256, (3, 6, 6, 4)).astype(np.uint8)
  np.testing.assert_allclose(
    novelty.scaled(stack)[..., 0], stack[..., 3] / 255, rtol=1e-6
  )
  config = ngu.NGUConfig(intrinsic_reward="rnd", rnd_size=4)
  nets = ngu.make_networks(
    helpers.environment_spec(shape=(6, 6, 4)), helpers.TINY, config=config
  ).intrinsic
  params = nets.init(jax.random.PRNGKey(0))
  changed, halved = stack[0].copy(), stack[0].copy()
  changed[..., :3] = stack[1, ..., :3]
  halved[..., 3] //= 2
  error = jax.jit(nets.prediction_error)
  errors = [
    error(params.trained["predictor"], params, frames)
    for frames in (stack[0], changed, halved)
  ]
  assert errors[1] == errors[0]
  assert abs(errors[2] - errors[0]) > 1e-3


def test_whitening_before_the_first_moments_only_scales():
  frames = np.random.default_rng(3).integers(0, 256, (6, 6, 1)).astype(np.uint8)
  whitened = novelty.whiten(frames, running.empty((6, 6, 1)))
  np.testing.assert_allclose(whitened, frames / 255, rtol=1e-6)


@pytest.mark.parametrize(
  "error, expected",
  [
    (2.0, 1.0),  # the mean
    (1.0, 1.0),  # below it: 0.5, clipped
    (-50.0, 1.0),
    (3.0, 1.5),
    (5.0, 2.5),
    (10.0, 5.0),  # 1 + 8 / 2, the limit
    (20.0, 5.0),
  ],
)
def test_lifelong_factor_by_hand(error, expected):
  factor = novelty.lifelong_factor(
    jnp.float32(error), moments(7, 2.0, 4.0), 5.0
  )
  np.testing.assert_allclose(factor, expected, rtol=1e-6)


def test_lifelong_factor_of_a_first_error_is_1():
  first = running.update(running.empty(), jnp.array([30.0]))
  assert novelty.lifelong_factor(jnp.float32(30), first, 5.0) == 1


def test_lifelong_factor_of_no_number_is_no_number():
  factor = novelty.lifelong_factor(jnp.float32(np.nan), moments(3, 1, 1), 5.0)
  assert np.isnan(factor)


def rnd_authors_rewards(errors, discount):
  """Forward filter and running deviation as in Burda et al.'s code, with its
  moments of one environment after every step, in plain Python.
  """
  rewems, sums, rewards = 0.0, [], []
  for error in map(float, errors):
    rewems = rewems * discount + error
    sums.append(rewems)
    mean = sum(sums) / len(sums)
    variance = sum((x - mean) ** 2 for x in sums) / len(sums)
    rewards.append(error / variance**0.5 if variance > 0 else error)
  return rewards


def filtered(errors, discount, state=None):
  if state is None:
    state = novelty.ReturnFilter(jnp.float32(0), running.empty())

  def step(state, error):
    reward, state = novelty.normalised_error(error, state, discount)
    return state, reward

  state, rewards = jax.jit(lambda s, e: jax.lax.scan(step, s, e))(
    state, jnp.asarray(errors)
  )
  return np.asarray(rewards), state


@pytest.mark.parametrize("discount", [0.0, 0.9, 0.99])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_normalised_error_follows_the_authors_of_rnd(discount, scale):
  rng = np.random.default_rng(4)
  errors = scale * rng.gamma(2.0, 1.0, 300)
  errors[100:120] = 0
  errors = errors.astype(np.float32)
  rewards, state = filtered(errors, discount)
  expected = rnd_authors_rewards(errors, discount)
  np.testing.assert_allclose(rewards, expected, rtol=1e-4)
  # Never negative, and no mean subtracted: no error gives no reward.
  assert rewards.min() == 0 and np.all(rewards[100:120] == 0)
  np.testing.assert_allclose(
    state.discounted_sum,
    sum(discount**i * e for i, e in enumerate(errors[::-1].astype(float))),
    rtol=1e-5,
  )


def test_the_scale_of_errors_drops_out_of_their_reward():
  errors = np.random.default_rng(5).gamma(2.0, 1.0, 50).astype(np.float32)
  rewards, _ = filtered(errors, 0.99)
  small, _ = filtered(errors / 1024, 0.99)
  # But for the first, which nothing can scale yet.
  np.testing.assert_allclose(small[1:], rewards[1:], rtol=1e-5)


@pytest.fixture(scope="module")
def rnd():
  config = ngu.NGUConfig(
    intrinsic_reward="rnd",
    rnd_size=8,
    burn_in=0,
    trace_length=5,
    sequence_period=5,
    intrinsic_learning_rate=3e-3,
  )
  nets = ngu.make_networks(
    helpers.environment_spec(), helpers.TINY, config=config
  )
  return config, nets, nets.intrinsic.init(jax.random.PRNGKey(0))


def random_frames(seed, *shape):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (*shape, 6, 6, 1)).astype(np.uint8)


def random_pixels(seed):
  rng = np.random.default_rng(seed)
  mean, variance = rng.uniform(0.1, 0.6, (2, 6, 6, 1)).astype(np.float32)
  return running.Moments(jnp.float32(9), jnp.asarray(mean), variance)


def test_the_filter_runs_on_over_ends_of_episodes(rnd):
  config, nets, params = rnd
  reward = ngu.make_intrinsic_reward(nets.intrinsic, config)
  begin, step = jax.jit(reward.begin), helpers.reward_step(nets, reward)
  frames, state = random_frames(6, 30), reward.init()
  rewards, errors = [], []
  for t, frame in enumerate(frames):
    if t % 10 == 0:
      state = begin(params, frame, state)
      continue
    value, factors, state = step(params, frame, state)
    rewards.append(float(value))
    errors.append(float(factors["rnd_error"]))
  expected = rnd_authors_rewards(errors, 0.99)
  np.testing.assert_allclose(rewards, expected, rtol=1e-4)


def test_prediction_error_is_the_squared_distance_of_the_outputs(rnd):
  _, nets, params = rnd
  params = params._replace(pixels=random_pixels(7))
  frames = random_frames(8, 4, 3)
  error = jax.jit(nets.intrinsic.prediction_error)(
    params.trained["predictor"], params, frames
  )
  deviation = np.sqrt(np.float64(params.pixels.variance))
  whitened = (frames / 255 - np.float64(params.pixels.mean)) / deviation
  whitened = np.float32(np.clip(whitened, -5, 5))
  apply = ngu_networks.Predictor(helpers.TINY, 8).apply
  difference = np.float64(
    apply(params.trained["predictor"], whitened)
  ) - np.float64(apply(params.target, whitened))
  np.testing.assert_allclose(error, (difference**2).sum(axis=-1), rtol=1e-4)
  assert error.shape == (4, 3) and np.all(error > 0)


def test_predictor_and_target_start_apart_and_agree_only_when_equal(rnd):
  _, nets, params = rnd
  frames = random_frames(9, 5)
  error = jax.jit(nets.intrinsic.prediction_error)
  assert np.all(error(params.trained["predictor"], params, frames) > 1e-3)
  np.testing.assert_array_equal(error(params.target, params, frames), 0.0)


def test_only_the_predictor_receives_a_gradient(rnd):
  _, nets, params = rnd
  params = params._replace(pixels=random_pixels(10))
  frames = random_frames(11, 4)

  def total(predictor, target):
    return nets.intrinsic.prediction_error(
      predictor, params._replace(target=target), frames
    ).sum()

  of_predictor, of_target = jax.jit(jax.grad(total, (0, 1)))(
    params.trained["predictor"], params.target
  )
  assert all(not np.any(g) for g in jax.tree.leaves(of_target))
  assert all(np.any(g) for g in jax.tree.leaves(of_predictor))


def test_the_error_falls_on_what_was_seen_and_less_on_what_was_not(rnd):
  config, nets, params = rnd
  core = learning.make_learner_core(nets, config)
  seen, unseen = random_frames(12, 6, 4), random_frames(13, 24)
  batch = helpers.random_sequences(
    np.random.default_rng(14),
    6,
    4,
    nets.q_network,
    extras={
      "mixture_index": np.zeros((6, 4), np.int32),
      "behaviour_probability": np.full((6, 4), 0.5, np.float32),
    },
  )
  batch = sequences_lib.time_major(batch._replace(observation=seen))
  policy = nets.q_network.init(jax.random.PRNGKey(1))
  # A copy, since the step gives its state's buffers away.
  state = core.init(jax.tree.map(jnp.copy, learning.NGUParams(policy, params)))
  measure = jax.jit(nets.intrinsic.prediction_error)
  trained = [seen[1:].reshape(20, 6, 6, 1), unseen]
  state, _ = core.step(state, batch, np.ones(4))
  intrinsic = state.intrinsic
  before = [
    measure(intrinsic.trained["predictor"], intrinsic, x).mean()
    for x in trained
  ]
  for _ in range(300):
    state, output = core.step(state, batch, np.ones(4))
  intrinsic = state.intrinsic
  after = [
    measure(intrinsic.trained["predictor"], intrinsic, x).mean()
    for x in trained
  ]
  assert after[0] < 0.1 * before[0]
  assert after[1] > 4 * after[0]
  np.testing.assert_allclose(
    output.metrics["predictor_loss"], after[0], rtol=0.2
  )


def test_ngus_reward_is_the_product_of_its_factors():
  config = ngu.NGUConfig(
    num_neighbors=2,
    rnd_size=8,
    embedding_size=4,
    statistics_horizon=7,
    max_novelty=1.5,
  )
  nets = ngu.make_networks(
    helpers.environment_spec(), helpers.TINY, config=config
  )
  params = nets.intrinsic.init(jax.random.PRNGKey(0))
  reward = ngu.make_intrinsic_reward(nets.intrinsic, config)
  frames = random_frames(15, 30)
  frames[::3] //= 5  # so that errors differ
  state = jax.jit(reward.begin)(params, frames[0], reward.init())
  step = helpers.reward_step(nets, reward)
  count, mean, square, seen = 0, 0.0, 0.0, []
  errors = jax.jit(nets.intrinsic.prediction_error)(
    params.trained["predictor"], params, frames[1:]
  )
  for frame, error in zip(frames[1:], np.float64(errors), strict=True):
    value, factors, state = step(params, frame, state)
    # Moments hold an error before it is compared with them.
    mean = (count * mean + error) / (count + 1)
    square = (count * square + error**2) / (count + 1)
    count = min(count + 1, 7)
    deviation = np.sqrt(max(square - mean**2, 0))
    alpha = 1 + (error - mean) / deviation if len(seen) else 1.0
    expected = np.clip(alpha, 1, 1.5)
    np.testing.assert_allclose(factors["lifelong_factor"], expected, rtol=1e-3)
    np.testing.assert_allclose(
      value, factors["episodic_reward"] * factors["lifelong_factor"], rtol=1e-6
    )
    seen.append(expected)
  assert min(seen) == 1 and max(seen) == 1.5
  assert any(1 < x < 1.5 for x in seen)
