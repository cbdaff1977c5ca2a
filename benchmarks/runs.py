"""Runs that are not meant to get anywhere, to be timed."""

import contextlib
import functools
import itertools
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


def make_loop(
  agent: str,
  network: str,
  task: tasks.Task,
  size: int,
  stack: contextlib.ExitStack,
  **config: Any,
) -> Any:
  """A `LockStep` that acts in that many environments and learns nothing."""
  from behavior_transfer.launch import parts

  plan = make_experiment(agent, network, task, size, **config)
  design = parts.design(plan)
  replay = parts.Replay(plan, design, stack)
  learner = parts.make_learner(
    plan, design, iter(()), replay.client, plan.logger_factory, None
  )
  _, loop = parts.make_training_loop(
    plan, design, replay.client, learner, 0, stack
  )
  return loop


def make_learner(
  agent: str,
  network: str,
  task: tasks.Task,
  shape: tuple[int, int, int],
  stack: contextlib.ExitStack,
) -> Any:
  """A learner that is fed, from memory, one batch of what its actor wrote.

  Args:
    agent, network, task: As for `make_experiment`.
    shape: Batch, burn-in and trace.
    stack: Ends the replay and the environment.
  """
  from behavior_transfer.launch import parts

  batch_size, burn_in, trace_length = shape
  plan = make_experiment(
    agent,
    network,
    task,
    1,
    batch_size=batch_size,
    burn_in=burn_in,
    trace_length=trace_length,
    sequence_period=trace_length,
  )
  design = parts.design(plan)
  replay = parts.Replay(plan, design, stack)

  def make(dataset):
    return parts.make_learner(
      plan, design, dataset, None, plan.logger_factory, None
    )

  _, loop = parts.make_training_loop(
    plan, design, replay.client, make(iter(())), 0, stack
  )
  for _ in range(4 * (burn_in + trace_length)):
    loop.step()
  batch = next(plan.builder.make_dataset_iterator(replay.client))
  return make(itertools.repeat(batch))
