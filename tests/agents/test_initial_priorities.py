"""Sequences enter replay at the priority that the learner would give them."""

import dm_env
import jax
import numpy as np
import pytest
from dm_env import specs

from behavior_transfer.agents import bt, embedded, ngu, policies, r2d2
from behavior_transfer.agents.replay import cutter, frames
from tests.agents import helpers

CUTS = dict(
  burn_in=4,
  trace_length=6,
  sequence_period=3,
  n_step=3,
  discount=0.9,
  batch_size=4,
  min_replay_size=10_000,  # nothing is learned
  max_replay_size=10_000,
  replay_ratio=1.0,
  epsilon_base=0.9,
)
EPISODES = [  # steps, and whether the clock ends them
  (25, False), (3, True), (6, True), (9, False), (14, True), (1, False),
  (1, True), (20, True), (7, False), (2, True), (11, True), (13, False),
]  # fmt: skip


class Episodes(dm_env.Environment):
  """Noise for as many steps as is said, with rewards that matter."""

  def __init__(self, seed):
    self._rng = np.random.default_rng(seed)
    self._episodes = iter(EPISODES[seed:] + EPISODES)

  def reset(self):
    self._left, self._is_cut = next(self._episodes)
    return dm_env.restart(self._observe())

  def step(self, action):
    self._left -= 1
    reward = np.float32(self._rng.normal() * 5 + action)
    if self._left:
      return dm_env.transition(reward, self._observe())
    end = dm_env.truncation if self._is_cut else dm_env.termination
    return end(reward, self._observe())

  def observation_spec(self):
    return specs.BoundedArray((6, 6, 1), np.uint8, 0, 255, name="pixels")

  def action_spec(self):
    return specs.DiscreteArray(3, name="action")

  def _observe(self):
    return self._rng.integers(0, 256, (6, 6, 1), np.uint8)


class Results:
  """Environments stepped here, with the frames that end blocks."""

  def __init__(self, environments, cut):
    self._environments = environments
    self._recorders = [frames.FrameRecorder(cut, 1) for _ in environments]
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


def pretrained_policies(spec):
  return [policies.uniform(spec), policies.uniform(spec)]


def make_agent(name):
  spec = embedded_spec()
  if name == "r2d2":
    config = r2d2.R2D2Config(**CUTS)
    return r2d2.make_agent(
      r2d2.make_networks(spec, helpers.TINY), spec, config
    )
  if name.startswith("bt"):
    config = bt.BTConfig(
      **CUTS,
      epsilon_levy=0.3,
      max_flight_length=5,
      extra_action_targets=name.removeprefix("bt_"),
    )
    networks = bt.make_networks(
      spec, helpers.TINY, pretrained=pretrained_policies(spec)
    )
    return bt.make_agent(networks, spec, config)
  config = ngu.NGUConfig(
    **CUTS,
    unsupervised=name == "ngu",
    num_mixtures=3,
    num_neighbors=2,
    memory_capacity=50,
  )
  networks = ngu.make_networks(spec, helpers.TINY, config=config)
  return ngu.make_agent(networks, spec, config)


def embedded_spec():
  environment = Episodes(0)

  class Spec:
    observations = environment.observation_spec()
    actions = environment.action_spec()

  return Spec


@pytest.mark.parametrize(
  "name", ["r2d2", "bt_controlled", "bt_chosen", "bt_agreed", "ngu", "mixture"]
)
def test_embedded(name):
  agent = make_agent(name)
  acting = embedded.EmbeddedAgent(
    agent, [3], embedded.Seeds(1, 2, 3), 1, 10**9, None
  )
  results = Results([Episodes(i) for i in range(3)], cutter.of(agent.config))
  for _ in range(80):
    acting.observe(0, results)
    results.step(acting.decide(0, results.observation))
  replay = acting._replay
  assert len(replay) > 50
  # Each is as likely as another: all of them are seen.
  sample = replay.sample(4000)
  keys, index = np.unique(sample.keys, return_index=True)
  assert len(keys) > 0.9 * len(replay)
  batch = replay.load(sample)
  batch = jax.tree.map(lambda x: x[index], batch)
  state = agent.learner_core.init(
    agent.initial_params(jax.random.PRNGKey(1))
  )
  _, output = agent.learner_core.step(
    state, batch, sample.probability[index]
  )
  entered = replay._weights[keys] ** (1 / agent.config.priority_exponent)
  assert np.std(entered) > 0.05
  np.testing.assert_allclose(entered, output.priorities, rtol=1e-5, atol=1e-5)
  # Starts and ends of episodes are among them, and those that a clock cut.
  assert (~batch.valid[:, 0]).any() and (~batch.valid[:, -2]).any()
