"""The SGD step: what it updates, when the target follows, what it weights."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from behavior_transfer.agents import (
  learning,
  networks,
  q_learning,
  r2d2,
  sequences,
)
from tests.agents import helpers

CONFIG = r2d2.R2D2Config(
  burn_in=2,
  trace_length=4,
  sequence_period=2,
  n_step=2,
  batch_size=2,
  target_update_period=3,
  learning_rate=1e-2,
  max_gradient_norm=0.1,
)


@pytest.fixture(scope="module")
def parts():
  nets = networks.make_networks(helpers.environment_spec(), helpers.TINY)
  loss = r2d2.make_loss(nets, CONFIG)
  core = learning.make_learner_core(loss, CONFIG)
  time_major = helpers.random_sequences(np.random.default_rng(0), 7, 2, nets)
  batch = sequences.time_major(time_major)  # swaps back to batch first
  return nets, loss, core, time_major, batch


def test_one_step_is_clipped_adam_on_the_weighted_loss(parts):
  nets, loss, core, time_major, batch = parts
  params = nets.init(jax.random.PRNGKey(0))
  probabilities = np.array([0.5, 0.1])
  weights = q_learning.importance_weights(jnp.asarray(probabilities), 0.6)
  gradients = jax.jit(jax.grad(loss, has_aux=True))(
    params, params, time_major, weights
  )[0]
  norm = optax.tree.norm(gradients)
  assert norm > CONFIG.max_gradient_norm
  # Adam's first step, by hand: m / (sqrt(v) + eps) with bias correction.
  expected = jax.tree.map(
    lambda p, g: p - 1e-2 * (g / norm * 0.1) / (jnp.abs(g / norm * 0.1) + 1e-3),
    params,
    gradients,
  )
  state, output = core.step(core.init(params), batch, probabilities)
  chex.assert_trees_all_close(state.params, expected, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(output.metrics["gradient_norm"], norm, rtol=1e-5)


def test_target_network_follows_every_period(parts):
  nets, _, core, _, batch = parts
  state = core.init(nets.init(jax.random.PRNGKey(0)))
  first = jax.tree.map(np.array, state.target_params)
  for step in range(1, 5):
    state, _ = core.step(state, batch, np.array([0.5, 0.5]))
    assert int(state.steps) == step
    if step < 3:
      chex.assert_trees_all_equal(state.target_params, first)
    if step == 3:
      chex.assert_trees_all_equal(state.target_params, state.params)
      third = jax.tree.map(np.array, state.params)
    if step == 4:
      chex.assert_trees_all_equal(state.target_params, third)


def test_what_acts_is_a_mean_of_the_newest_parameters(parts):
  nets, loss, _, _, batch = parts
  config = dataclasses.replace(CONFIG, averaging_period=3)
  core = learning.make_learner_core(loss, config)
  state = core.init(nets.init(jax.random.PRNGKey(0)))
  steps, mean = [], None
  for step in range(1, 7):
    state, _ = core.step(state, batch, np.array([0.5, 0.5]))
    steps.append(jax.tree.map(np.array, state.params))
    if step <= 3:  # a plain mean of all so far
      mean = jax.tree.map(lambda *x: np.mean(x, axis=0), *steps)
    else:
      mean = jax.tree.map(lambda m, x: m * 2 / 3 + x / 3, mean, steps[-1])
    acting = core.variables(state)["policy"]
    chex.assert_trees_all_close(acting, mean, rtol=1e-5, atol=1e-7)
  assert not np.allclose(
    jax.tree.leaves(mean)[0], jax.tree.leaves(steps[-1])[0], rtol=1e-3
  )


def test_as_in_r2d2_the_newest_parameters_act(parts):
  nets, _, core, _, batch = parts
  state = core.init(nets.init(jax.random.PRNGKey(0)))
  for _ in range(3):
    state, _ = core.step(state, batch, np.array([0.5, 0.5]))
    acting = core.variables(state)["policy"]
    chex.assert_trees_all_equal(acting, state.params)


def test_learning_repeats_itself(parts):
  nets, _, core, _, batch = parts
  results = []
  for _ in range(2):
    state = core.init(nets.init(jax.random.PRNGKey(3)))
    for _ in range(3):
      state, _ = core.step(state, batch, np.array([0.2, 0.8]))
    results.append(jax.tree.map(np.array, state))
  chex.assert_trees_all_equal(*results)
