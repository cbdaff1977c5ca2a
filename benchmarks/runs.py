"""A run on Reverb that acts and gets nowhere, to be timed."""

import contextlib
from collections.abc import Callable
from typing import Any

# First, since it makes acme importable.
from behavior_transfer.agents.acme import builder  # isort: skip

from behavior_transfer.benchmarks import boxes
from behavior_transfer.experiments import tasks
from behavior_transfer.launch import experiment, parts


def actor(
  agent: str,
  network: str,
  task: tasks.Task,
  size: int,
  stack: contextlib.ExitStack,
) -> tuple[Callable[[], Any], int]:
  """Acts in that many environments, and nobody is held up; a `crowd.Make`.

  Args:
    agent: Who acts: r2d2, ngu or bt.
    network: Name of its size.
    task: To play.
    size: Environments of the actor.
    stack: Ends the replay and the environments.
  """
  config = {"replay_ratio": None, "max_replay_size": 500, "min_replay_size": 1}
  design = boxes.design(agent, network, task, **config)
  plan = experiment.ServedExperiment(
    **boxes.make_plan(task, size),
    builder=builder.Builder(design.config, design.module.make_agent),
    network_factory=design.network_factory,
  )
  made = parts.Parts(plan)
  client = parts.Replay(made, stack).client
  learner = made.make_learner(iter(()), client, plan.logger_factory, None)
  _, loop = made.make_training_loop(client, learner, 0, stack)
  return loop.step, size
