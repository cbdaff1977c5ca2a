"""Weight initialisation: what is loaded, and what it leaves unchanged."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import networks, transfer
from tests.agents import helpers

A = 3


def make(num_extra, seed, config=helpers.TINY):
  nets = networks.make_networks(helpers.environment_spec(A), config, num_extra)
  return nets, nets.init(jax.random.PRNGKey(seed))


def q_values(nets, params, num_steps=6):
  rng = np.random.default_rng(0)
  observation = rng.integers(0, 256, (num_steps, 2, 6, 6, 1)).astype(np.uint8)
  state = jax.tree.map(lambda x: jnp.stack([x] * 2), nets.initial_state())
  q, _ = nets.unroll(
    params,
    jnp.asarray(observation),
    jnp.zeros((num_steps, 2), jnp.int32),
    jnp.ones((num_steps, 2), bool),
    state,
  )
  return np.asarray(q)


@pytest.mark.parametrize("num_extra", [1, 2])
def test_full_keeps_all_primitive_values_when_the_head_grows(num_extra):
  old_nets, source = make(0, seed=1)
  new_nets, fresh = make(num_extra, seed=2)
  params, report = transfer.initialise(fresh, source, "full", A)
  old, new = q_values(old_nets, source), q_values(new_nets, params)
  np.testing.assert_allclose(new[..., :A], old, rtol=1e-5, atol=1e-6)
  # The new entries start at the mean of the others.
  for k in range(num_extra):
    np.testing.assert_allclose(
      new[..., A + k], old.mean(axis=-1), rtol=1e-4, atol=1e-5
    )
  assert report.fresh == ()
  assert set(report.grown) == {
    "params/head/advantage/kernel",
    "params/head/advantage/bias",
  }


def test_full_from_a_head_that_has_another_number_of_extra_actions():
  old_nets, source = make(1, seed=1)
  new_nets, fresh = make(2, seed=2)
  params, _ = transfer.initialise(fresh, source, "full", A)
  old, new = q_values(old_nets, source), q_values(new_nets, params)
  np.testing.assert_allclose(new[..., :A], old[..., :A], rtol=1e-5, atol=1e-6)


def test_full_between_equal_heads_copies_everything():
  _, source = make(1, seed=1)
  _, fresh = make(1, seed=2)
  params, report = transfer.initialise(fresh, source, "full", A)
  chex.assert_trees_all_equal(params, source)
  assert report.grown == report.fresh == ()


def test_partial_loads_torso_and_lstm_and_leaves_the_head():
  _, source = make(0, seed=1)
  _, fresh = make(1, seed=2)
  params, report = transfer.initialise(fresh, source, "partial", A)
  for part in ("torso", "lstm"):
    chex.assert_trees_all_equal(params["params"][part], source["params"][part])
  chex.assert_trees_all_equal(params["params"]["head"], fresh["params"]["head"])
  assert all("/head/" in path for path in report.fresh)
  assert len(report.fresh) == 8 and len(report.loaded) == 7
  assert "loaded 7" in str(report) and "\n" not in str(report)


def test_none_loads_nothing():
  _, source = make(0, seed=1)
  _, fresh = make(1, seed=2)
  params, report = transfer.initialise(fresh, source, "none", A)
  chex.assert_trees_all_equal(params, fresh)
  assert report.loaded == report.grown == ()


def test_another_architecture_is_refused():
  wide = networks.NetworkConfig(((4, 3, 1),), 8, 16, 8)
  _, source = make(0, seed=1, config=wide)
  _, fresh = make(1, seed=2)
  with pytest.raises(ValueError, match=r"is of shape .* in the pre-trained"):
    transfer.initialise(fresh, source, "partial", A)


def test_extra_actions_cannot_be_dropped():
  _, source = make(1, seed=1)
  _, fresh = make(0, seed=2)
  with pytest.raises(ValueError, match="cannot drop extra actions"):
    transfer.initialise(fresh, source, "full", A)
