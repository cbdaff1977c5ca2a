"""Runs that are not meant to get anywhere, to be timed."""

import functools
from collections.abc import Callable
from typing import Any

from acme.utils import loggers

from behavior_transfer.agents import bt, ngu, r2d2
from behavior_transfer.experiments import pretrained_policies, tasks
from behavior_transfer.launch import experiment


class _NothingKept(experiment.Checkpointer):
  """No run is saved here."""

  def latest(self):
    return None

  def restore(self, template):
    return template

  def save(self, learner_state, counts):
    del learner_state, counts


def make_experiment(
  agent: str, network: str, task: tasks.Task, size: int, **config: Any
) -> experiment.Experiment:
  """A run in which the replay holds nobody up.

  Args:
    agent: Who acts, and learns: r2d2, ngu or bt.
    network: Name of its size.
    task: To play.
    size: Environments of the actor.
    **config: Fields of the agent's config.
  """
  config = {
    "replay_ratio": None,
    "max_replay_size": 500,
    "min_replay_size": 1,
    **config,
  }
  builder: Any
  make_networks: Callable[..., Any]
  if agent == "r2d2":
    builder = r2d2.R2D2Builder(r2d2.R2D2Config(**config))
    make_networks = functools.partial(r2d2.make_networks, size=network)
  elif agent == "ngu":
    ngu_config = ngu.NGUConfig(**config)
    builder = ngu.NGUBuilder(ngu_config)
    make_networks = functools.partial(
      ngu.make_networks, size=network, config=ngu_config
    )
  else:
    builder = bt.BTBuilder(bt.BTConfig(**config))
    bundled = {"hero": "hero_ngu", "ms_pacman": "ms_pacman_ngu"}
    name = bundled.get(task.make(0).game, "random")
    make_networks = functools.partial(
      bt.make_networks,
      size=network,
      pretrained=pretrained_policies.load([name], task).policies,
    )
  return experiment.Experiment(
    builder=builder,
    environment_factory=task.make,
    network_factory=make_networks,
    logger_factory=lambda *_, **__: loggers.NoOpLogger(),
    checkpointer=_NothingKept(),
    num_steps=0,
    checkpoint_period=1,
    evaluation_period=1,
    evaluation_episodes=0,
    envs_per_actor=size,
  )
