"""The losses of R2D2 and BT against a NumPy transcription, and by property.

The transcription uses a tabular "network": parameters are a table of action
values, and the first pixel of an observation says which row it shows.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import bt, networks, r2d2, sequences
from tests.agents import helpers

A, K, ROWS = 3, 2, 10
CONFIG = dict(
  burn_in=2,
  trace_length=5,
  sequence_period=2,
  n_step=3,
  discount=0.9,
  batch_size=2,
)
EPSILON, ETA = 1e-3, 0.9


def table_networks(num_entries):
  def unroll(params, observation, prev_action, valid, core_state):
    return params[observation[..., 0, 0, 0]], core_state

  return networks.Networks(
    config=helpers.TINY,
    num_actions=A,
    num_entries=num_entries,
    init=lambda key: jnp.zeros((ROWS, num_entries)),
    initial_state=lambda: networks.LSTMState(jnp.zeros(1), jnp.zeros(1)),
    step=None,
    unroll=unroll,
  )


def make_batch(seed, nets, extras=None):
  """Two sequences of 2 + 5 + 1 rows: one full, one that ends after 3 steps."""
  rng = np.random.default_rng(seed)
  valid = np.ones((8, 2), bool)
  valid[-1] = False
  valid[5:, 1] = False
  batch = helpers.random_sequences(rng, 8, 2, nets, valid=valid)
  discount = np.ones((8, 2), np.float32)
  discount[4, 1] = 0.0  # the second terminates
  action = np.where(valid, batch.action, networks.NO_ACTION)
  rows = rng.integers(0, ROWS, (8, 2, 6, 6, 1)).astype(np.uint8)
  if extras is None:
    extras = {}
  return batch._replace(
    observation=rows,
    action=action.astype(np.int32),
    discount=discount,
    extras=extras,
  )


def h(x):
  return np.sign(x) * (np.sqrt(abs(x) + 1) - 1) + EPSILON * x


def h_inverse(x):
  root = np.sqrt(1 + 4 * EPSILON * (abs(x) + 1 + EPSILON))
  return np.sign(x) * (((root - 1) / (2 * EPSILON)) ** 2 - 1)


def transcription(table, target_table, batch, weights, entries_of_step):
  """Sequence losses and priorities, one step at a time in float64."""
  losses, priorities = [], []
  for b in range(2):
    q = table[batch.observation[2:, b, 0, 0, 0]]
    q_target = target_table[batch.observation[2:, b, 0, 0, 0]]
    num_valid = int(batch.valid[2:7, b].sum())
    value = [
      h_inverse(q_target[t, np.argmax(q[t])]) for t in range(num_valid + 1)
    ]
    loss, errors = 0.0, []
    for t in range(num_valid):
      target, scale = 0.0, 1.0
      for k in range(t, min(t + 3, num_valid)):
        target += scale * batch.reward[2 + k, b]
        scale *= 0.9 * batch.discount[2 + k, b]
      target = h(target + scale * value[min(t + 3, num_valid)])
      deltas = [target - q[t, e] for e in entries_of_step(2 + t, b)]
      loss += 0.5 * sum(d * d for d in deltas)
      errors.append(max(abs(d) for d in deltas))
    losses.append(weights[b] * loss)
    priorities.append(ETA * max(errors) + (1 - ETA) * np.mean(errors))
  return np.mean(losses), priorities


def random_tables(seed, num_entries):
  rng = np.random.default_rng(seed)
  return rng.normal(size=(2, ROWS, num_entries)).astype(np.float32) * 3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("value_scale", [1.0, 4.0])
def test_r2d2_against_the_transcription(seed, value_scale):
  nets = table_networks(A)
  batch = make_batch(seed, nets)
  table, target_table = random_tables(seed, A)
  weights = np.array([0.3, 1.0], np.float32)
  loss = r2d2.make_loss(
    nets, r2d2.R2D2Config(**CONFIG, value_scale=value_scale)
  )
  value, output = jax.jit(loss)(
    table / value_scale, target_table / value_scale, batch, weights
  )
  expected, priorities = transcription(
    table, target_table, batch, weights, lambda t, b: [batch.action[t, b]]
  )
  np.testing.assert_allclose(value, expected, rtol=1e-4)
  np.testing.assert_allclose(output.priorities, priorities, rtol=1e-4)


def bt_extras():
  """choice, in_flight and what both policies would have done, by hand."""
  rng = np.random.default_rng(5)
  return {
    "choice": rng.integers(0, A + K, (8, 2)).astype(np.int32),
    "in_flight": rng.random((8, 2)) < 0.5,
    "pretrained_actions": rng.integers(0, A, (8, 2, K)).astype(np.int32),
  }


def extra_entries(mode, batch, t, b):
  """Which extra actions the three readings fit at a step."""
  choice = batch.extras["choice"][t, b]
  in_flight = batch.extras["in_flight"][t, b]
  result = []
  for k in range(K):
    if mode == "agreed":
      fitted = batch.extras["pretrained_actions"][t, b, k] == batch.action[t, b]
    else:
      fitted = choice == A + k and (mode == "controlled" or not in_flight)
    if fitted:
      result.append(A + k)
  return result


@pytest.mark.parametrize("mode", ["controlled", "chosen", "agreed"])
def test_bt_against_the_transcription(mode):
  nets = table_networks(A + K)
  batch = make_batch(1, nets, bt_extras())
  table, target_table = random_tables(2, A + K)
  weights = np.array([1.0, 0.5], np.float32)
  loss = bt.make_loss(nets, bt.BTConfig(**CONFIG, extra_action_targets=mode))
  value, output = jax.jit(loss)(table, target_table, batch, weights)
  fitted = {
    (t, b): extra_entries(mode, batch, t, b) for t in range(8) for b in range(2)
  }
  assert any(fitted[t, 0] for t in range(2, 7)), "the case must have an a+"
  expected, priorities = transcription(
    table,
    target_table,
    batch,
    weights,
    lambda t, b: [batch.action[t, b], *fitted[t, b]],
  )
  np.testing.assert_allclose(value, expected, rtol=1e-4)
  np.testing.assert_allclose(output.priorities, priorities, rtol=1e-4)


def test_extra_action_and_its_primitive_get_the_same_target():
  # One valid step on which policy 1 acted by call and picked primitive 2.
  nets = table_networks(A + K)
  extras = bt_extras()
  extras["choice"][:] = A + 1
  extras["in_flight"][:] = False
  batch = make_batch(0, nets, extras)
  batch.valid[:] = False
  batch.valid[2, 0] = True
  batch.action[2, 0] = 2
  batch.observation[2, 0, 0, 0, 0] = 0
  batch.observation[3:, 0, 0, 0, 0] = 1
  loss = bt.make_loss(nets, bt.BTConfig(**CONFIG))
  zeros = jnp.zeros((ROWS, A + K))
  gradient, _ = jax.grad(loss, has_aux=True)(zeros, zeros, batch, jnp.ones(2))
  target = h(batch.reward[2, 0])
  # d/dQ 0.5 (y - Q)^2 at Q = 0 is -y, halved by the mean over the batch.
  expected = np.zeros((ROWS, A + K))
  expected[0, [2, A + 1]] = -target / 2
  np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_without_the_extra_action_bt_has_r2d2s_loss():
  nets = table_networks(A)
  batch = make_batch(3, nets, bt_extras())
  table, target_table = random_tables(3, A)
  ours = bt.make_loss(nets, bt.BTConfig(**CONFIG, use_extra_action=False))
  theirs = r2d2.make_loss(nets, r2d2.R2D2Config(**CONFIG))
  assert (
    ours(table, target_table, batch, jnp.ones(2))[0]
    == (theirs(table, target_table, batch, jnp.ones(2))[0])
  )


@pytest.fixture(scope="module")
def recurrent():
  nets = networks.make_networks(helpers.environment_spec(A), helpers.TINY)
  loss = r2d2.make_loss(nets, r2d2.R2D2Config(**CONFIG))
  return nets, nets.init(jax.random.PRNGKey(0)), jax.jit(loss)


def test_no_gradient_flows_into_the_burn_in(recurrent):
  nets, params, loss = recurrent
  batch = helpers.random_sequences(np.random.default_rng(0), 8, 2, nets)

  def loss_of(core_state):
    start = batch.recurrent_state._replace(core_state=core_state)
    changed = batch._replace(recurrent_state=start)
    return loss(params, params, changed, jnp.ones(2))[0]

  core_state = batch.recurrent_state.core_state
  gradient = jax.grad(loss_of)(core_state)
  assert all(not np.any(g) for g in jax.tree.leaves(gradient))
  # The state is used all the same.
  shifted = jax.tree.map(lambda x: x + 1.0, core_state)
  assert loss_of(core_state) != loss_of(shifted)


def test_without_burn_in_the_gradient_reaches_the_stored_state():
  # The counterpart, without which the test above could not fail.
  nets = networks.make_networks(helpers.environment_spec(A), helpers.TINY)
  config = r2d2.R2D2Config(**{**CONFIG, "burn_in": 0})
  loss = r2d2.make_loss(nets, config)
  params = nets.init(jax.random.PRNGKey(0))
  batch = helpers.random_sequences(np.random.default_rng(0), 6, 2, nets)

  def loss_of(core_state):
    start = batch.recurrent_state._replace(core_state=core_state)
    changed = batch._replace(recurrent_state=start)
    return loss(params, params, changed, jnp.ones(2))[0]

  gradient = jax.grad(loss_of)(batch.recurrent_state.core_state)
  assert all(np.any(g) for g in jax.tree.leaves(gradient))


def test_padding_changes_neither_loss_nor_priorities(recurrent):
  nets, params, loss = recurrent
  rng = np.random.default_rng(1)
  # Padded for one row in front and three behind its last observation.
  valid = np.zeros((8, 2), bool)
  valid[1:4] = True
  batch = helpers.random_sequences(rng, 8, 2, nets, valid=valid)
  noise = helpers.random_sequences(rng, 8, 2, nets, valid=valid)
  padding = np.ones((8, 2), bool)
  padding[1:5] = False  # the transitions, and the observation after them

  def replace(old, new):
    mask = padding.reshape(8, 2, *[1] * (old.ndim - 2))
    return np.where(mask, new, old)

  changed = batch._replace(
    observation=replace(batch.observation, noise.observation),
    reward=replace(batch.reward, noise.reward),
    discount=replace(batch.discount, noise.discount * 0.3),
    action=np.where(valid, batch.action, networks.NO_ACTION),
  )
  # What precedes the first valid step is no action, in both.
  batch.action[0] = networks.NO_ACTION
  first = loss(params, params, batch, jnp.ones(2))
  second = loss(params, params, changed, jnp.ones(2))
  np.testing.assert_allclose(first[0], second[0], rtol=1e-6)
  np.testing.assert_allclose(
    first[1].priorities, second[1].priorities, rtol=1e-6
  )


def test_burn_in_equals_unrolling_from_the_start(recurrent):
  nets, params, _ = recurrent
  batch = helpers.random_sequences(np.random.default_rng(2), 8, 2, nets)
  burnt = sequences.unroll_after_burn_in(nets, params, batch, 3)
  whole = sequences.unroll_after_burn_in(nets, params, batch, 0)
  np.testing.assert_allclose(burnt, whole[3:], rtol=1e-5, atol=1e-6)


def test_a_truncated_discount_is_not_a_termination(recurrent):
  nets, params, loss = recurrent
  valid = np.zeros((8, 2), bool)
  valid[:5] = True
  rng = np.random.default_rng(3)
  truncated = helpers.random_sequences(rng, 8, 2, nets, valid=valid)
  discount = truncated.discount.copy()
  discount[4] = 0.0
  terminated = truncated._replace(discount=discount)
  values = [
    float(loss(params, params, batch, jnp.ones(2))[0])
    for batch in (truncated, terminated)
  ]
  assert values[0] != values[1]
