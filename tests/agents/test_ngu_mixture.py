"""The mixture's weights and discounts, its index in replay, its context, and
what its config refuses."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents import ngu
from behavior_transfer.agents import sequences as sequences_lib
from behavior_transfer.agents.ngu import losses, mixture
from tests.agents import helpers


def mixture_config(num_mixtures=32, **fields):
  return ngu.NGUConfig(unsupervised=False, num_mixtures=num_mixtures, **fields)


def sigmoid(x):
  return 1 / (1 + math.exp(-x))


def test_weights_of_32_policies_are_those_of_the_paper():
  betas = mixture.betas(mixture_config())
  assert betas.shape == (32,) and betas.dtype == np.float32
  assert betas[0] == 0 and betas[31] == np.float32(0.3)
  # Worked out from the paper's formula beforehand.
  expected = {1: 2.7e-5, 10: 0.0103, 15: 0.15, 20: 0.290, 30: 0.29999}
  for index, beta in expected.items():
    np.testing.assert_allclose(betas[index], beta, rtol=0.03)
  np.testing.assert_allclose(betas[15], 0.15, rtol=1e-6)
  assert np.all(np.diff(betas) > 0)


def test_discounts_of_32_policies_are_those_of_the_paper():
  discounts = mixture.discounts(mixture_config())
  assert discounts.shape == (32,) and discounts.dtype == np.float32
  np.testing.assert_allclose(discounts[[0, -1]], [0.997, 0.99], rtol=1e-6)
  np.testing.assert_allclose(discounts[15], 0.99463, atol=5e-6)
  assert np.all(np.diff(discounts) < 0)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 32])
@pytest.mark.parametrize("beta", [0.0, 0.3, 2.0])
def test_weights_are_the_papers_formula(n, beta):
  expected = []
  for i in range(n):
    if i == 0:
      expected.append(0.0)
    elif i == n - 1:
      expected.append(beta)
    else:
      expected.append(beta * sigmoid(10 * (2 * i - (n - 2)) / (n - 2)))
  betas = mixture.betas(mixture_config(n, max_beta=beta))
  np.testing.assert_allclose(betas, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 32])
@pytest.mark.parametrize("ends", [(0.997, 0.99), (0.5, 0.9), (0.9, 0.9)])
def test_discounts_are_the_papers_formula(n, ends):
  highest, lowest = ends
  expected = [
    1
    - math.exp(
      ((n - 1 - i) * math.log(1 - highest) + i * math.log(1 - lowest)) / (n - 1)
    )
    for i in range(n)
  ]
  config = mixture_config(n, discount=highest, intrinsic_discount=lowest)
  np.testing.assert_allclose(mixture.discounts(config), expected, rtol=1e-6)


def test_two_and_three_policies_by_hand():
  config = mixture_config(2)
  np.testing.assert_allclose(mixture.betas(config), [0, 0.3], rtol=1e-6)
  np.testing.assert_allclose(mixture.discounts(config), [0.997, 0.99])
  config = mixture_config(3)
  # 0.3 sigmoid(10), and 1 - sqrt(0.003 * 0.01).
  np.testing.assert_allclose(
    mixture.betas(config), [0, 0.29998638, 0.3], rtol=1e-6
  )
  np.testing.assert_allclose(
    mixture.discounts(config), [0.997, 0.99452277, 0.99], rtol=1e-6
  )


def test_without_a_task_there_is_one_policy_with_the_intrinsic_discount():
  config = ngu.NGUConfig(discount=0.5, intrinsic_discount=0.75, max_beta=0.3)
  assert mixture.size(config) == 1
  np.testing.assert_array_equal(mixture.betas(config), np.float32([0.3]))
  np.testing.assert_array_equal(mixture.discounts(config), np.float32([0.75]))
  default = ngu.NGUConfig()
  assert default.unsupervised
  np.testing.assert_allclose(mixture.discounts(default), [0.99])
  assert mixture.size(mixture_config()) == 32


def make_networks(num_mixtures):
  config = mixture_config(num_mixtures)
  return ngu.make_networks(
    helpers.environment_spec(), helpers.TINY, config=config
  ).q_network


def test_the_index_of_a_sequence_is_that_of_its_steps_not_of_its_padding():
  index = np.zeros((8, 5), np.int32)
  index[:, 0] = 3
  index[3:, 1] = 4  # padded in front
  index[:2, 2] = 5  # and behind
  index[4:5, 3] = 6  # one step, padded on both sides; index 0 in the last
  batch = helpers.random_sequences(
    np.random.default_rng(0), 8, 5, make_networks(7), {"mixture_index": index}
  )
  np.testing.assert_array_equal(losses.mixture_index(batch), [3, 4, 5, 6, 0])


def test_the_network_of_one_policy_has_no_context():
  nets = ngu.make_networks(
    helpers.environment_spec(), helpers.TINY, config=ngu.NGUConfig()
  ).q_network
  plain = networks_lib.make_networks(helpers.environment_spec(), helpers.TINY)
  shapes = [
    jax.eval_shape(n.init, jax.random.PRNGKey(0)) for n in (nets, plain)
  ]
  assert shapes[0] == shapes[1]


def play(nets, params, frames, prev_actions, *context):
  """Action values over the steps of one episode."""

  def step(state, inputs):
    q, state = nets.step(params, *inputs, state, *context)
    return state, q

  _, q = jax.lax.scan(step, nets.initial_state(), (frames, prev_actions))
  return q


@pytest.mark.parametrize("num_mixtures", [2, 5])
def test_a_folded_context_acts_as_its_one_hot_does(num_mixtures):
  nets = make_networks(num_mixtures)
  plain = networks_lib.make_networks(helpers.environment_spec(), helpers.TINY)
  params = nets.init(jax.random.PRNGKey(num_mixtures))
  rng = np.random.default_rng(1)
  frames = rng.integers(0, 256, (6, 6, 6, 1)).astype(np.uint8)
  prev_actions = jnp.array([networks_lib.NO_ACTION, 0, 2, 1, 1, 0])
  jitted = jax.jit(play, static_argnums=0)
  shapes = jax.tree.map(jnp.shape, params)
  all_q = []
  for index in range(num_mixtures):
    context = jax.nn.one_hot(index, num_mixtures)
    folded = networks_lib.fold_context(params, context)
    expected = jitted(nets, params, frames, prev_actions, context)
    q = jitted(plain, folded, frames, prev_actions)
    np.testing.assert_allclose(q, expected, rtol=1e-5, atol=1e-6)
    all_q.append(np.asarray(expected))
  # Each index has values of its own, and folding leaves its input alone.
  for index in range(1, num_mixtures):
    assert np.abs(all_q[index] - all_q[0]).max() > 1e-3
  assert jax.tree.map(jnp.shape, params) == shapes


def test_a_folded_context_unrolls_as_its_one_hot_does():
  nets = make_networks(4)
  plain = networks_lib.make_networks(helpers.environment_spec(), helpers.TINY)
  params = nets.init(jax.random.PRNGKey(2))
  batch = helpers.random_sequences(np.random.default_rng(3), 7, 4, nets)
  inputs = (batch.observation, batch.action, batch.valid)
  state = batch.recurrent_state.core_state
  q, _ = jax.jit(nets.unroll)(params, *inputs, state, jnp.eye(4))
  unroll = jax.jit(plain.unroll)
  for index in range(4):
    folded = networks_lib.fold_context(params, jnp.eye(4)[index])
    expected, _ = unroll(folded, *inputs, state)
    np.testing.assert_allclose(
      q[:, index], expected[:, index], rtol=1e-5, atol=1e-6
    )


def test_burn_in_and_learned_part_have_the_same_context():
  nets = make_networks(3)
  params = nets.init(jax.random.PRNGKey(4))
  batch = helpers.random_sequences(np.random.default_rng(5), 8, 2, nets)
  context = jnp.eye(3)[jnp.array([1, 2])]
  unroll = jax.jit(sequences_lib.unroll_after_burn_in, static_argnums=(0, 3))
  burnt = unroll(nets, params, batch, 4, context)
  whole = unroll(nets, params, batch, 0, context)
  np.testing.assert_allclose(burnt, whole[4:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
  "field, value, allowed",
  [
    ("intrinsic_steps", 81, "at most trace_length (80)"),
    ("kernel_epsilon", 1e-40, "a number from 1e-30 to 1e+30"),
    ("max_beta", -0.1, "a number from 0 to 1e+30"),
    ("retrace_lambda", 1.1, "a number from 0 to 1"),
    ("discount", 1.0, "a number from 0 to 0.9999999"),
    ("intrinsic_discount", 1.0, "a number from 0 to 0.9999999"),
    ("rnd_discount", 1.0, "a number from 0 to 0.9999999"),
    ("num_mixtures", 1, "an integer from 2 to 1,024"),
    ("max_novelty", 0.5, "a number from 1 to 1e+30"),
    ("memory_capacity", 9, "at least num_neighbors (10)"),
    ("intrinsic_reward", "icm", "ngu or rnd or constant"),
    ("exploration", "ez_greedy", "epsilon_greedy"),
    ("batch_size", 0, "an integer from 1 to 65,536"),  # R2D2's own checks, too
    ("kernel_epsilon", math.nan, "a number from 1e-30 to 1e+30"),
  ],
)
def test_config_errors_name_field_value_and_what_is_allowed(
  field, value, allowed
):
  with pytest.raises(ValueError) as error:
    ngu.NGUConfig(**{field: value})
  assert str(error.value) == f"{field} is {value!r}; it must be {allowed}"


@pytest.mark.parametrize(
  "fields",
  [
    {"memory_capacity": 10},
    {"intrinsic_steps": 80},
    {"max_novelty": 1.0},
    {"cluster_distance": 0.0, "max_beta": 0.0, "inverse_model_decay": 0.0},
    {"discount": 0.0, "intrinsic_discount": 0.0, "rnd_discount": 0.0},
    {"retrace_lambda": 1.0, "target_epsilon": 0.0},
    {"num_mixtures": 2, "num_neighbors": 1, "statistics_horizon": 1},
  ],
)
def test_config_takes_the_ends_of_what_it_allows(fields):
  config = ngu.NGUConfig(**fields)
  assert {name: getattr(config, name) for name in fields} == fields
