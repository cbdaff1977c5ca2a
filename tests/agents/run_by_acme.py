"""Runs all agents by one of Acme's own runners.

  python -m tests.agents.run_by_acme RUNNER

The last line of output is JSON, {agent: what it did}. The learner's target
network must not be updated meanwhile: it tells what the parameters were.
"""

import dataclasses
import functools
import json
import os
import sys
import time

import jax
import numpy as np

from behavior_transfer.agents import acme_compat, bt, ngu, r2d2
from tests.agents import toys

# After the package, which makes Acme importable.
import acme  # isort: skip
from acme import specs  # isort: skip
from acme.utils import counting  # isort: skip

NETWORK = r2d2.NetworkConfig(((4, 3, 1),), 8, 8, 8)
SETTINGS = dict(
  burn_in=2,
  trace_length=4,
  sequence_period=2,
  n_step=2,
  batch_size=4,
  max_replay_size=500,
  min_replay_size=8,
  replay_ratio=1.0,
  num_environments=2,
  actor_update_period=3,
)
AGENTS = {
  "r2d2": (r2d2.R2D2Builder, r2d2.R2D2Config, r2d2.make_networks),
  "bt": (bt.BTBuilder, bt.BTConfig, bt.make_networks),
  "ngu": (ngu.NGUBuilder, ngu.NGUConfig, ngu.make_networks),
}
LEARNER_STEPS = 10
TIMEOUT = 1200.0  # seconds; compiling takes long on a busy machine


@dataclasses.dataclass
class Agent:
  """What a user of Acme would write to run one of the agents."""

  name: str
  replay_ratio: float | None = SETTINGS["replay_ratio"]

  def __post_init__(self):
    make_builder, make_config, self._make_networks = AGENTS[self.name]
    settings = SETTINGS | {"replay_ratio": self.replay_ratio}
    if self.name == "ngu":  # all that its actors and learner can do
      settings |= dict(unsupervised=False, num_mixtures=3, intrinsic_steps=2)
    config = make_config(**settings)
    self.builder = make_builder(config)
    if self.name == "ngu":
      self._make_networks = functools.partial(ngu.make_networks, config=config)
    self.environment_spec = specs.make_environment_spec(toys.Recall(0))

  def make_networks(self, environment_spec):
    return self._make_networks(environment_spec, NETWORK)

  def make_policy(self, networks, evaluation=False):
    return self.builder.make_policy(networks, self.environment_spec, evaluation)


def report(state, counts):
  """What a learner did, from its state and the counts of the whole run."""
  state = getattr(state, "policy", state)  # NGU's has another part
  pairs = zip(
    jax.tree.leaves(state.params),
    jax.tree.leaves(state.target_params),
    strict=True,
  )
  return {
    "sgd_steps": int(state.steps),
    "parameters_are_finite": all(
      np.isfinite(x).all() for x in jax.tree.leaves(state.params)
    ),
    "parameters_changed": any((x != y).any() for x, y in pairs),
    **{name: float(count) for name, count in counts.items()},
  }


def local_layout():
  """dm-acme 0.4.0 in one thread: save, then go on from what was saved."""
  return {name: _local_layout(name) for name in AGENTS}


def _local_layout(name):
  from acme.jax.layouts import local_layout

  agent = Agent(name, replay_ratio=None)
  networks = agent.make_networks(agent.environment_spec)
  builder = acme_compat.Acme040Builder(
    agent.builder, agent.environment_spec, networks
  )

  def make_layout(counter):
    return local_layout.LocalLayout(
      seed=0,
      environment_spec=agent.environment_spec,
      builder=builder,
      networks=networks,
      policy_network=builder.policy,
      workdir=f"~/{name}",
      min_replay_size=60,
      batch_size=SETTINGS["batch_size"],
      samples_per_insert=2.0,
      counter=counting.Counter(counter, prefix="learner", time_delta=0),
    )

  counter = counting.Counter(time_delta=0)
  layout = make_layout(counter)
  loop = acme.EnvironmentLoop(
    toys.Recall(0),
    layout,
    counter=counting.Counter(counter, prefix="actor", time_delta=0),
  )
  while counter.get_counts().get("learner_steps", 0) < LEARNER_STEPS:
    loop.run(num_episodes=1)
    assert counter.get_counts()["actor_steps"] < 1000
  layout.save()
  saved = layout._learner.save()
  restored = make_layout(None)._learner.save()
  same = jax.tree.map(np.array_equal, saved, restored)
  return {
    **report(saved, counter.get_counts()),
    "restored": all(jax.tree.leaves(same)),
  }


def distributed_layout():
  """dm-acme 0.4.0 with a thread each for learner, actor and evaluator."""
  import launchpad as lp

  programs = {name: _distributed_program(name) for name in AGENTS}
  for program in programs.values():
    lp.launch(program, launch_type="test_mt")
  return {name: _watch(program) for name, program in programs.items()}


def _distributed_program(name):
  from acme.jax.layouts import distributed_layout

  agent = Agent(name)
  builder = acme_compat.Acme040Builder(
    agent.builder,
    agent.environment_spec,
    agent.make_networks(agent.environment_spec),
  )
  return distributed_layout.DistributedLayout(
    seed=0,
    environment_factory=toys.Recall,
    network_factory=agent.make_networks,
    builder=builder,
    policy_network=agent.make_policy,
    num_actors=1,
    evaluator_factories=[
      distributed_layout.default_evaluator_factory(
        environment_factory=toys.Recall,
        network_factory=agent.make_networks,
        policy_factory=lambda networks: agent.make_policy(networks, True),
      )
    ],
    checkpointing_config=distributed_layout.CheckpointingConfig(
      directory=f"~/{name}"
    ),
  ).build(name)


def _watch(program):
  """Lets a launched program run until it has learned for some steps."""
  counter, learner = (
    program.groups[group][0].create_handle().dereference()
    for group in ("counter", "learner")
  )
  needed = {"learner_steps": LEARNER_STEPS, "evaluator_episodes": 1}
  deadline = time.monotonic() + TIMEOUT
  while True:
    counts = counter.get_counts()
    if all(counts.get(name, 0) >= n for name, n in needed.items()):
      return report(learner.save(), counts)
    if time.monotonic() > deadline:
      raise TimeoutError(f"after {TIMEOUT} seconds: {counts}")
    time.sleep(0.1)


if __name__ == "__main__":
  print(json.dumps(globals()[sys.argv[1]]()), flush=True)
  # Launchpad's threads, some of them inside Reverb, would wait for each other.
  os._exit(0)
