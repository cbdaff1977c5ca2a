"""NGU's behaviour: probabilities of actions, episodes' draws, and extras."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import networks, ngu
from tests.agents import helpers

A, N = 4, 5
NUM_EPISODES, NUM_STEPS = 3000, 10  # that most tests play at once
LADDER = np.float32([0.4, 0.4**1.5, 0.16])
CONFIG = dict(num_mixtures=N, num_environments=3, epsilon_alpha=1.0)


@functools.cache
def make(unsupervised=False, evaluation=False, **config):
  """Q-network, policy, parameters; compiled start and play of episodes."""
  config = ngu.NGUConfig(**{**CONFIG, **config}, unsupervised=unsupervised)
  nets = ngu.make_networks(
    helpers.environment_spec(A), helpers.TINY, config=config
  )
  policy = ngu.make_policy(nets, config, evaluation)
  select = jax.vmap(policy.select_action, in_axes=(None, None, 0))

  @jax.jit
  def play(params, states, frames):
    def step(states, frame):
      actions, states = select(params, frame, states)
      return states, (actions, states)

    return jax.lax.scan(step, states, frames)[1]

  params = nets.q_network.init(jax.random.PRNGKey(0))
  init = jax.jit(jax.vmap(policy.init))
  return nets.q_network, policy, params, init, play


def start(init, seed=0, num=NUM_EPISODES):
  return init(jax.random.split(jax.random.PRNGKey(seed), num))


def play_on(play, params, states, seed=0):
  """Actions `[T, B]` and states after each step, of B episodes at once."""
  rng = np.random.default_rng(seed)
  frames = rng.integers(0, 256, (NUM_STEPS, 6, 6, 1)).astype(np.uint8)
  return jax.tree.map(np.asarray, play(params, states, frames))


def with_fixed_values(params, values):
  """A network that gives the same action values whatever it sees."""
  head = params["params"]["head"]
  advantage = {
    "kernel": jnp.zeros_like(head["advantage"]["kernel"]),
    "bias": jnp.asarray(values, jnp.float32),
  }
  head = {**head, "advantage": advantage}
  return {"params": {**params["params"], "head": head}}


def distribution(epsilon, greedy):
  """What epsilon-greedy is by definition."""
  probabilities = np.full(A, epsilon / A)
  probabilities[greedy] += 1 - epsilon
  return probabilities


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_actions_are_as_frequent_as_the_policy_says(epsilon):
  _, _, params, init, play = make()
  params = with_fixed_values(params, [0.0, 1.0, 3.0, 2.0])
  states = start(init)
  states = states._replace(epsilon=jnp.full(NUM_EPISODES, epsilon, jnp.float32))
  actions, states = play_on(play, params, states)
  expected = distribution(epsilon, greedy=2)
  frequency = np.bincount(actions.ravel(), minlength=A) / actions.size
  # Of 30,000 draws, four deviations of a share are 0.012 at most.
  np.testing.assert_allclose(frequency, expected, atol=0.012)
  np.testing.assert_allclose(
    states.behaviour_probability, expected[actions], rtol=1e-6
  )
  np.testing.assert_allclose(states.explored.mean(), epsilon, atol=0.012)
  np.testing.assert_array_equal(actions[~states.explored], 2)
  if epsilon > 0:
    # Exploring also finds the greedy action, which is then no less probable.
    luckily = states.explored & (actions == 2)
    assert luckily.sum() > 0.2 * epsilon * actions.size
    np.testing.assert_allclose(
      states.behaviour_probability[luckily], expected[2], rtol=1e-6
    )


def test_actions_follow_each_episodes_own_epsilon():
  _, _, params, init, play = make()
  params = with_fixed_values(params, [5.0, 1.0, 3.0, 2.0])
  actions, states = play_on(play, params, start(init, seed=1))
  for epsilon in LADDER:
    of_rung = np.isclose(states.epsilon, epsilon)
    expected = distribution(epsilon, greedy=0)
    frequency = np.bincount(actions[of_rung], minlength=A) / of_rung.sum()
    np.testing.assert_allclose(frequency, expected, atol=0.02)
    np.testing.assert_allclose(
      states.behaviour_probability[of_rung],
      expected[actions[of_rung]],
      rtol=1e-5,
    )


def test_probabilities_hold_for_a_network_that_changes_its_mind():
  """The mean of 1 / mu over actions of mu is the number of actions."""
  _, _, params, init, play = make()
  actions, states = play_on(play, params, start(init, seed=2))
  assert len(np.unique(actions[~states.explored])) > 1
  inverse = 1 / states.behaviour_probability.astype(np.float64)
  np.testing.assert_allclose(inverse.mean(), A, rtol=0.03)


@pytest.fixture(scope="module")
def unrolled():
  """Episodes played step by step, and unrolled as the learner does."""
  nets, _, params, init, play = make()
  actions, states = play_on(play, params, start(init, seed=3), seed=3)
  rng = np.random.default_rng(3)
  frames = rng.integers(0, 256, (NUM_STEPS, 1, 6, 6, 1)).astype(np.uint8)
  first = np.full((1, NUM_EPISODES), networks.NO_ACTION)
  zeros = jax.tree.map(
    lambda x: jnp.zeros((NUM_EPISODES, *x.shape)), nets.initial_state()
  )
  q, core_state = jax.jit(nets.unroll)(
    params,
    np.broadcast_to(frames, (NUM_STEPS, NUM_EPISODES, 6, 6, 1)),
    np.concatenate([first, actions[:-1]]),
    np.ones((NUM_STEPS, NUM_EPISODES), bool),
    zeros,
    np.eye(N, dtype=np.float32)[states.mixture_index[0]],
  )
  return actions, states, np.asarray(q), core_state


def test_what_is_not_explored_is_greedy_in_the_unrolled_network(unrolled):
  actions, states, q, core_state = unrolled
  by_choice = ~states.explored
  best = np.take_along_axis(q, actions[..., None], axis=-1)[..., 0]
  np.testing.assert_allclose(
    best[by_choice], q.max(axis=-1)[by_choice], rtol=1e-5, atol=1e-6
  )
  np.testing.assert_allclose(
    states.core_state.hidden[-1], core_state.hidden, rtol=1e-4, atol=1e-6
  )


def test_probabilities_are_those_of_the_unrolled_network(unrolled):
  actions, states, q, _ = unrolled
  two_best = np.sort(q, axis=-1)[..., -2:]
  clear = two_best[..., 1] - two_best[..., 0] > 1e-5
  assert clear.mean() > 0.99
  expected = states.epsilon / A + (1 - states.epsilon) * (
    actions == q.argmax(axis=-1)
  )
  np.testing.assert_allclose(
    states.behaviour_probability[clear], expected[clear], rtol=1e-6
  )


def test_the_index_of_the_episode_is_what_the_network_is_told():
  _, _, params, init, play = make()
  states = start(init)
  # The same episode under each index.
  states = jax.tree.map(
    lambda x: jnp.broadcast_to(x[:1], x.shape), states
  )._replace(mixture_index=jnp.arange(NUM_EPISODES) % N)
  _, after = play_on(play, params, states)
  hidden = after.core_state.hidden[0, :N]
  for i in range(1, N):
    assert np.abs(hidden[i] - hidden[0]).max() > 1e-3
  np.testing.assert_array_equal(after.core_state.hidden[0, N : 2 * N], hidden)


def test_epsilon_is_a_rung_of_the_ladder_drawn_uniformly():
  epsilon = np.asarray(start(make()[3]).epsilon)
  rungs, counts = np.unique(epsilon, return_counts=True)
  np.testing.assert_allclose(rungs, LADDER[::-1], rtol=1e-5)
  np.testing.assert_allclose(counts, 1000, atol=130)  # five deviations


def test_the_index_of_an_episode_is_drawn_uniformly():
  counts = np.bincount(start(make()[3], seed=4).mixture_index)
  assert len(counts) == N
  np.testing.assert_allclose(counts, 600, atol=110)  # five deviations


def test_the_index_of_an_episode_tells_nothing_of_its_epsilon():
  # As many rungs as policies, so that draws from one key would be the same.
  init = make(num_mixtures=4, num_environments=4)[3]
  states = start(init, num=4000)
  _, rung = np.unique(states.epsilon, return_inverse=True)
  pairs = np.bincount(4 * rung + np.asarray(states.mixture_index), minlength=16)
  np.testing.assert_allclose(pairs, 250, atol=80)


def test_index_and_epsilon_are_fixed_within_an_episode():
  _, _, params, init, play = make()
  states = start(init, seed=5)
  _, after = play_on(play, params, states)
  for name in ("mixture_index", "epsilon"):
    before = np.asarray(getattr(states, name))
    np.testing.assert_array_equal(
      getattr(after, name), np.broadcast_to(before, (NUM_STEPS, NUM_EPISODES))
    )
    assert len(np.unique(before)) == {"mixture_index": N, "epsilon": 3}[name]


@pytest.mark.parametrize("unsupervised", [True, False])
def test_at_evaluation_index_and_epsilon_are_given(unsupervised):
  init = make(unsupervised, evaluation=True, eval_epsilon=0.03)[3]
  states = start(init, num=100)
  assert np.all(states.mixture_index == 0)
  assert np.all(states.epsilon == np.float32(0.03))


def test_at_evaluation_the_first_policy_acts():
  _, _, params, init, play = make(evaluation=True, eval_epsilon=0.0)
  actions, states = play_on(play, params, start(init, num=1))
  _, _, _, init, play = make()
  same = start(init)
  same = same._replace(
    mixture_index=jnp.arange(NUM_EPISODES) % N,
    epsilon=jnp.zeros(NUM_EPISODES),
  )
  _, of_mixture = play_on(play, params, same)
  np.testing.assert_array_equal(states.behaviour_probability, 1.0)
  np.testing.assert_array_equal(actions[:, 0], of_mixture.prev_action[:, 0])
  np.testing.assert_allclose(
    states.core_state.cell[:, 0],
    of_mixture.core_state.cell[:, 0],
    rtol=1e-4,
    atol=1e-6,
  )


def test_without_a_task_there_is_one_policy_and_no_context():
  nets, policy, params, init, play = make(unsupervised=True)
  states = start(init, num=50)
  assert np.all(states.mixture_index == 0)
  actions, after = play_on(play, params, states)
  assert np.all(policy.get_extras(after)["mixture_index"] == 0)
  assert set(policy.telemetry(states)) == {"random"}
  # The network is called without one.
  frame = np.random.default_rng(0).integers(0, 256, (NUM_STEPS, 6, 6, 1))
  q, _ = nets.step(
    params,
    frame[0].astype(np.uint8),
    jnp.int32(networks.NO_ACTION),
    nets.initial_state(),
  )
  by_choice = ~after.explored[0]
  np.testing.assert_array_equal(actions[0][by_choice], np.argmax(q))


@pytest.mark.parametrize("unsupervised", [True, False])
def test_replay_is_told_the_state_from_before_the_step(unsupervised):
  _, policy, params, init, play = make(unsupervised=unsupervised)
  num = 50 if unsupervised else NUM_EPISODES
  actions, states = play_on(play, params, start(init, seed=6, num=num))
  extras = policy.get_extras(states)
  assert set(extras) == {
    "recurrent_state",
    "mixture_index",
    "behaviour_probability",
  }
  stored = extras["recurrent_state"]
  for before, after in zip(stored.core_state, states.core_state, strict=True):
    np.testing.assert_array_equal(before[0], 0.0)
    np.testing.assert_array_equal(before[1:], after[:-1])
    assert np.any(after != 0)
  np.testing.assert_array_equal(stored.prev_action[0], networks.NO_ACTION)
  np.testing.assert_array_equal(stored.prev_action[1:], actions[:-1])
  np.testing.assert_array_equal(states.prev_action, actions)


def test_replay_is_told_the_probability_of_the_step_itself():
  _, policy, params, init, play = make()
  params = with_fixed_values(params, [0.0, 1.0, 3.0, 2.0])
  states = start(init, seed=7)
  states = states._replace(epsilon=jnp.full(NUM_EPISODES, 0.4))
  actions, states = play_on(play, params, states)
  extras = policy.get_extras(states)
  np.testing.assert_allclose(
    extras["behaviour_probability"],
    np.where(actions == 2, 0.7, 0.1),
    rtol=1e-6,
  )
  np.testing.assert_array_equal(extras["mixture_index"], states.mixture_index)


def test_an_action_that_replaces_the_selected_one_is_what_the_network_sees():
  _, _, params, init, play = make()
  states = start(init)
  hidden = []
  for action in (0, 1):
    replaced = jnp.full(NUM_EPISODES, action, jnp.int32)
    _, after = play_on(play, params, states._replace(prev_action=replaced))
    np.testing.assert_array_equal(after.before.prev_action[0], action)
    hidden.append(after.core_state.hidden[0])
  assert np.abs(hidden[0] - hidden[1]).max() > 1e-3


def test_telemetry_says_whether_the_action_was_random_and_who_acted():
  _, policy, params, init, play = make()
  _, states = play_on(play, params, start(init, seed=8))
  telemetry = policy.telemetry(jax.tree.map(jnp.asarray, states))
  assert set(telemetry) == {"random", "mixture_index"}
  np.testing.assert_array_equal(telemetry["random"], states.explored)
  np.testing.assert_array_equal(
    telemetry["mixture_index"], states.mixture_index
  )


def test_draws_of_episodes_and_of_steps_are_independent():
  _, _, params, init, play = make()
  states = start(init, seed=9)
  states = states._replace(epsilon=jnp.ones(NUM_EPISODES))
  actions, _ = play_on(play, params, states)
  # From one step to the next, and from one episode to the next: 16 pairs.
  for first, second in (
    (actions[:-1], actions[1:]),
    (actions[:, :-1], actions[:, 1:]),
  ):
    pairs = np.bincount((A * first + second).ravel(), minlength=16)
    np.testing.assert_allclose(pairs / pairs.sum(), 1 / 16, atol=0.008)
