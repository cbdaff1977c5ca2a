"""What NGU's actor records, and that no task reward finds its way in."""

import jax
import numpy as np
import pytest
import reverb
import tensorflow as tf
import tree
from acme import adders, specs
from acme.utils import loggers

from behavior_transfer.agents import networks, ngu, sequences
from tests.agents import helpers, toys

SIZE = networks.NetworkConfig(((4, 3, 2),), 16, 16, 16)
SETTINGS = dict(
  burn_in=4,
  trace_length=10,
  sequence_period=5,
  batch_size=4,
  min_replay_size=1,
  max_replay_size=1000,
  replay_ratio=None,
  learning_rate=1e-3,
  target_update_period=3,
  actor_update_period=7,
  epsilon_alpha=0.0,
  num_neighbors=3,
  memory_capacity=100,
)


class PaidMaze(toys.Maze):
  """The maze, with a task reward that is drawn from a list."""

  def __init__(self, rewards):
    super().__init__(time_limit=30)
    self._rewards = rewards

  def step(self, action):
    timestep = super().step(action)
    reward = self._rewards[self._time % len(self._rewards)]
    return timestep._replace(reward=np.float32(reward))


class QueueBuilder(ngu.NGUBuilder):
  """Samples each sequence once and in order, so that runs can be compared."""

  def make_replay_tables(self, environment_spec, policy):
    spec = sequences.item_spec(environment_spec, policy, self._config)
    signature = tree.map_structure(
      lambda x: tf.TensorSpec(x.shape, x.dtype), spec
    )
    return [
      reverb.Table.queue(
        self._config.replay_table_name, 1000, signature=signature
      )
    ]


class RecordingAdder(adders.Adder):
  """Keeps what it is given."""

  def __init__(self):
    self.rewards = []
    self.extras = []

  def reset(self):
    pass

  def add_first(self, timestep):
    self.first = timestep

  def add(self, action, next_timestep, extras=()):
    self.rewards.append(next_timestep.reward)
    self.extras.append(extras)


def play(environment, actor):
  """Observations of an episode, the first included."""
  timestep = environment.reset()
  actor.observe_first(timestep)
  observations = [timestep.observation]
  while not timestep.last():
    action = actor.select_action(timestep.observation)
    timestep = environment.step(action)
    actor.observe(action, timestep)
    actor.update(wait=True)
    observations.append(timestep.observation)
  return observations


def train(rewards, **changes):
  """A pre-training run of 12 episodes: what was learned, what was stored."""
  config = ngu.NGUConfig(**{**SETTINGS, **changes})
  environment = PaidMaze(rewards)
  spec = specs.make_environment_spec(environment)
  nets = ngu.make_networks(spec, SIZE, config=config)
  builder = QueueBuilder(config)
  policy = builder.make_policy(nets, spec)
  (table,) = builder.make_replay_tables(spec, policy)
  server = reverb.Server([table])
  client = reverb.Client(f"localhost:{server.port}")
  batches = []

  def dataset():
    for batch in builder.make_dataset_iterator(client):
      batches.append(batch.data)
      yield batch

  learner = builder.make_learner(
    jax.random.PRNGKey(0),
    nets,
    dataset(),
    lambda *args, **kwargs: loggers.NoOpLogger(),
    spec,
    client,
  )
  adder = builder.make_adder(client, spec, policy)
  actor = builder.make_actor(
    jax.random.PRNGKey(1), policy, spec, learner, adder
  )
  for _ in range(12):
    play(environment, actor)
    inserted = table.info.rate_limiter_info.insert_stats.completed
    while len(batches) < inserted // config.batch_size:
      learner.step()
  assert len(batches) >= 10
  return jax.tree.map(np.asarray, (learner.save(), batches))


def same(a, b):
  return jax.tree.all(jax.tree.map(np.array_equal, a, b))


@pytest.mark.parametrize("intrinsic_reward", ["ngu", "rnd", "constant"])
def test_pre_training_is_bit_identical_whatever_the_task_pays(intrinsic_reward):
  unpaid = train([0.0], intrinsic_reward=intrinsic_reward)
  paid = train([np.nan], intrinsic_reward=intrinsic_reward)
  assert same(unpaid, paid)
  assert np.isfinite(unpaid[1][-1].reward).all()


def test_a_mixture_does_learn_from_what_the_task_pays():
  mixture = dict(unsupervised=False, num_mixtures=3)
  unpaid, paid = train([0.0], **mixture), train([0.0, 1.0], **mixture)
  assert not same(unpaid, paid)


def make_actor(environment, **changes):
  """An actor with fixed parameters and an adder that keeps all."""
  config = ngu.NGUConfig(**{**SETTINGS, **changes})
  spec = specs.make_environment_spec(environment)
  nets = ngu.make_networks(spec, SIZE, config=config)
  builder = ngu.NGUBuilder(config)
  source = helpers.Variables(
    policy=nets.q_network.init(jax.random.PRNGKey(0)),
    intrinsic=nets.intrinsic.init(jax.random.PRNGKey(1)),
  )
  adder = RecordingAdder()
  actor = builder.make_actor(
    jax.random.PRNGKey(2),
    builder.make_policy(nets, spec),
    spec,
    source,
    adder,
  )
  reward = ngu.make_intrinsic_reward(nets.intrinsic, config)
  return actor, adder, source, reward, helpers.reward_step(nets, reward)


def test_a_step_is_paid_for_where_it_leads():
  environment = toys.Maze(time_limit=30)
  actor, adder, source, reward, step = make_actor(environment)
  observations = play(environment, actor) + play(environment, actor)
  params, state, expected = source.variables["intrinsic"], reward.init(), []
  for t, observation in enumerate(observations):
    if t % 31 == 0:
      state = reward.begin(params, observation, state)
    else:
      value, _, state = step(params, observation, state)
      expected.append(0.3 * value)  # max_beta
  np.testing.assert_allclose(adder.rewards, expected, rtol=1e-5)
  assert len(set(adder.rewards)) > 10


def test_the_embedding_stays_the_same_within_an_episode():
  environment = toys.Maze(time_limit=30)
  actor, _, source, *_ = make_actor(environment, actor_update_period=1)
  before = source.variables["intrinsic"]
  timestep = environment.reset()
  actor.observe_first(timestep)
  doubled = jax.tree.map(lambda x: 2 * x, before.trained["embedding"])
  source.variables["intrinsic"] = before._replace(
    trained={**before.trained, "embedding": doubled}
  )
  actor.update(wait=True)
  np.testing.assert_array_equal(
    jax.tree.leaves(actor._batch._policy._own_reward._embeddings)[0][0],
    jax.tree.leaves(before.trained["embedding"])[0],
  )
  actor.observe_first(environment.reset())
  np.testing.assert_array_equal(
    jax.tree.leaves(actor._batch._policy._own_reward._embeddings)[0][0],
    jax.tree.leaves(doubled)[0],
  )


def test_a_mixture_adds_the_weighted_reward_to_the_tasks():
  mixture = dict(
    unsupervised=False, num_mixtures=3, intrinsic_reward="constant"
  )
  environment = PaidMaze([2.0])
  actor, adder, *_ = make_actor(environment, **mixture)
  seen = set()
  for _ in range(12):
    play(environment, actor)
    index = {int(extras["mixture_index"]) for extras in adder.extras}
    assert len(index) == 1  # one policy an episode
    (index,) = index
    beta = {0: 0.0, 1: 0.3 / (1 + np.exp(-10.0)), 2: 0.3}[index]
    np.testing.assert_allclose(adder.rewards, 2.0 + beta, rtol=1e-6)
    seen.add(index)
    adder.rewards.clear()
    adder.extras.clear()
  assert seen == {0, 1, 2}


@pytest.mark.parametrize("part", ["embedding", "predictor"])
def test_a_reward_that_is_no_number_ends_the_run(part):
  environment = toys.Maze(time_limit=30)
  actor, _, source, *_ = make_actor(environment)
  params = source.variables["intrinsic"]
  broken = jax.tree.map(lambda x: np.nan * x, params.trained[part])
  source.variables["intrinsic"] = params._replace(
    trained={**params.trained, part: broken}
  )
  with pytest.raises(
    FloatingPointError, match="intrinsic reward is not finite"
  ):
    play(environment, actor)


def test_at_evaluation_nothing_is_rewarded():
  environment = toys.Maze(time_limit=5)
  spec = specs.make_environment_spec(environment)
  config = ngu.NGUConfig(**SETTINGS)
  nets = ngu.make_networks(spec, SIZE, config=config)
  builder = ngu.NGUBuilder(config)
  source = helpers.Variables(policy=nets.q_network.init(jax.random.PRNGKey(0)))
  actor = builder.make_actor(
    jax.random.PRNGKey(0), builder.make_policy(nets, spec, True), spec, source
  )
  play(environment, actor)
  (telemetry,) = actor._batch.telemetry
  assert telemetry.keys() == {"random"}
