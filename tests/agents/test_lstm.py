"""The LSTM's own gradient is what automatic differentiation would find."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import lstm

_STEPS, _BATCH, _SIZE = 7, 3, 5


def _sigmoid(x):
  return 1 / (1 + jnp.exp(-x))


def _plain(inputs, kernel, valid, state):
  """Step by step, as the formulas have it."""
  hidden, cell = state
  outputs = []
  for x, is_valid in zip(inputs, valid, strict=True):
    i, f, g, o = jnp.split(x + hidden @ kernel, 4, axis=-1)
    new_cell = _sigmoid(f + 1) * cell + _sigmoid(i) * jnp.tanh(g)
    new_hidden = _sigmoid(o) * jnp.tanh(new_cell)
    outputs.append(new_hidden)
    mask = is_valid[:, None]
    hidden = jnp.where(mask, new_hidden, hidden)
    cell = jnp.where(mask, new_cell, cell)
  return jnp.stack(outputs), lstm.LSTMState(hidden, cell)


@pytest.mark.parametrize("share_valid", [1.0, 0.5, 0.0])
def test_values_and_gradients(share_valid):
  rng = np.random.default_rng(0)

  def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)

  inputs = normal(_STEPS, _BATCH, 4 * _SIZE)
  kernel = normal(_SIZE, 4 * _SIZE)
  valid = jnp.asarray(rng.random((_STEPS, _BATCH)) < share_valid)
  state = lstm.LSTMState(normal(_BATCH, _SIZE), normal(_BATCH, _SIZE))
  expected, plain = jax.vjp(
    lambda *a: _plain(a[0], a[1], valid, a[2]), inputs, kernel, state
  )
  found, ours = jax.vjp(
    lambda *a: lstm.unroll(a[0], a[1], valid, a[2]), inputs, kernel, state
  )
  weights = jax.tree.map(lambda x: normal(*x.shape), found)
  for a, b in zip(
    jax.tree.leaves((found, ours(weights))),
    jax.tree.leaves((expected, plain(weights))),
    strict=True,
  ):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_gradient_is_that_of_small_differences():
  rng = np.random.default_rng(1)
  inputs = rng.normal(size=(4, 1, 8)).astype(np.float32)
  kernel = rng.normal(size=(2, 8)).astype(np.float32)
  valid = jnp.ones((4, 1), bool)
  state = lstm.LSTMState(jnp.zeros((1, 2)), jnp.zeros((1, 2)))

  def last_output(kernel):
    outputs, _ = lstm.unroll(inputs, kernel, valid, state)
    return outputs[-1].sum()

  gradient = jax.grad(last_output)(kernel)
  for index in np.ndindex(kernel.shape):
    step = np.zeros_like(kernel)
    step[index] = 1e-2
    slope = (last_output(kernel + step) - last_output(kernel - step)) / 2e-2
    np.testing.assert_allclose(gradient[index], slope, rtol=2e-2, atol=2e-4)
