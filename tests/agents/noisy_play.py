"""Every agent plays noise, and what its replay holds then, in either engine."""

import dataclasses
from types import SimpleNamespace
from typing import NamedTuple

import dm_env
import jax
import numpy as np
from dm_env import specs

from behavior_transfer.agents import (
  bt,
  embedded,
  ngu,
  policies,
  r2d2,
  sequences,
)
from behavior_transfer.agents.replay import cutter, frames
from tests.agents import helpers

AGENTS = ["r2d2", "bt_controlled", "bt_chosen", "bt_agreed", "ngu", "mixture"]
CUTS = dict(
  burn_in=4,
  trace_length=6,
  sequence_period=3,
  n_step=3,
  discount=0.9,
  batch_size=4,
  min_replay_size=1,
  max_replay_size=10_000,
  replay_ratio=1.0,
  epsilon_base=0.9,
)
EPISODES = [  # steps, and whether the clock ends them
  (25, False), (3, True), (6, True), (9, False), (14, True), (1, False),
  (1, True), (20, True), (7, False), (2, True), (11, True), (13, False),
]  # fmt: skip
NUM_ENVIRONMENTS = 3
NUM_STEPS = 80
LEARNER_SEED, ACTING_SEED = 1, 2


class Episodes(dm_env.Environment):
  """Noise for as many steps as is said, with rewards that matter.

  An observation is a stack of frames; before the episode they are blank.
  """

  def __init__(self, number, num_stacked=1):
    self._rng = np.random.default_rng(number)
    self._episodes = iter(EPISODES[number:] + EPISODES)
    self._shape = (6, 6, num_stacked)

  def reset(self):
    self._left, self._is_cut = next(self._episodes)
    self._stack = np.zeros(self._shape, np.uint8)
    return dm_env.restart(self._observe())

  def step(self, action):
    self._left -= 1
    reward = np.float32(self._rng.normal() * 5 + action)
    if self._left:
      return dm_env.transition(reward, self._observe())
    end = dm_env.truncation if self._is_cut else dm_env.termination
    return end(reward, self._observe())

  def observation_spec(self):
    return specs.BoundedArray(self._shape, np.uint8, 0, 255, name="pixels")

  def action_spec(self):
    return specs.DiscreteArray(3, name="action")

  def _observe(self):
    frame = self._rng.integers(0, 256, (6, 6, 1), np.uint8)
    self._stack = np.concatenate([self._stack[..., 1:], frame], axis=-1)
    return self._stack


class Results:
  """Environments stepped here, with the frames that end blocks."""

  def __init__(self, environments, cut, num_stacked=1):
    self._environments = environments
    self._recorders = [
      frames.FrameRecorder(cut, num_stacked) for _ in environments
    ]
    self.reward = np.zeros(len(environments), np.float32)
    self.discount = np.ones(len(environments), np.float32)
    self.last = np.zeros(len(environments), bool)
    self.observation = np.stack([self._begin(i) for i in self._indices()])
    self.final_observation = np.zeros_like(self.observation)
    self.blocks = {}

  def _indices(self):
    return range(len(self._environments))

  def _begin(self, index):
    observation = self._environments[index].reset().observation
    self._recorders[index].begin(observation)
    return observation

  def step(self, actions):
    self.blocks = {}
    for i in self._indices():
      timestep = self._environments[i].step(actions[i])
      block = self._recorders[i].add(timestep.observation, timestep.last())
      if block is not None:
        self.blocks[i] = block
      self.reward[i], self.discount[i] = timestep.reward, timestep.discount
      self.last[i] = timestep.last()
      self.observation[i] = timestep.observation
      if timestep.last():
        self.final_observation[i] = timestep.observation
        self.observation[i] = self._begin(i)


def make_agent(name, num_stacked=1, **changes):
  """One of `AGENTS`, for `Episodes`."""
  spec = helpers.environment_spec(shape=(6, 6, num_stacked))
  settings = CUTS | changes
  if name == "r2d2":
    config = r2d2.R2D2Config(**settings)
    networks = r2d2.make_networks(spec, helpers.TINY)
    return r2d2.make_agent(networks, spec, config)
  if name.startswith("bt"):
    config = bt.BTConfig(
      **settings,
      epsilon_levy=0.3,
      max_flight_length=5,
      extra_action_targets=name.removeprefix("bt_"),
    )
    pretrained = [policies.uniform(spec), policies.uniform(spec)]
    networks = bt.make_networks(spec, helpers.TINY, pretrained=pretrained)
    return bt.make_agent(networks, spec, config)
  config = ngu.NGUConfig(
    **settings,
    unsupervised=name == "ngu",
    num_mixtures=3,
    num_neighbors=2,
    memory_capacity=50,
  )
  networks = ngu.make_networks(spec, helpers.TINY, config=config)
  return ngu.make_agent(networks, spec, config)


class Stored(NamedTuple):
  """What a replay holds, `[N, ...]` each, and the learner that made it so."""

  sequences: sequences.Sequences
  priorities: np.ndarray
  learner_state: object


def make_embedded(agent, sizes=(NUM_ENVIRONMENTS,), num_stacked=1):
  """The embedded agent, and what happens in its halves."""
  seeds = embedded.Seeds(LEARNER_SEED, ACTING_SEED, 3)
  acting = embedded.EmbeddedAgent(agent, sizes, seeds, num_stacked, 10**9, None)
  environments = iter(range(sum(sizes)))
  halves = [
    Results(
      [Episodes(next(environments), num_stacked) for _ in range(size)],
      cutter.of(agent.config),
      num_stacked,
    )
    for size in sizes
  ]
  return acting, halves


def play_embedded(agent, sizes=(NUM_ENVIRONMENTS,), num_stacked=1):
  """Plays without learning; what is `Stored`, in order."""
  acting, halves = make_embedded(agent, sizes, num_stacked)
  for _ in range(NUM_STEPS):
    for half, results in enumerate(halves):
      acting.observe(half, results)
      results.step(acting.decide(half, results.observation))
  for half, results in enumerate(halves):
    acting.observe(half, results)
  replay = acting._replay
  keys = np.arange(len(replay))
  # Weights are powers of priorities: each is set to what draws it next.
  priorities = replay._weights[keys] ** (1 / agent.config.priority_exponent)
  batches = []
  for key in keys:
    replay._weights[:] = np.arange(len(replay._weights)) == key
    batches.append(replay.load(replay.sample(1)))
  stored = jax.tree.map(lambda *x: np.concatenate(x), *batches)
  return Stored(stored, priorities, acting._learner.save())


def play_with_acme(agent, num_stacked=1):
  """The same through Acme's actor, one to an environment, and Reverb."""
  import reverb

  from behavior_transfer.agents.acme import builder as builder_lib
  from behavior_transfer.agents.acme import replay

  config = dataclasses.replace(agent.config, replay_ratio=None)
  builder = builder_lib.Builder(config, lambda *_: agent)
  spec = helpers.environment_spec(shape=(6, 6, num_stacked))
  server = reverb.Server(builder.make_replay_tables(spec, agent.policy))
  client = reverb.Client(f"localhost:{server.port}")
  state = agent.learner_core.init(
    agent.initial_params(jax.random.PRNGKey(LEARNER_SEED))
  )
  source = helpers.Variables(**agent.learner_core.variables(state))
  for number in range(NUM_ENVIRONMENTS):
    adder = builder.make_adder(client, spec, agent.policy)
    batch = builder.make_batched_actor(
      jax.random.PRNGKey(ACTING_SEED),
      agent.policy,
      source,
      [adder],
      number,
      NUM_ENVIRONMENTS,
    )
    _play(batch, Episodes(number, num_stacked))
    adder.reset()
  found = {}
  while len(found) < client.server_info()["replay"].current_size:
    for item in client.sample("replay", 200, emit_timesteps=False):
      found[item.info.key] = item
  structure = jax.tree.structure(agent.item_spec)
  columns = jax.tree.map(
    lambda *x: np.stack(x), *(item.data for item in found.values())
  )
  typed = replay._typed(
    SimpleNamespace(data=jax.tree.unflatten(structure, columns), info=None)
  )
  priorities = [item.info.priority for item in found.values()]
  return Stored(typed.data, np.array(priorities), state)


def _play(batch, environment):
  timestep = None
  for _ in range(NUM_STEPS):
    if timestep is None or timestep.last():
      timestep = environment.reset()
      batch.observe_first(0, timestep)
    (action,) = batch.select_actions([timestep.observation])
    timestep = environment.step(action)
    batch.observe([action], [timestep])


def check_priorities(agent, stored):
  """They are those that the learner, if it learned now, would give."""
  priorities = jax.jit(  # and nothing else that a step computes
    lambda *batch: agent.learner_core.step(*batch)[1].priorities
  )
  num = len(stored.priorities)
  expected = priorities(
    stored.learner_state, stored.sequences, np.full(num, 1 / num)
  )
  np.testing.assert_allclose(stored.priorities, expected, rtol=1e-5, atol=1e-5)
  assert num > 50 and np.std(stored.priorities) > 0.05
  # Starts and ends of episodes are among them, and those that a clock cut.
  valid, discount = stored.sequences.valid, stored.sequences.discount
  assert (~valid[:, 0]).any() and (~valid[:, -2]).any()
  ends = valid[:, :-1] & ~valid[:, 1:]
  assert set(discount[:, :-1][ends]) == {0.0, 1.0}
