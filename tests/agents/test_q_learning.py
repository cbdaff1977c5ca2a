"""Targets, priorities and weights against hand-worked and NumPy values."""

import chex
import hypothesis
import jax.numpy as jnp
import numpy as np
import pytest
import rlax
from hypothesis import strategies as st

from behavior_transfer.agents import q_learning

EPSILON = 1e-3


@pytest.mark.parametrize(
  ("x", "expected"),
  [(0.0, 0.0), (3.0, 1.003), (-8.0, -2.008), (99.0, 9.099), (1e4 - 1, 108.999)],
)
def test_rescale_by_hand(x, expected):
  # sign(x) (sqrt(|x| + 1) - 1) + 0.001 x
  np.testing.assert_allclose(
    q_learning.rescale(x, EPSILON), expected, rtol=1e-6
  )
  np.testing.assert_allclose(
    q_learning.unscale(expected, EPSILON), x, rtol=2e-5, atol=1e-6
  )


@hypothesis.given(st.floats(-1e4, 1e4, width=32))
def test_unscale_inverts_rescale(x):
  y = float(q_learning.unscale(q_learning.rescale(x, EPSILON), EPSILON))
  assert abs(y - x) <= 1e-4 * abs(x) + 2e-6


def test_unscale_is_not_the_form_without_the_square():
  # NGU's appendix prints sign(x) (inner - 1): at h(3) that gives 1, not 3.
  assert abs(float(q_learning.unscale(1.003, EPSILON)) - 3.0) < 1e-4


def numpy_returns(reward, discount, value, num_valid, n):
  """The definition, one step at a time."""
  result = np.zeros(num_valid)
  for t in range(num_valid):
    scale = 1.0
    for k in range(t, min(t + n, num_valid)):
      result[t] += scale * reward[k]
      scale *= discount[k]
    result[t] += scale * value[min(t + n, num_valid)]
  return result


def test_n_step_returns_by_hand():
  returns = q_learning.n_step_returns(
    reward=jnp.array([1.0, 2.0, 3.0, 4.0]),
    discount=jnp.array([0.5, 0.5, 0.5, 0.5]),
    value=jnp.array([10.0, 20.0, 30.0, 40.0, 50.0]),
    valid=jnp.ones(4, bool),
    n=2,
  )
  # 1 + .5*2 + .25*30; 2 + .5*3 + .25*40; 3 + .5*4 + .25*50; 4 + .5*50
  np.testing.assert_allclose(returns, [9.5, 13.5, 17.5, 29.0])


def test_nothing_is_bootstrapped_past_a_termination():
  returns = q_learning.n_step_returns(
    reward=jnp.array([1.0, 2.0, 99.0]),
    discount=jnp.array([0.5, 0.0, 0.5]),
    value=jnp.array([10.0, 20.0, 1e6, 1e6]),
    valid=jnp.array([True, True, False]),
    n=5,
  )
  np.testing.assert_allclose(returns[:2], [2.0, 2.0])


def test_a_truncated_episode_bootstraps_from_its_last_observation():
  returns = q_learning.n_step_returns(
    reward=jnp.array([1.0, 2.0, 99.0]),
    discount=jnp.array([0.5, 0.5, 0.0]),
    value=jnp.array([10.0, 20.0, 30.0, 1e6]),
    valid=jnp.array([True, True, False]),
    n=5,
  )
  np.testing.assert_allclose(returns[:2], [1 + 0.5 * 2 + 0.25 * 30, 2 + 15.0])


@pytest.mark.parametrize("n", [1, 3, 5, 12])
def test_n_step_returns_against_the_definition(n):
  rng = np.random.default_rng(n)
  length, batch = 9, 6
  reward = rng.normal(size=(length, batch))
  discount = 0.9 * (rng.random((length, batch)) > 0.2)
  value = rng.normal(size=(length + 1, batch))
  num_valid = np.array([9, 8, 5, 1, 0, 9])
  valid = np.arange(length)[:, None] < num_valid
  returns = q_learning.n_step_returns(
    *(jnp.asarray(x, jnp.float32) for x in (reward, discount, value)),
    jnp.asarray(valid),
    n,
  )
  for b in range(batch):
    m = num_valid[b]
    expected = numpy_returns(reward[:, b], discount[:, b], value[:, b], m, n)
    np.testing.assert_allclose(returns[:m, b], expected, rtol=1e-5, atol=1e-5)


def test_n_step_returns_equal_rlax_without_padding():
  rng = np.random.default_rng(0)
  reward, discount = rng.normal(size=20), np.full(20, 0.97)
  value = rng.normal(size=21)
  expected = rlax.n_step_bootstrapped_returns(
    *(jnp.asarray(x, jnp.float32) for x in (reward, discount, value[1:])), n=5
  )
  returns = q_learning.n_step_returns(
    *(jnp.asarray(x, jnp.float32) for x in (reward, discount, value)),
    jnp.ones(20, bool),
    5,
  )
  np.testing.assert_allclose(returns, expected, rtol=1e-5)


def test_double_q_target_by_hand():
  # One transition; the online network prefers entry 1, whose target value is
  # h(8) = 2.008. y = h(1 + 0.5 * 8) = h(5) = sqrt(6) - 1 + 0.005.
  online = jnp.array([[[0.0, 0.0]], [[1.0, 2.0]]])
  target = jnp.array([[[9.0, 9.0]], [[7.0, 2.008]]])
  targets = q_learning.double_q_targets(
    online,
    target,
    reward=jnp.array([[1.0]]),
    discount=jnp.array([[0.5]]),
    valid=jnp.array([[True]]),
    n=1,
    rescale_epsilon=EPSILON,
  )
  np.testing.assert_allclose(targets, [[np.sqrt(6) - 1 + 0.005]], rtol=1e-5)


def test_targets_refuse_arrays_that_do_not_fit():
  q = jnp.zeros((3, 2, 4))
  steps = jnp.zeros((3, 2))
  with pytest.raises(AssertionError):
    q_learning.double_q_targets(q, q, steps, steps, steps > 0, 1, EPSILON)


def test_priority_by_hand():
  td_error = jnp.array([[1.0, -2.0], [-3.0, 100.0], [2.0, 100.0]])
  valid = jnp.array([[True, True], [True, False], [True, False]])
  priority = q_learning.sequence_priority(td_error, valid, 0.9)
  # 0.9 * 3 + 0.1 * (1 + 3 + 2) / 3; the padding of the second does not count.
  np.testing.assert_allclose(priority, [2.9, 2.0], rtol=1e-6)


def test_priority_of_nothing_valid_is_zero():
  priority = q_learning.sequence_priority(
    jnp.ones((2, 1)), jnp.zeros((2, 1), bool), 0.9
  )
  np.testing.assert_array_equal(priority, [0.0])


def test_importance_weights_by_hand():
  weights = q_learning.importance_weights(jnp.array([0.25, 0.01]), 0.5)
  np.testing.assert_allclose(weights, [0.2, 1.0], rtol=1e-6)
  chex.assert_trees_all_equal(
    q_learning.importance_weights(jnp.array([0.25, 0.01]), 0.0), jnp.ones(2)
  )


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(
  "probability", [[0.0, 0.1], [0.0, 0.0], [1e-45, 0.1], [1e-38, 1.0], [0.0]]
)
def test_importance_weights_of_what_is_next_to_impossible(
  probability, exponent
):
  weights = q_learning.importance_weights(jnp.array(probability), exponent)
  assert np.isfinite(weights).all()
  assert weights[0] == 1.0 and (weights <= 1.0).all()
  if probability[-1] and exponent:
    assert weights[-1] < 1e-20
