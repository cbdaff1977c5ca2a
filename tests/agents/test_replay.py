"""Sequences in a real Reverb server: what is stored, and for which steps."""

import collections

import jax
import numpy as np
import pytest
import reverb
from acme import specs

from behavior_transfer.agents import (
  batching,
  bt,
  networks,
  r2d2,
  sequences,
)
from behavior_transfer.agents.acme import actor, replay
from tests.agents import helpers, noisy_play, toys

BURN_IN, TRACE, PERIOD = 4, 6, 3
LENGTH = BURN_IN + TRACE + 1
CONFIG = bt.BTConfig(
  burn_in=BURN_IN,
  trace_length=TRACE,
  sequence_period=PERIOD,
  n_step=2,
  batch_size=4,
  min_replay_size=1,
  max_replay_size=1000,
  replay_ratio=None,
  epsilon_levy=0.3,
  max_flight_length=5,
)


class FixedVariables:
  """A variable source that always gives the same parameters."""

  def __init__(self, params):
    self._params = params

  def get_variables(self, names):
    return [self._params for _ in names]


class Counter(toys.Corridor):
  """Episodes of a set length; pixel (0, 0) is the step, (0, 1) the episode."""

  def __init__(self, lengths, truncated=False):
    super().__init__(length=36, num_actions=3)
    self._lengths = iter(lengths)
    self._truncated = truncated
    self._episode = -1

  def reset(self):
    self._episode += 1
    self._time_limit = next(self._lengths)
    return super().reset()

  def step(self, action):
    timestep = super().step(action)
    reward = np.float32(100 * self._episode + self._time)
    discount = timestep.discount
    if timestep.last() and not self._truncated:
      discount = np.float32(0.0)
    return timestep._replace(reward=reward, discount=discount)

  def _observation(self):
    pixels = np.zeros((6, 6, 1), np.uint8)
    pixels[0, 0], pixels[0, 1] = self._time, self._episode
    return pixels


class Run:
  """Plays episodes through the real actor and adder, keeping a diary."""

  def __init__(self, lengths, truncated=False):
    environment = Counter(lengths, truncated)
    spec = specs.make_environment_spec(environment)
    self.networks = bt.make_networks(spec, helpers.TINY)
    builder = bt.BTBuilder(CONFIG)
    policy = builder.make_policy(self.networks, spec)
    self.server = reverb.Server(builder.make_replay_tables(spec, policy))
    self.client = reverb.Client(f"localhost:{self.server.port}")
    self.params = self.networks.q_network.init(jax.random.PRNGKey(0))
    player = builder.make_actor(
      jax.random.PRNGKey(1),
      policy,
      spec,
      FixedVariables(self.params),
      builder.make_adder(self.client, spec, policy),
    )
    assert isinstance(player, actor.Actor)
    self.diary = {}
    for episode in range(len(lengths)):
      timestep = environment.reset()
      player.observe_first(timestep)
      while not timestep.last():
        action = player.select_action(timestep.observation)
        # Fetched, since the next episode's state is written in place.
        state = jax.device_get(batching.take(player._batch._policy._states, 0))
        self.diary[episode, environment._time] = (int(action), state)
        timestep = environment.step(action)
        player.observe(action, timestep)

  def items(self, num_samples=400):
    """All distinct items of the table."""
    found = {}
    for sample in self.client.sample(
      "replay", num_samples, emit_timesteps=False
    ):
      flat = sample.data
      found[sample.info.key] = flat
    assert len(found) == self.client.server_info()["replay"].current_size
    return [self._sequence(flat) for flat in found.values()]

  def _sequence(self, flat):
    spec = sequences.item_spec(
      specs.EnvironmentSpec(
        specs.Array((6, 6, 1), np.uint8),
        specs.DiscreteArray(3),
        specs.Array((), np.float32),
        specs.BoundedArray((), np.float32, 0, 1),
      ),
      bt.make_policy(self.networks.q_network, self.networks.pretrained, CONFIG),
      CONFIG,
    )
    return jax.tree.unflatten(jax.tree.structure(spec), _in_order(spec, flat))


def _in_order(spec, flat):
  """Reverb flattens dictionaries by key, as JAX does, and tuples in order."""
  leaves = jax.tree.leaves(spec)
  assert [x.shape for x in leaves] == [x.shape for x in flat]
  return flat


@pytest.fixture(scope="module")
def run():
  return Run([25, 5, 10, 1, 7])


def check_rows(run, item, lengths):
  """Every row tells its episode and step; compares with the diary."""
  valid = np.flatnonzero(item.valid)
  episode = int(item.observation[valid[0], 0, 1, 0])
  first = int(item.observation[valid[0], 0, 0, 0])
  np.testing.assert_array_equal(valid, np.arange(len(valid)) + valid[0])
  for i, row in enumerate(valid):
    step = first + i
    action, state = run.diary[episode, step]
    assert item.observation[row, 0, 0, 0] == step
    assert item.observation[row, 0, 1, 0] == episode
    assert item.action[row] == action
    assert item.reward[row] == 100 * episode + step + 1
    last = step + 1 == lengths[episode]
    assert item.discount[row] == (0.0 if last else 1.0)
    for name, value in state.decision._asdict().items():
      np.testing.assert_array_equal(item.extras[name][row], value)
  padding = np.flatnonzero(~item.valid)
  assert np.all(item.action[padding] == networks.NO_ACTION)
  # The observation after the last learned step is there to bootstrap from.
  if valid[-1] < LENGTH - 1:
    after = item.observation[valid[-1] + 1, 0, :2, 0]
    np.testing.assert_array_equal(after, [first + len(valid), episode])
  return episode, first, valid


def test_rows_hold_what_happened(run):
  lengths = [25, 5, 10, 1, 7]
  learned = collections.Counter()
  for item in run.items():
    episode, first, valid = check_rows(run, item, lengths)
    for row in valid:
      if BURN_IN <= row < LENGTH - 1:
        learned[episode, first + row - valid[0]] += 1
  # Every step of every episode is learned on, however short the episode, and
  # none more often than the overlap says.
  assert set(learned) == set(run.diary)
  assert max(learned.values()) <= -(-TRACE // PERIOD)


def test_stored_state_is_the_one_before_the_first_row(run):
  num_inner = 0
  for item in run.items():
    valid = np.flatnonzero(item.valid)
    episode = int(item.observation[valid[0], 0, 1, 0])
    first = int(item.observation[valid[0], 0, 0, 0])
    _, state = run.diary[episode, first]
    stored = jax.tree.map(lambda x: x[0], item.recurrent_state)
    if first == 0:
      assert stored.prev_action == networks.NO_ACTION
      np.testing.assert_array_equal(stored.core_state.hidden, 0.0)
    else:
      num_inner += 1
      assert valid[0] == 0
      before, after = run.diary[episode, first - 1]
      assert stored.prev_action == before
      np.testing.assert_array_equal(
        stored.core_state.hidden, after.core_state.hidden
      )
      assert np.any(stored.core_state.hidden)
    np.testing.assert_array_equal(
      stored.core_state.hidden, state.before.core_state.hidden
    )
  assert num_inner >= 4


def test_replayed_sequences_give_the_q_values_of_acting(run):
  """Stored state, padding and previous actions together: nothing is stale."""
  q_network = run.networks.q_network
  unroll = jax.jit(
    lambda batch: sequences.unroll_after_burn_in(
      q_network, run.params, sequences.time_major(batch), BURN_IN
    )
  )
  step = jax.jit(q_network.step)
  for item in run.items():
    state = jax.tree.map(lambda x: x[0], item.recurrent_state)
    batch = jax.tree.map(lambda x: x[None], item._replace(recurrent_state=()))
    batch = batch._replace(recurrent_state=item.recurrent_state)
    q = np.asarray(unroll(batch))[:, 0]
    for row in np.flatnonzero(item.valid):
      if row < BURN_IN:
        continue
      episode, time = (int(item.observation[row, 0, i, 0]) for i in (1, 0))
      _, state = run.diary[episode, time]
      expected, _ = step(run.params, item.observation[row], *state.before)
      np.testing.assert_allclose(
        q[row - BURN_IN], expected, rtol=1e-4, atol=1e-6
      )


def test_truncation_keeps_its_discount():
  truncated = Run([8], truncated=True)
  discounts = np.concatenate(
    [item.discount[item.valid] for item in truncated.items()]
  )
  np.testing.assert_array_equal(discounts, 1.0)


def test_dataset_gives_typed_batches(run):
  batch = next(replay.make_dataset_iterator(run.client, CONFIG))
  data = batch.data
  assert isinstance(data, sequences.Sequences)
  assert data.observation.shape == (4, LENGTH, 6, 6, 1)
  assert data.recurrent_state.core_state.hidden.shape == (4, 8)
  assert data.recurrent_state.prev_action.shape == (4,)
  assert data.extras["pretrained_actions"].shape == (4, LENGTH, 1)
  assert batch.info.probability.shape == (4,)


def test_a_new_first_step_drops_the_unfinished_episode():
  environment = Counter([50, 4])
  spec = specs.make_environment_spec(environment)
  builder = r2d2.R2D2Builder(
    r2d2.R2D2Config(
      burn_in=BURN_IN,
      trace_length=TRACE,
      sequence_period=PERIOD,
      min_replay_size=1,
    )
  )
  nets = r2d2.make_networks(spec, helpers.TINY)
  policy = builder.make_policy(nets, spec)
  server = reverb.Server(builder.make_replay_tables(spec, policy))
  client = reverb.Client(f"localhost:{server.port}")
  adder = builder.make_adder(client, spec, policy)
  extras = helpers.extras_of_a_step(policy)
  adder.add_first(environment.reset())
  for _ in range(3):
    adder.add(0, environment.step(0), extras)
  adder.add_first(environment.reset())
  timestep = None
  while timestep is None or not timestep.last():
    timestep = environment.step(0)
    adder.add(0, timestep, extras)
  assert client.server_info()["replay"].current_size == 1
  (sample,) = client.sample("replay", 1, emit_timesteps=False)
  observation = next(x for x in sample.data if x.dtype == np.uint8)
  assert set(observation[BURN_IN:, 0, 1, 0]) == {0, 1}
  assert not np.any(observation[:BURN_IN])


def test_adder_refuses_steps_out_of_order():
  environment = Counter([5])
  spec = specs.make_environment_spec(environment)
  builder = bt.BTBuilder(CONFIG)
  nets = bt.make_networks(spec, helpers.TINY)
  policy = builder.make_policy(nets, spec)
  server = reverb.Server(builder.make_replay_tables(spec, policy))
  adder = builder.make_adder(
    reverb.Client(f"localhost:{server.port}"), spec, policy
  )
  environment.reset()
  timestep = environment.step(0)
  with pytest.raises(ValueError, match="starts with FIRST"):
    adder.add_first(timestep)
  with pytest.raises(ValueError, match="add_first must be called"):
    adder.add(0, timestep, {})


def test_a_head_that_does_not_fit_the_config_is_refused():
  environment = Counter([5])
  spec = specs.make_environment_spec(environment)
  nets = bt.make_networks(spec, helpers.TINY, use_extra_action=False)
  with pytest.raises(ValueError, match="it must have 4"):
    bt.BTBuilder(CONFIG).make_policy(nets, spec)


@pytest.mark.parametrize("name", ["r2d2", "bt_agreed", "ngu"])
def test_sequences_enter_at_the_priority_that_the_learner_would_give(name):
  """As test_initial_priorities.py has it of the embedded replay."""
  agent = noisy_play.make_agent(name)
  noisy_play.check_priorities(agent, noisy_play.play_with_acme(agent))
