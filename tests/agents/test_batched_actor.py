"""A batch of environments acts as each would alone, on toys."""

import functools
import itertools

import jax
import numpy as np
import pytest
import reverb
from acme import adders, specs

from behavior_transfer.agents import (
  bt,
  exploration,
  networks,
  ngu,
  r2d2,
)
from behavior_transfer.agents import pretrained as pretrained_lib
from tests.agents import helpers, toys

SIZE = networks.NetworkConfig(((4, 3, 2),), 8, 8, 8)
RUNGS = 6
# Numbers of the environments, in a run of 5, and the first length of the
# episodes of each; the next is one step longer.
RUN, FIRST, LENGTHS = 5, 1, (3, 5, 8)
NUM_STEPS = 20
REPLAY = dict(
  burn_in=2,
  trace_length=4,
  sequence_period=2,
  n_step=2,
  min_replay_size=1,
  max_replay_size=1000,
  replay_ratio=None,
)
EXPLORE = dict(num_environments=RUNGS, epsilon_base=0.6, epsilon_alpha=2.0)
TRANSFER = dict(**EXPLORE, epsilon_levy=0.2, max_flight_length=4)


class Noise(toys.Corridor):
  """Frames of noise, and episodes each one step longer than the last."""

  def __init__(self, number, length, reward=1.0):
    super().__init__(length=36, num_actions=4, time_limit=length - 1)
    self._rng = np.random.default_rng(number)
    self._reward = np.float32(reward)

  def reset(self):
    self._time_limit += 1
    return super().reset()

  def step(self, action):
    return super().step(action)._replace(reward=self._reward)

  def _observation(self):
    return self._rng.integers(0, 256, (6, 6, 1)).astype(np.uint8)


SPEC = specs.make_environment_spec(Noise(0, 1))


class RecordingAdder(adders.Adder):
  """Keeps what it is given."""

  def __init__(self):
    self.firsts = []
    self.steps = []

  def reset(self):
    pass

  def add_first(self, timestep):
    self.firsts.append(timestep)

  def add(self, action, next_timestep, extras=()):
    self.steps.append((int(action), next_timestep, extras))


def walker(observation, prev_action, state, rng):
  """A callable policy whose action depends on all it is told."""
  total = (state or 0) + int(observation[0, 0, 0]) + prev_action + 1
  return (total + int(rng.integers(4))) % 4, total


def from_network(seed):
  """A frozen network to transfer from."""
  nets = r2d2.make_networks(SPEC, SIZE)
  params = nets.init(jax.random.PRNGKey(seed))
  policy = r2d2.make_policy(nets, r2d2.R2D2Config(), evaluation=True)
  return bt.PretrainedPolicy(
    "frozen",
    policy.init,
    lambda observation, state: policy.select_action(params, observation, state),
  )


class Agent:
  """A builder, its policy and fixed parameters."""

  def __init__(self, builder, nets, variables):
    self.builder = builder
    self.config = builder._config
    self.nets = nets
    self.policy = builder.make_policy(nets, SPEC)
    self.variables = variables

  def batch(self, adders_, first=FIRST, run=RUN, source=None):
    return self.builder.make_batched_actor(
      jax.random.PRNGKey(7),
      self.policy,
      source or helpers.Variables(**self.variables),
      adders_,
      first_environment=first,
      num_environments=run,
    )


def make_r2d2(**config):
  nets = r2d2.make_networks(SPEC, SIZE)
  variables = dict(policy=nets.init(jax.random.PRNGKey(0)))
  config = r2d2.R2D2Config(**REPLAY, **{**EXPLORE, **config})
  return Agent(r2d2.R2D2Builder(config), nets, variables)


def make_bt(*pretrained):
  nets = bt.make_networks(SPEC, SIZE, pretrained=pretrained)
  variables = dict(policy=nets.q_network.init(jax.random.PRNGKey(0)))
  return Agent(bt.BTBuilder(bt.BTConfig(**REPLAY, **TRANSFER)), nets, variables)


def make_ngu(**config):
  defaults = dict(
    **EXPLORE, num_neighbors=2, memory_capacity=10, intrinsic_steps=3
  )
  config = ngu.NGUConfig(**REPLAY, **{**defaults, **config})
  nets = ngu.make_networks(SPEC, SIZE, config=config)
  variables = dict(
    policy=nets.q_network.init(jax.random.PRNGKey(0)),
    intrinsic=nets.intrinsic.init(jax.random.PRNGKey(1)),
  )
  return Agent(ngu.NGUBuilder(config), nets, variables)


AGENTS = {
  "r2d2": make_r2d2,
  "r2d2_ez": lambda: make_r2d2(exploration="ez_greedy", max_flight_length=4),
  "bt": lambda: make_bt(from_network(5)),
  "bt_two": lambda: make_bt(from_network(5), from_network(6)),
  "bt_callable": lambda: make_bt(
    pretrained_lib.from_callable("walker", walker, 4)
  ),
  "ngu": make_ngu,
  "ngu_mixture": lambda: make_ngu(unsupervised=False, num_mixtures=3),
  "ngu_rnd": lambda: make_ngu(intrinsic_reward="rnd"),
}


@functools.cache
def make(name):
  """An agent, compiled but once."""
  return AGENTS[name]()


def make_environments(reward=1.0):
  return [Noise(i, length, reward) for i, length in enumerate(LENGTHS)]


def play(batch, environments, num_steps=NUM_STEPS):
  """Steps in lock-step; actions `[T, E]` and telemetry of each step."""
  timesteps = [environment.reset() for environment in environments]
  for i, timestep in enumerate(timesteps):
    batch.observe_first(i, timestep)
  actions, telemetry = [], []
  for _ in range(num_steps):
    for i, timestep in enumerate(timesteps):
      if timestep.last():
        timesteps[i] = environments[i].reset()
        batch.observe_first(i, timesteps[i])
    actions.append(batch.select_actions([x.observation for x in timesteps]))
    timesteps = [
      environment.step(action)
      for environment, action in zip(environments, actions[-1], strict=True)
    ]
    batch.observe(actions[-1], timesteps)
    batch.update(wait=True)
    telemetry.append(batch.telemetry)
  return np.stack(actions), telemetry


def assert_same_steps(some, others):
  for (action, timestep, extras), other in zip(some, others, strict=True):
    assert action == other[0]
    assert timestep.step_type == other[1].step_type
    np.testing.assert_array_equal(timestep.observation, other[1].observation)
    np.testing.assert_allclose(timestep.reward, other[1].reward, rtol=1e-4)
    for x, y in zip(
      jax.tree.leaves(extras), jax.tree.leaves(other[2]), strict=True
    ):
      np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", AGENTS)
def test_a_batch_acts_as_its_environments_would_alone(name):
  agent = make(name)
  together = [RecordingAdder() for _ in LENGTHS]
  actions, telemetry = play(agent.batch(together), make_environments())
  assert actions.shape == (NUM_STEPS, len(LENGTHS))
  assert actions.dtype == np.int32
  for i, environment in enumerate(make_environments()):
    alone = RecordingAdder()
    batch = agent.batch([alone], first=FIRST + i)
    alone_actions, alone_telemetry = play(batch, [environment])
    np.testing.assert_array_equal(actions[:, i], alone_actions[:, 0])
    assert_same_steps(together[i].steps, alone.steps)
    assert len(together[i].firsts) == len(alone.firsts) >= 2
    for row, (alone_row,) in zip(telemetry, alone_telemetry, strict=True):
      assert row[i] == pytest.approx(alone_row, rel=1e-4)
  # Not trivially so: streams of random numbers differ, and so do actions.
  for i, j in itertools.combinations(range(len(LENGTHS)), 2):
    assert np.any(actions[:, i] != actions[:, j])


def test_acmes_actor_is_a_batch_of_one():
  agent = make("r2d2")
  actor = agent.builder.make_actor(
    jax.random.PRNGKey(7),
    agent.policy,
    SPEC,
    helpers.Variables(**agent.variables),
  )
  (environment,) = make_environments()[:1]
  expected, telemetry = play(
    agent.batch([None], first=0, run=1), [Noise(0, LENGTHS[0])]
  )
  timestep = environment.reset()
  actor.observe_first(timestep)
  for action, (row,) in zip(expected[:, 0], telemetry, strict=True):
    if timestep.last():
      timestep = environment.reset()
      actor.observe_first(timestep)
    selected = actor.select_action(timestep.observation)
    assert selected == action
    assert (selected.shape, selected.dtype) == ((), np.int32)
    timestep = environment.step(selected)
    actor.observe(selected, timestep)
    actor.update()
    assert actor._batch.telemetry == [row]


def stored_sequences(agent, groups):
  """What replay holds after each group has played, `first` and environments.

  Returns:
    Sequences by the noise of their first frames, which tells them apart.
  """
  server = reverb.Server(agent.builder.make_replay_tables(SPEC, agent.policy))
  client = reverb.Client(f"localhost:{server.port}")
  for first, environments in groups:
    writers = [
      agent.builder.make_adder(client, SPEC, agent.policy) for _ in environments
    ]
    play(agent.batch(writers, first), environments)
  size = client.server_info()["replay"].current_size
  found = {}
  for sample in client.sample("replay", 40 * size, emit_timesteps=False):
    observation = next(x for x in sample.data if x.dtype == np.uint8)
    found[observation.tobytes()] = sample.data
  assert len(found) == size
  return found


def test_replay_holds_what_single_actors_would_have_written():
  agent = make("bt")
  together = stored_sequences(agent, [(FIRST, make_environments())])
  alone = stored_sequences(
    agent,
    [(FIRST + i, [x]) for i, x in enumerate(make_environments())],
  )
  assert together.keys() == alone.keys()
  assert len(together) >= 20
  for key, data in together.items():
    for x, y in zip(data, alone[key], strict=True):
      np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


def test_each_adder_gets_the_episodes_of_its_environment():
  recorders = [RecordingAdder() for _ in LENGTHS]
  play(make("r2d2").batch(recorders), make_environments())
  for i, (recorder, length) in enumerate(zip(recorders, LENGTHS, strict=True)):
    replayed = Noise(i, length)
    steps = iter(recorder.steps)
    for first in recorder.firsts:
      expected = replayed.reset()
      np.testing.assert_array_equal(first.observation, expected.observation)
      for action, timestep, _ in steps:
        expected = replayed.step(action)
        np.testing.assert_array_equal(
          timestep.observation, expected.observation
        )
        assert timestep.step_type == expected.step_type
        if timestep.last():
          break


def rungs_of_a_run(num_environments, num_episodes=40):
  """Epsilons of the first episodes, `[environment, episode]`."""
  batch = make("r2d2").batch(
    [None] * num_environments, first=0, run=num_environments
  )
  epsilons = []
  for _ in range(num_episodes):
    for i in range(num_environments):
      batch.observe_first(i, Noise(0, 1).reset())
    epsilons.append(np.array(batch._policy._states.epsilon))
  return np.stack(epsilons, axis=1)


@pytest.mark.parametrize("num_environments", [1, 3, RUNGS])
def test_a_run_shares_out_the_ladder(num_environments):
  ladder = exploration.epsilon_ladder(RUNGS, 0.6, 2.0)
  of_each = RUNGS // num_environments
  for i, epsilons in enumerate(rungs_of_a_run(num_environments)):
    share = ladder[i * of_each : (i + 1) * of_each]
    assert set(epsilons) == set(share)


@pytest.mark.parametrize("name", ["r2d2", "ngu"])
def test_evaluation_ignores_the_share(name):
  agent = make(name)
  policy = agent.builder.make_policy(agent.nets, SPEC, evaluation=True)
  batch = agent.builder.make_batched_actor(
    jax.random.PRNGKey(7),
    policy,
    helpers.Variables(**agent.variables),
    [None] * 2,
  )
  play(batch, make_environments()[:2], 3)
  np.testing.assert_array_equal(batch._policy._states.epsilon, np.float32(0.01))
  assert all(row.keys() == {"random"} for row in batch.telemetry)


def test_pre_training_reads_no_reward_of_the_task():
  recorded = []
  for reward in (0.0, np.nan):
    recorders = [RecordingAdder() for _ in LENGTHS]
    play(make("ngu").batch(recorders), make_environments(reward))
    recorded.append([recorder.steps for recorder in recorders])
  assert jax.tree.all(jax.tree.map(np.array_equal, *recorded))
  assert np.std([x.reward for _, x, _ in recorded[1][2]]) > 0


def test_a_reward_that_is_no_number_is_told_with_its_environment():
  agent = make("ngu")
  recorders = [RecordingAdder() for _ in LENGTHS]
  batch = agent.batch(recorders)
  environments = make_environments()
  play(batch, environments, 2)
  reward = batch._policy._own_reward
  reward._embeddings = jax.tree.map(
    lambda x: x.at[1].set(np.nan), reward._embeddings
  )
  timesteps = [environment.step(0) for environment in environments]
  batch.select_actions([x.observation for x in timesteps])
  with pytest.raises(
    FloatingPointError, match=r"in environment 2, .* not finite: .* nan, ep"
  ):
    batch.observe(np.zeros(3, np.int32), timesteps)
  assert all(len(recorder.steps) == 2 for recorder in recorders)


def test_each_episode_keeps_the_embedding_it_began_with():
  """Against the reward as pure functions, in one environment at a time."""
  agent = make("ngu")
  source = helpers.Variables(**agent.variables)
  recorders = [RecordingAdder() for _ in LENGTHS]
  batch = agent.batch(recorders, source=source)
  environments = make_environments()
  before = source.variables["intrinsic"]
  other = agent.nets.intrinsic.init(jax.random.PRNGKey(9))
  after = before._replace(
    trained={**before.trained, "embedding": other.trained["embedding"]}
  )
  timesteps = [environment.reset() for environment in environments]
  for i, timestep in enumerate(timesteps):
    batch.observe_first(i, timestep)
  for t in range(2 * NUM_STEPS):
    if t == 4:  # of episodes of 3, 5 and 8 steps
      source.variables["intrinsic"] = after
      batch._variable_client.update_and_wait()
    for i, timestep in enumerate(timesteps):
      if timestep.last():
        timesteps[i] = environments[i].reset()
        batch.observe_first(i, timesteps[i])
    actions = batch.select_actions([x.observation for x in timesteps])
    timesteps = [x.step(a) for x, a in zip(environments, actions, strict=True)]
    batch.observe(actions, timesteps)
  reward = ngu.make_intrinsic_reward(agent.nets.intrinsic, agent.config)
  begin, step = jax.jit(reward.begin), helpers.reward_step(agent.nets, reward)
  for recorder in recorders:
    state, start = reward.init(), 0
    firsts = iter(recorder.firsts)
    for t, (_, timestep, _) in enumerate(recorder.steps):
      if t == start:
        params = before if start < 4 else after
        state = begin(params, next(firsts).observation, state)
      paid, _, state = step(params, timestep.observation, state)
      np.testing.assert_allclose(timestep.reward, 0.3 * paid, rtol=1e-4)
      if timestep.last():
        start = t + 1
