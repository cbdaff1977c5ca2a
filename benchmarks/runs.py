"""Runs on Reverb that are not meant to get anywhere, to be timed."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

# First, since it makes acme importable.
from behavior_transfer.agents.acme import builder  # isort: skip

from behavior_transfer.benchmarks import boxes
from behavior_transfer.experiments import tasks
from behavior_transfer.launch import experiment, parts


def make_experiment(
  agent: str, network: str, task: tasks.Task, size: int, **config: Any
) -> experiment.ServedExperiment:
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
  design = boxes.design(agent, network, task, **config)
  plan = boxes.make_plan(task, size)
  return experiment.ServedExperiment(
    **{f.name: getattr(plan, f.name) for f in dataclasses.fields(plan)},
    builder=builder.Builder(design.config, design.describe),
    network_factory=design.network_factory,
  )


def actor(
  agent: str,
  network: str,
  task: tasks.Task,
  size: int,
  stack: contextlib.ExitStack,
) -> tuple[Callable[[], Any], int]:
  """Acts in that many environments; a `crowd.Make`."""
  return make_loop(agent, network, task, size, stack).step, size


def make_loop(
  agent: str,
  network: str,
  task: tasks.Task,
  size: int,
  stack: contextlib.ExitStack,
  **config: Any,
) -> Any:
  """A `LockStep` that acts in that many environments and learns nothing."""
  plan = make_experiment(agent, network, task, size, **config)
  made = parts.Parts(plan)
  client = parts.Replay(made, stack).client
  learner = made.make_learner(iter(()), client, plan.logger_factory, None)
  _, loop = made.make_training_loop(client, learner, 0, stack)
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
  made = parts.Parts(plan)
  client = parts.Replay(made, stack).client

  def make(dataset):
    return made.make_learner(dataset, None, plan.logger_factory, None)

  _, loop = made.make_training_loop(client, make(iter(())), 0, stack)
  for _ in range(4 * (burn_in + trace_length)):
    loop.step()
  batch = next(plan.builder.make_dataset_iterator(client))
  return make(itertools.repeat(batch))
