"""Behaviour of R2D2 and BT, against a plain transcription of Algorithm 1."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import bt, exploration, networks, policies, r2d2
from behavior_transfer.agents import pretrained as pretrained_lib
from tests.agents import helpers

A = 4
SPEC = helpers.environment_spec(A)
FRAME = np.zeros((6, 6, 1), np.uint8)


def counting_policy(offset):
  """A recurrent pi_p: counts its steps, and acts on the executed actions.

  Its action is (offset + number of steps + sum of executed actions) mod A, so
  that a missed step or a wrong previous action shows.
  """

  def init(key):
    del key
    return pretrained_lib.CallableState(
      jnp.uint32(offset), jnp.int32(0), jnp.int32(networks.NO_ACTION)
    )

  def select_action(observation, state):
    del observation
    total = state.episode + (state.prev_action + 1).astype(jnp.uint32)
    action = ((total + state.step.astype(jnp.uint32)) % A).astype(jnp.int32)
    return action, state._replace(
      episode=total, step=state.step + 1, prev_action=action
    )

  return policies.PretrainedPolicy(f"counting_{offset}", init, select_action)


def make_bt(num_policies=2, evaluation=False, use_extra_action=True, **config):
  pretrained = [counting_policy(3 * k) for k in range(num_policies)]
  nets = bt.make_networks(
    SPEC,
    helpers.TINY,
    pretrained=pretrained,
    use_extra_action=use_extra_action,
  )
  config = bt.BTConfig(**config, use_extra_action=use_extra_action)
  policy = bt.make_policy(nets.q_network, nets.pretrained, config, evaluation)
  return nets, policy, nets.q_network.init(jax.random.PRNGKey(0))


def rollout(policy, params, num_steps, seed=0):
  """States after each of `num_steps` steps of one episode, on blank frames."""

  def step(state, _):
    action, state = policy.select_action(params, FRAME, state)
    return state, (action, state)

  state = policy.init(jax.random.PRNGKey(seed))
  _, (actions, states) = jax.jit(
    lambda s: jax.lax.scan(step, s, None, num_steps)
  )(state)
  return state, np.asarray(actions), jax.tree.map(np.asarray, states)


def random_numbers(state, num_steps, num_entries, max_length):
  """What Algorithm 1 may draw at each step, from the policy's own stream."""
  sample_length = exploration.zeta_length(2.0, max_length)

  def draw(key, _):
    key, decide = jax.random.split(key)
    start, length, which, explore, uniform = jax.random.split(decide, 5)
    return key, {
      "start": jax.random.uniform(start),
      "length": sample_length(length),
      "which": jax.random.randint(which, (), 0, 2),
      "explore": jax.random.uniform(explore),
      "entry": jax.random.randint(uniform, (), 0, num_entries),
    }

  _, drawn = jax.jit(lambda key: jax.lax.scan(draw, key, None, num_steps))(
    state.rng
  )
  return jax.tree.map(np.asarray, drawn)


def algorithm_1(drawn, greedy, epsilon_levy, epsilon, num_steps):
  """BT's Algorithm 1 as printed, in plain Python, for two counting policies.

  Returns:
    For each step who acted, and the primitive taken.
  """
  n, flying, prev_action, sums = 0, None, -1, [0, 3]
  for t in range(num_steps):
    sums = [total + prev_action + 1 for total in sums]
    pretrained = [(total + t) % A for total in sums]
    if n == 0 and drawn["start"][t] < epsilon_levy:
      n, flying = drawn["length"][t], drawn["which"][t]
    if n > 0:
      n -= 1
      who, prev_action = "flight", pretrained[flying]
    else:
      explores = drawn["explore"][t] < epsilon
      entry = drawn["entry"][t] if explores else greedy[t]
      if entry >= A:
        who, prev_action = "extra", pretrained[entry - A]
      else:
        who, prev_action = "agent", entry
    yield who, prev_action


@pytest.mark.parametrize("use_extra_action", [True, False])
def test_bt_follows_algorithm_1_step_by_step(use_extra_action):
  num_steps = 400
  nets, policy, params = make_bt(
    epsilon_levy=0.15,
    max_flight_length=6,
    epsilon_base=0.5,
    epsilon_alpha=0.0,
    use_extra_action=use_extra_action,
  )
  start, actions, states = rollout(policy, params, num_steps)
  # The greedy entries, from one unroll over the actions that were executed.
  q, _ = jax.jit(nets.q_network.unroll)(
    params,
    jnp.zeros((num_steps, 1, 6, 6, 1), jnp.uint8),
    jnp.concatenate([jnp.array([-1]), actions[:-1]])[:, None],
    jnp.ones((num_steps, 1), bool),
    jax.tree.map(lambda x: x[None], nets.q_network.initial_state()),
  )
  drawn = random_numbers(start, num_steps, A + 2 * use_extra_action, 6)
  greedy = np.argmax(q[:, 0], axis=-1)
  reference = list(algorithm_1(drawn, greedy, 0.15, 0.5, num_steps))
  who = np.array([w for w, _ in reference])
  np.testing.assert_array_equal([a for _, a in reference], actions)
  np.testing.assert_array_equal(who == "flight", states.decision.in_flight)
  np.testing.assert_array_equal(who == "agent", states.decision.choice < A)
  expected = {"agent", "flight"} | ({"extra"} if use_extra_action else set())
  assert set(who) == expected


def test_every_pretrained_policy_sees_every_step_and_the_executed_action():
  _, policy, params = make_bt(epsilon_levy=0.2, max_flight_length=5)
  _, actions, states = rollout(policy, params, 60)
  for k, state in enumerate(states.pretrained):
    np.testing.assert_array_equal(state.step, np.arange(1, 61))
    # Sum of all executed actions before the step, each plus one for "none".
    executed = np.concatenate([[-1], actions[:-1]]) + 1
    np.testing.assert_array_equal(state.episode, 3 * k + np.cumsum(executed))


def test_policies_within_policies_see_the_executed_action_too():
  """BT over BT over a counting policy: the innermost counts what was done."""
  inner_nets, inner, inner_params = make_bt(1, evaluation=True)
  frozen = bt.PretrainedPolicy(
    "inner",
    inner.init,
    lambda observation, state: inner.select_action(
      inner_params, observation, state
    ),
  )
  nets = bt.make_networks(SPEC, helpers.TINY, pretrained=[frozen])
  config = bt.BTConfig(epsilon_base=1.0, epsilon_alpha=0.0, epsilon_levy=0.2)
  policy = bt.make_policy(nets.q_network, nets.pretrained, config)
  params = nets.q_network.init(jax.random.PRNGKey(1))
  _, actions, states = rollout(policy, params, 60)
  executed = np.concatenate([[-1], actions[:-1]]) + 1
  (leaf,) = states.pretrained[0].pretrained
  np.testing.assert_array_equal(leaf.episode, np.cumsum(executed))
  # Not trivially so: the inner agent would have acted otherwise.
  assert np.any(states.decision.pretrained_actions[:, 0] != actions)
  assert inner_nets.q_network.num_entries == A + 1


def test_extra_action_resolves_to_what_its_policy_would_do():
  _, policy, params = make_bt(
    epsilon_levy=0.0, epsilon_base=1.0, epsilon_alpha=0.0
  )
  _, actions, states = rollout(policy, params, 3000)
  choice, drawn = states.decision.choice, states.decision.pretrained_actions
  for k in range(2):
    called = choice == A + k
    np.testing.assert_array_equal(actions[called], drawn[called, k])
  own = choice < A
  np.testing.assert_array_equal(actions[own], choice[own])
  # The random branch is uniform over all of A+: 500 each, deviation 20.
  counts = np.bincount(choice, minlength=A + 2)
  np.testing.assert_allclose(counts, 500, atol=100)


def test_flights_pick_a_policy_uniformly_and_keep_it():
  _, policy, params = make_bt(epsilon_levy=0.5, max_flight_length=4)
  _, actions, states = rollout(policy, params, 4000)
  in_flight = states.decision.in_flight
  np.testing.assert_array_equal(
    states.decision.choice[in_flight], A + states.flight_policy[in_flight]
  )
  np.testing.assert_array_equal(
    actions[in_flight],
    states.decision.pretrained_actions[
      in_flight, states.flight_policy[in_flight]
    ],
  )
  ends = in_flight[:-1] & (states.remaining[:-1] > 0)
  assert np.all(in_flight[1:][ends]), "a flight goes on while n > 0"
  assert np.all(
    states.flight_policy[1:][ends] == states.flight_policy[:-1][ends]
  )
  started = in_flight & (np.concatenate([[0], states.remaining[:-1]]) == 0)
  share = states.flight_policy[started].mean()
  assert 0.45 < share < 0.55


def test_no_flights_at_evaluation_but_the_extra_action_stays():
  _, policy, params = make_bt(
    epsilon_levy=1.0, eval_epsilon=0.5, evaluation=True
  )
  _, _, states = rollout(policy, params, 400)
  assert not states.decision.in_flight.any()
  assert (states.decision.choice >= A).any()
  assert np.all(states.epsilon == 0.5)


def test_each_part_can_be_switched_off():
  _, policy, params = make_bt(use_flights=False, epsilon_levy=1.0)
  assert not rollout(policy, params, 200)[2].decision.in_flight.any()
  nets, policy, params = make_bt(
    use_extra_action=False, epsilon_levy=0.3, epsilon_base=1.0
  )
  assert nets.q_network.num_entries == A
  _, _, states = rollout(policy, params, 500)
  called = states.decision.choice >= A
  np.testing.assert_array_equal(called, states.decision.in_flight)


def test_telemetry_says_who_acted():
  _, policy, params = make_bt(epsilon_levy=0.3, epsilon_base=1.0)
  _, _, states = rollout(policy, params, 300)
  shares = jax.vmap(policy.telemetry)(states)
  np.testing.assert_array_equal(shares["flight"], states.decision.in_flight)
  np.testing.assert_array_equal(
    shares["extra_action"],
    (states.decision.choice >= A) & ~states.decision.in_flight,
  )
  assert 0 < shares["extra_action"].mean() < 1


@pytest.mark.parametrize("agent", ["r2d2", "bt"])
def test_replay_is_told_the_state_from_before_the_step(agent):
  if agent == "bt":
    _, policy, params = make_bt(epsilon_levy=0.2)
  else:
    nets = r2d2.make_networks(SPEC, helpers.TINY)
    params = nets.init(jax.random.PRNGKey(0))
    policy = r2d2.make_policy(nets, r2d2.R2D2Config())
  _, actions, states = rollout(policy, params, 10)
  stored = policy.get_extras(states)["recurrent_state"]
  np.testing.assert_array_equal(stored.core_state.hidden[0], 0.0)
  np.testing.assert_array_equal(
    stored.core_state.hidden[1:], states.core_state.hidden[:-1]
  )
  np.testing.assert_array_equal(
    stored.prev_action, np.concatenate([[-1], actions[:-1]])
  )


def make_r2d2(evaluation=False, **config):
  nets = r2d2.make_networks(SPEC, helpers.TINY)
  policy = r2d2.make_policy(nets, r2d2.R2D2Config(**config), evaluation)
  return policy, nets.init(jax.random.PRNGKey(0))


def test_epsilon_greedy_explores_single_steps_uniformly():
  policy, params = make_r2d2(epsilon_base=0.25, epsilon_alpha=0.0)
  _, actions, states = rollout(policy, params, 8000)
  assert abs(states.in_flight.mean() - 0.25) < 0.03
  counts = np.bincount(actions[states.in_flight], minlength=A)
  np.testing.assert_allclose(counts / counts.sum(), 0.25, atol=0.05)
  assert np.all(states.remaining == 0)


def test_ez_greedy_repeats_one_action_for_the_whole_flight():
  policy, params = make_r2d2(
    exploration="ez_greedy",
    epsilon_base=0.2,
    epsilon_alpha=0.0,
    max_flight_length=20,
  )
  _, actions, states = rollout(policy, params, 5000)
  goes_on = states.remaining[:-1] > 0
  assert goes_on.sum() > 200
  np.testing.assert_array_equal(actions[1:][goes_on], actions[:-1][goes_on])
  assert np.all(states.in_flight[1:][goes_on])


def test_greedy_at_evaluation_but_for_epsilon():
  policy, params = make_r2d2(
    evaluation=True, exploration="ez_greedy", eval_epsilon=0.0
  )
  _, _, states = rollout(policy, params, 200)
  assert not states.in_flight.any()


def test_many_environments_equal_each_one_alone():
  _, policy, params = make_bt(epsilon_levy=0.2, epsilon_base=0.5)
  keys = jax.random.split(jax.random.PRNGKey(9), 3)
  frames = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 1), np.uint8)
  states = jax.vmap(policy.init)(keys)
  step = jax.jit(jax.vmap(policy.select_action, in_axes=(None, 0, 0)))
  step_one = jax.jit(policy.select_action)
  for _ in range(5):
    actions, states = step(params, frames, states)
  for i in range(3):
    state = policy.init(keys[i])
    for _ in range(5):
      action, state = step_one(params, frames[i], state)
    assert action == actions[i]
    np.testing.assert_allclose(
      state.core_state.hidden, states.core_state.hidden[i], rtol=1e-5
    )
