"""Frozen policies: callables, checkpoints, and what does not fit."""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import bt, checkpoints, networks, pretrained, r2d2
from tests.agents import helpers

SPEC = helpers.environment_spec(3)
FRAME = np.zeros((6, 6, 1), np.uint8)
ACTIONS = ["NOOP", "FIRE", "UP"]


def walker(observation, prev_action, state, rng):
  """Remembers what it saw, in an object that no array could hold."""
  del rng
  state = (state or []) + [(observation.mean(), prev_action)]
  return len(state) % 3, state


def gambler(observation, prev_action, state, rng):
  return rng.integers(3), state


def outlaw(observation, prev_action, state, rng):
  return 3, state


def thoughtless(observation):
  return 0


def failing(observation, prev_action, state, rng):
  raise RuntimeError("out of ideas")


def play(policy, num_steps, seed=0, executed=None):
  """Actions of an episode; `executed` is what is done instead of them."""
  step = jax.jit(policy.select_action)
  state = policy.init(jax.random.PRNGKey(seed))
  actions = []
  for t in range(num_steps):
    action, state = step(np.full((6, 6, 1), t % 256, np.uint8), state)
    if executed is not None:
      state = state._replace(prev_action=jnp.int32(executed[t]))
    actions.append(int(action))
  return actions


def load(function):
  return pretrained.load(f"{__name__}:{function.__name__}", SPEC)


def test_a_callable_keeps_its_own_state_and_sees_every_step():
  seen = []

  def spy(observation, prev_action, state, rng):
    action, state = walker(observation, prev_action, state, rng)
    seen[:] = state
    return action, state

  policy = pretrained.from_callable("spy", spy, 3)
  executed = [2, 0, 1, 2, 0]
  assert play(policy, 5, executed=executed) == [1, 2, 0, 1, 2]
  # Frames in order, and the actions that were executed, none at first.
  assert seen == [(0, -1), (1, 2), (2, 0), (3, 1), (4, 2)]


def test_episodes_of_a_callable_do_not_mix():
  policy = load(walker)
  keys = jax.random.split(jax.random.PRNGKey(0), 3)
  states = jax.vmap(policy.init)(keys)
  step = jax.jit(jax.vmap(policy.select_action))
  for t in range(4):
    actions, states = step(np.zeros((3, 6, 6, 1), np.uint8), states)
    np.testing.assert_array_equal(actions, (t + 1) % 3)


def test_a_callables_randomness_follows_the_seed():
  first, again, other = (play(load(gambler), 30, seed) for seed in (0, 0, 1))
  assert first == again != other


@pytest.mark.parametrize(
  ("answer", "shown"),
  [
    (None, "None"),
    (1, "1"),
    ((), r"\(\)"),
    ((1, None, 0), r"\(1, None, 0\)"),
    ((1.7, None), r"\(1.7, None\)"),
    ((np.float32(1), None), r"\("),
    ((np.array([1]), None), r"\(array"),
    (("1", None), r"\('1', None\)"),
    ((-1, None), r"\(-1, None\)"),
    ((3, None), r"\(3, None\)"),
    ("ab", "'ab'"),
  ],
)
def test_what_a_callable_answers_is_looked_at_before_any_work(
  monkeypatch, answer, shown
):
  name = f"{__name__}:gambler"
  monkeypatch.setattr(sys.modules[__name__], "gambler", lambda *_: answer)
  frame = np.zeros((6, 6, 1), np.uint8)
  message = rf"returned {shown}.*; it must be a pair of an action, an integer"
  with pytest.raises(ValueError, match=message) as error:
    pretrained.try_out(name, frame, 3)
  assert "\n" not in str(error.value) and name in str(error.value)
  with pytest.raises(Exception, match="it must be a pair of an action"):
    play(pretrained.load(name, SPEC), 1)


@pytest.mark.parametrize(
  "action", [0, 2, np.int64(1), np.array(1), np.uint8(2)]
)
def test_an_integer_of_any_kind_is_an_action(action):
  policy = pretrained.from_callable("it", lambda *_: (action, None), 3)
  assert play(policy, 2) == [int(action)] * 2


def test_faults_of_a_callable_are_not_swallowed():
  pretrained.try_out(f"{__name__}:walker", np.zeros((6, 6, 1), np.uint8), 3)
  with pytest.raises(ValueError, match=r"RuntimeError: out of ideas"):
    pretrained.try_out(f"{__name__}:failing", np.zeros(1), 3)
  for function, message in ((outlaw, "returned .3, None"), (failing, "ideas")):
    with pytest.raises(Exception, match=message):
      play(load(function), 1)


@pytest.mark.parametrize(
  ("name", "message"),
  [
    ("no_such_module:policy", "No module named"),
    (f"{__name__}:no_such_function", "no attribute 'no_such_function'"),
    (f"{__name__}:thoughtless", "too many positional arguments"),
    ("./my_policy.py:act", "must be a checkpoint, or module:function"),
    ("/no/such/folder", "no such folder"),
  ],
)
def test_unknown_policies_are_refused_in_one_line(name, message):
  with pytest.raises(ValueError, match=message) as error:
    pretrained.load(name, SPEC)
  assert "\n" not in str(error.value)


def manifest(agent, nets, config, **changes):
  return {
    "agent": agent,
    "game": "toy",
    "action_set": ACTIONS,
    "observation": {"shape": [6, 6, 1], "dtype": "uint8"},
    "network": dataclasses.asdict(nets.config),
    "config": dataclasses.asdict(config),
    "frames": 0,
    "agent_steps": 0,
    "learner_steps": 0,
    "seed": 0,
    "pretrained": [],
    **changes,
  }


@pytest.fixture(scope="module")
def r2d2_checkpoint(tmp_path_factory):
  config = r2d2.R2D2Config(eval_epsilon=0.0)
  nets = r2d2.make_networks(SPEC, helpers.TINY)
  params = nets.init(jax.random.PRNGKey(4))
  path = checkpoints.save(
    tmp_path_factory.mktemp("r2d2"),
    step=7,
    params=params,
    manifest=manifest("r2d2", nets, config),
  )
  return path, nets, params


def test_an_r2d2_checkpoint_acts_greedily(r2d2_checkpoint):
  path, nets, params = r2d2_checkpoint
  policy = pretrained.load(str(path), SPEC, action_set=ACTIONS)
  state, prev_action, expected = nets.initial_state(), -1, []
  for t in range(6):
    frame = np.full((6, 6, 1), t, np.uint8)
    q, state = nets.step(params, frame, jnp.int32(prev_action), state)
    prev_action = int(np.argmax(q))
    expected.append(prev_action)
  assert play(policy, 6) == expected


def test_a_bt_checkpoint_brings_its_own_frozen_policies(
  r2d2_checkpoint, tmp_path
):
  """pi_p of pi_p: a BT agent over a checkpoint and a callable, reloaded."""
  path, _, _ = r2d2_checkpoint
  names = [str(path), f"{__name__}:walker"]
  frozen = [pretrained.load(name, SPEC) for name in names]
  wide = networks.NetworkConfig(((4, 3, 1),), 16, 16, 16)
  nets = bt.make_networks(SPEC, wide, pretrained=frozen)
  config = bt.BTConfig(eval_epsilon=0.5)
  params = nets.q_network.init(jax.random.PRNGKey(0))
  saved = checkpoints.save(
    tmp_path,
    step=1,
    params=params,
    manifest=manifest("bt", nets.q_network, config, pretrained=names),
    pretrained=[path, None],
  )
  policy = bt.make_policy(nets.q_network, nets.pretrained, config, True)
  original = bt.PretrainedPolicy(
    "original",
    policy.init,
    lambda observation, state: policy.select_action(params, observation, state),
  )
  loaded = pretrained.load(str(saved), SPEC)
  assert play(loaded, 40) == play(original, 40)
  # And it may itself be frozen in another agent.
  outer = bt.make_networks(SPEC, helpers.TINY, pretrained=[loaded])
  policy = bt.make_policy(outer.q_network, outer.pretrained, bt.BTConfig())
  state = policy.init(jax.random.PRNGKey(0))
  params = outer.q_network.init(jax.random.PRNGKey(1))
  action, _ = policy.select_action(params, FRAME, state)
  assert 0 <= action < 3


@pytest.mark.parametrize(
  ("spec", "action_set", "message"),
  [
    (helpers.environment_spec(3, (8, 8, 1)), None, r"observes uint8 \(6, 6, 1"),
    (helpers.environment_spec(4), None, "has 3 actions; the task has 4"),
    (SPEC, ["NOOP", "FIRE", "DOWN"], "has the actions NOOP, FIRE, UP"),
  ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
  r2d2_checkpoint, spec, action_set, message
):
  with pytest.raises(ValueError, match=message) as error:
    pretrained.load(str(r2d2_checkpoint[0]), spec, action_set=action_set)
  assert "\n" not in str(error.value)


def test_a_checkpoint_of_an_unknown_agent_or_config_is_refused(tmp_path):
  nets = r2d2.make_networks(SPEC, helpers.TINY)
  params = nets.init(jax.random.PRNGKey(0))
  config = r2d2.R2D2Config()
  foreign = manifest("dreamer", nets, config)
  path = checkpoints.save(
    tmp_path / "a", step=1, params=params, manifest=foreign
  )
  with pytest.raises(ValueError, match="agent 'dreamer'"):
    pretrained.load(str(path), SPEC)
  later = manifest("r2d2", nets, config)
  later["config"]["warp_factor"] = 9
  path = checkpoints.save(tmp_path / "b", step=1, params=params, manifest=later)
  with pytest.raises(ValueError, match="unknown fields: warp_factor"):
    pretrained.load(str(path), SPEC)


def test_weights_are_wanted_from_a_policy_that_has_none():
  nets = bt.make_networks(SPEC, helpers.TINY, pretrained=[load(walker)])
  with pytest.raises(ValueError, match="has no weights, so it must be 'none'"):
    bt.initial_params(nets, "full", jax.random.PRNGKey(0))


def test_initial_weights_come_from_the_first_policy(r2d2_checkpoint):
  path, _, source = r2d2_checkpoint
  frozen = [pretrained.load(str(path), SPEC)]
  nets = bt.make_networks(SPEC, helpers.TINY, pretrained=frozen)
  params, report = bt.initial_params(nets, "partial", jax.random.PRNGKey(0))
  np.testing.assert_array_equal(
    params["params"]["lstm"]["recurrent"], source["params"]["lstm"]["recurrent"]
  )
  assert len(report.fresh) == 8


def test_full_initialisation_keeps_action_values_whatever_their_units(
  r2d2_checkpoint, tmp_path
):
  _, nets, params = r2d2_checkpoint
  config = r2d2.R2D2Config(eval_epsilon=0.0, value_scale=4.0)
  path = checkpoints.save(
    tmp_path, step=7, params=params, manifest=manifest("r2d2", nets, config)
  )
  frozen = [pretrained.load(str(path), SPEC)]
  key, frame = jax.random.PRNGKey(0), np.full((6, 6, 1), 9, np.uint8)

  def q_values(networks, params):
    return networks.step(params, frame, jnp.int32(1), nets.initial_state())[0]

  values = 4.0 * q_values(nets, params)
  np.testing.assert_allclose(q_values(nets, frozen[0].params), values, 1e-5)
  bt_nets = bt.make_networks(SPEC, helpers.TINY, pretrained=frozen)
  new, _ = bt.initial_params(bt_nets, "full", key, value_scale=10.0)
  q = 10.0 * q_values(bt_nets.q_network, new)
  np.testing.assert_allclose(q[: len(values)], values, 1e-5)
  # What is frozen stays as it is.
  np.testing.assert_allclose(q_values(nets, frozen[0].params), values, 1e-5)


@pytest.mark.parametrize("name", [None, pretrained.RANDOM])
def test_the_default_policy_is_uniform(name):
  named = name and [pretrained.load(name, SPEC)]
  nets = bt.make_networks(SPEC, helpers.TINY, pretrained=named)
  actions = play(nets.pretrained[0], 600)
  counts = np.bincount(actions, minlength=3)
  np.testing.assert_allclose(counts, 200, atol=60)


def test_at_least_one_policy_is_needed():
  with pytest.raises(ValueError, match="pretrained is empty"):
    bt.make_networks(SPEC, helpers.TINY, pretrained=[])


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    (
      {"epsilon_levy": 1.5},
      "epsilon_levy is 1.5; it must be a number",
    ),
    ({"batch_size": 0}, "batch_size is 0; it must be an integer from 1"),
    ({"initial_weights": "half"}, "must be none or partial or full"),
    ({"exploration": "ez_greedy"}, "must be epsilon_greedy"),
    ({"sequence_period": 81}, "at most trace_length"),
    ({"min_replay_size": 10**6}, "at most max_replay_size"),
  ],
)
def test_impossible_settings_are_refused(changes, message):
  with pytest.raises(ValueError, match=message):
    bt.BTConfig(**changes)


def test_every_setting_says_what_it_is_and_where_it_is_from():
  for field in dataclasses.fields(bt.BTConfig):
    assert field.metadata["help"] and field.metadata["source"], field.name
