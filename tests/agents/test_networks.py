"""The shared network: shapes, the LSTM against NumPy, what it may see."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import networks
from tests.agents import helpers


@pytest.fixture(scope="module")
def tiny():
  nets = networks.make_networks(helpers.environment_spec(), helpers.TINY, 1)
  return nets, nets.init(jax.random.PRNGKey(0))


def inputs(rng, length=5, batch=2):
  observation = rng.integers(0, 256, (length, batch, 6, 6, 1)).astype(np.uint8)
  prev_action = rng.integers(-1, 3, (length, batch))
  return jnp.asarray(observation), jnp.asarray(prev_action, jnp.int32)


def batched(state, batch):
  return jax.tree.map(lambda x: jnp.stack([x] * batch), state)


@pytest.mark.parametrize(
  # By hand: convolutions, 7*7*c -> torso, (torso + 18 + lstm) * 4 lstm + bias,
  # two streams of the head.
  ("size", "num_params"),
  [
    (
      "paper",
      (8 * 8 * 32 + 32)
      + (4 * 4 * 32 * 64 + 64)
      + (3 * 3 * 64 * 64 + 64)
      + (3136 * 512 + 512)
      + ((512 + 18 + 512) * 2048 + 2048)
      + 2 * (512 * 512 + 512)
      + (512 * 1 + 1)
      + (512 * 19 + 19),
    ),
    (
      "small",
      (8 * 8 * 16 + 16)
      + (4 * 4 * 16 * 32 + 32)
      + (3 * 3 * 32 * 32 + 32)
      + (7 * 7 * 32 * 128 + 128)
      + ((128 + 18 + 128) * 512 + 512)
      + 2 * (128 * 128 + 128)
      + (128 * 1 + 1)
      + (128 * 19 + 19),
    ),
  ],
)
def test_sizes(size, num_params):
  spec = helpers.environment_spec(18, (84, 84, 1))
  nets = networks.make_networks(spec, size, num_extra=1)
  params = jax.eval_shape(nets.init, jax.random.PRNGKey(0))
  assert sum(x.size for x in jax.tree.leaves(params)) == num_params


def test_shapes(tiny):
  nets, params = tiny
  observation, prev_action = inputs(np.random.default_rng(0))
  q, state = nets.unroll(
    params,
    observation,
    prev_action,
    jnp.ones((5, 2), bool),
    batched(nets.initial_state(), 2),
  )
  chex.assert_shape(q, (5, 2, 4))
  chex.assert_shape(jax.tree.leaves(state), (2, 8))
  q, state = nets.step(
    params, observation[0, 0], prev_action[0, 0], nets.initial_state()
  )
  chex.assert_shape(q, (4,))
  chex.assert_shape(jax.tree.leaves(state), (8,))


def test_stepping_equals_unrolling(tiny):
  nets, params = tiny
  observation, prev_action = inputs(np.random.default_rng(1))
  unrolled, last = nets.unroll(
    params,
    observation,
    prev_action,
    jnp.ones((5, 2), bool),
    batched(nets.initial_state(), 2),
  )
  step = jax.vmap(nets.step, in_axes=(None, 0, 0, 0))
  state = batched(nets.initial_state(), 2)
  for t in range(5):
    q, state = step(params, observation[t], prev_action[t], state)
    np.testing.assert_allclose(q, unrolled[t], rtol=1e-5, atol=1e-6)
  chex.assert_trees_all_close(state, last, rtol=1e-5)


def numpy_lstm(params, xs, hidden, cell):
  """Gates i, f, g, o; 1 is added to f; returns all hidden states."""

  def sigmoid(x):
    return 1 / (1 + np.exp(-x))

  outputs = []
  for x in xs:
    gates = x @ params["input"]["kernel"] + params["input"]["bias"]
    gates = gates + hidden @ params["recurrent"]
    i, f, g, o = np.split(gates, 4)
    cell = sigmoid(f + 1) * cell + sigmoid(i) * np.tanh(g)
    hidden = sigmoid(o) * np.tanh(cell)
    outputs.append(hidden)
  return np.stack(outputs), cell


def test_lstm_against_numpy():
  rng = np.random.default_rng(2)
  module = networks.LSTM(3)
  xs = rng.normal(size=(6, 1, 5)).astype(np.float32)
  state = networks.LSTMState(jnp.ones((1, 3)) * 0.3, jnp.ones((1, 3)) * -0.7)
  variables = module.init(
    jax.random.PRNGKey(0), xs, jnp.ones((6, 1), bool), state
  )
  outputs, last = module.apply(variables, xs, jnp.ones((6, 1), bool), state)
  params = jax.tree.map(np.asarray, variables["params"])
  expected, cell = numpy_lstm(
    params, xs[:, 0], np.full(3, 0.3), np.full(3, -0.7)
  )
  np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-5)
  np.testing.assert_allclose(last.hidden[0], expected[-1], rtol=1e-5)
  np.testing.assert_allclose(last.cell[0], cell, rtol=1e-5)


def test_state_is_held_through_padding(tiny):
  nets, params = tiny
  observation, prev_action = inputs(np.random.default_rng(3))
  start = batched(nets.initial_state(), 2)
  valid = jnp.array([[False, True]] * 2 + [[True, True]] * 3)
  padded, _ = nets.unroll(params, observation, prev_action, valid, start)
  direct, _ = nets.unroll(
    params, observation[2:], prev_action[2:], valid[2:], start
  )
  np.testing.assert_allclose(padded[2:, 0], direct[:, 0], rtol=1e-5)
  assert not np.allclose(padded[2:, 1], direct[:, 1])


def test_dueling_head():
  # Q = V + A - mean(A): the mean over the entries is V.
  head = networks.DuelingHead(8, 5)
  x = jax.random.normal(jax.random.PRNGKey(0), (7, 4))
  variables = head.init(jax.random.PRNGKey(1), x)
  params = variables["params"]
  q = head.apply(variables, x)
  hidden = jax.nn.relu(
    x @ params["value_hidden"]["kernel"] + params["value_hidden"]["bias"][None]
  )
  value = hidden @ params["value"]["kernel"] + params["value"]["bias"][None]
  np.testing.assert_allclose(
    q.mean(axis=-1, keepdims=True), value, rtol=1e-4, atol=1e-6
  )
  assert np.std(q, axis=-1).min() > 1e-3


def test_the_previous_action_matters_and_none_is_its_own_value(tiny):
  nets, params = tiny
  observation, _ = inputs(np.random.default_rng(4))
  q = [
    nets.step(params, observation[0, 0], jnp.int32(a), nets.initial_state())[0]
    for a in (networks.NO_ACTION, 0, 1, 2)
  ]
  for i in range(4):
    for j in range(i):
      assert not np.allclose(q[i], q[j])


@pytest.mark.parametrize(
  ("spec", "size", "message"),
  [
    (
      helpers.environment_spec(),
      "huge",
      "must be one of ['paper', 'small', 'tiny']",
    ),
    (helpers.environment_spec(), "paper", "6x6 are too small"),
    (helpers.environment_spec(shape=(6, 6)), helpers.TINY, "one uint8 array"),
  ],
)
def test_what_cannot_be_built_is_refused(spec, size, message):
  with pytest.raises(ValueError) as error:
    networks.make_networks(spec, size)
  assert message in str(error.value)
  assert "\n" not in str(error.value)


def test_impossible_sizes_are_refused():
  with pytest.raises(ValueError, match="lstm_size is 0; it must be at least 1"):
    networks.NetworkConfig(((4, 3, 1),), 8, 0, 8)
  with pytest.raises(ValueError, match="three positive integers"):
    networks.NetworkConfig(((4, 3),), 8, 8, 8)
