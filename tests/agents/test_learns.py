"""Learning proofs on tasks whose answer is known; real replay, real learner."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reverb
from acme import specs
from acme.utils import loggers

from behavior_transfer.agents import bt, networks, pretrained, r2d2
from tests.agents import toys

SIZE = networks.NetworkConfig(((8, 3, 1),), 32, 32, 32)
CONFIG = dict(
  burn_in=2,
  trace_length=7,
  sequence_period=7,
  n_step=3,
  discount=0.97,
  batch_size=16,
  min_replay_size=40,
  max_replay_size=5000,
  replay_ratio=None,
  learning_rate=2e-3,
  target_update_period=40,
  actor_update_period=10,
)


def train(builder, nets, environment, num_steps, every=4, seed=0):
  """One thread: acts, and learns once `every` steps after the first 400.

  Yields:
    The return of each episode, and an actor that evaluates.
  """
  spec = specs.make_environment_spec(environment)
  policy = builder.make_policy(nets, spec)
  server = reverb.Server(builder.make_replay_tables(spec, policy))
  client = reverb.Client(f"localhost:{server.port}")
  keys = [jax.random.PRNGKey(seed + k) for k in range(3)]
  learner = builder.make_learner(
    keys[0],
    nets,
    builder.make_dataset_iterator(client),
    lambda *args, **kwargs: loggers.NoOpLogger(),
    spec,
    client,
  )
  adder = builder.make_adder(client, spec, policy)
  actor = builder.make_actor(keys[1], policy, spec, learner, adder)
  evaluator = builder.make_actor(
    keys[2], builder.make_policy(nets, spec, evaluation=True), spec, learner
  )
  steps = 0
  while steps < num_steps:
    total = 0.0
    for timestep in play(environment, actor):
      steps += 1
      total += timestep.reward
      if steps > 400 and steps % every == 0:
        learner.step()
    yield total, evaluator


def train_and_evaluate(builder, nets, environment, num_steps):
  """Trains to the end, then plays.

  Returns:
    Mean return of 100 greedy evaluation episodes, and the number of training
    episodes that earned something.
  """
  episodes = list(train(builder, nets, environment, num_steps))
  _, evaluator = episodes[-1]
  returns = [
    sum(timestep.reward for timestep in play(environment, evaluator))
    for _ in range(100)
  ]
  return np.mean(returns), sum(total > 0 for total, _ in episodes)


def play(environment, actor):
  timestep = environment.reset()
  actor.observe_first(timestep)
  while not timestep.last():
    action = actor.select_action(timestep.observation)
    timestep = environment.step(action)
    actor.observe(action, timestep)
    actor.update(wait=True)
    yield timestep


def forgetful(nets):
  """The same network with its recurrent state zeroed at every step."""

  def unroll(params, observation, prev_action, valid, core_state):
    length, batch = prev_action.shape

    def as_batch(x):
      return x.reshape(1, length * batch, *x.shape[2:])

    q, _ = nets.unroll(
      params,
      as_batch(observation),
      jnp.full((1, length * batch), networks.NO_ACTION),
      jnp.ones((1, length * batch), bool),
      jax.tree.map(
        lambda x: jnp.zeros((length * batch, *x.shape[1:])), core_state
      ),
    )
    return q.reshape(length, batch, -1), core_state

  def step(params, observation, prev_action, core_state):
    q, _ = nets.step(
      params,
      observation,
      jnp.full_like(prev_action, networks.NO_ACTION),
      jax.tree.map(jnp.zeros_like, core_state),
    )
    return q, core_state

  return nets._replace(step=step, unroll=unroll)


@pytest.mark.parametrize("memory", [True, False])
def test_r2d2_masters_a_memory_task_only_with_its_memory(memory):
  environment = toys.Recall(seed=0)
  nets = r2d2.make_networks(specs.make_environment_spec(environment), SIZE)
  if not memory:
    nets = forgetful(nets)
  builder = r2d2.R2D2Builder(r2d2.R2D2Config(**CONFIG))
  score, _ = train_and_evaluate(builder, nets, environment, num_steps=3500)
  if memory:
    assert score > 0.9
  else:
    # Deviation of the mean of 100 coin flips: 0.1.
    assert abs(score) < 0.4


def test_bt_with_a_useless_policy_learns_what_r2d2_learns():
  environment = toys.Recall(seed=0)
  nets = bt.make_networks(specs.make_environment_spec(environment), SIZE)
  assert nets.pretrained[0].name == "uniform"
  builder = bt.BTBuilder(bt.BTConfig(**CONFIG))
  score, _ = train_and_evaluate(builder, nets, environment, num_steps=3500)
  assert score > 0.9


def guide(environment):
  """A pi_p that knows the way, but loses it on a fifth of the steps."""

  def act(observation, prev_action, state, rng):
    if rng.random() < 0.2:
      return int(rng.integers(4)), state
    return int(environment.key[int(np.argmax(observation))]), state

  return pretrained.from_callable("guide", act, 4)


CORRIDOR = CONFIG | dict(trace_length=12, sequence_period=6, burn_in=4)


def test_bt_reaches_a_far_goal_that_epsilon_greedy_does_not():
  environment = toys.Corridor()
  spec = specs.make_environment_spec(environment)
  nets = bt.make_networks(spec, SIZE, pretrained=[guide(environment)])
  config = bt.BTConfig(**CORRIDOR, epsilon_levy=0.1, max_flight_length=100)
  score, num_rewarded = train_and_evaluate(
    bt.BTBuilder(config), nets, environment, num_steps=6000
  )
  assert num_rewarded > 20 and score > 0.9
  nets = r2d2.make_networks(spec, SIZE)
  score, num_rewarded = train_and_evaluate(
    r2d2.R2D2Builder(r2d2.R2D2Config(**CORRIDOR)),
    nets,
    environment,
    num_steps=6000,
  )
  assert num_rewarded == 0 and score == 0
