"""Runs of the embedded engine that get nowhere, to be timed. Needs no Acme."""

import contextlib
import dataclasses
import functools
import io
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from behavior_transfer.agents import agent as agent_lib
from behavior_transfer.agents import bt, ngu, r2d2
from behavior_transfer.agents.replay import cutter, frames, store
from behavior_transfer.benchmarks import meter, timing
from behavior_transfer.experiments import (
  compilation,
  pretrained_policies,
  tasks,
)
from behavior_transfer.launch import experiment, loggers
from behavior_transfer.launch.embedded import engine

_BUNDLED = {"hero": "hero_ngu", "ms_pacman": "ms_pacman_ngu"}


class NothingKept(experiment.Checkpointer):
  """No run is saved here."""

  def latest(self):
    return None

  def restore(self, template):
    return template

  def engine(self):
    return {}

  def save(self, params, learner_state, counts, engine=None):
    del params, learner_state, counts, engine


def make_plan(task: tasks.Task, size: int) -> experiment.Experiment:
  """A run without an end, in that many environments."""
  return experiment.Experiment(
    environment_factory=task.make,
    logger_factory=lambda *_: loggers.Dispatcher(()),
    checkpointer=NothingKept(),
    num_steps=sys.maxsize,
    checkpoint_period=sys.maxsize,
    evaluation_period=1,
    evaluation_episodes=0,
    observer_factory=tasks.make_observers,
    envs_per_actor=size,
    frames_per_step=task.options.action_repeat,
  )


class Design(NamedTuple):
  """An agent before it knows its task's shapes."""

  config: Any
  network_factory: Callable[[Any], Any]
  describe: Callable[[Any, Any, Any], agent_lib.Agent]


def design(
  agent: str,
  network: str,
  task: tasks.Task,
  pretrained: str | None = None,
  **config: Any,
) -> Design:
  """An agent of this zoo.

  Args:
    agent: r2d2, ngu or bt.
    network: Name of its size.
    task: To play.
    pretrained: Policy that bt transfers from; None means the game's own.
    **config: Fields of the agent's config.
  """
  if agent == "r2d2":
    return Design(
      r2d2.R2D2Config(**config),
      functools.partial(r2d2.make_networks, size=network),
      r2d2.make_agent,
    )
  if agent == "ngu":
    ngu_config = ngu.NGUConfig(**config)
    return Design(
      ngu_config,
      functools.partial(ngu.make_networks, size=network, config=ngu_config),
      ngu.make_agent,
    )
  if pretrained is None:
    with task.make(0) as environment:
      pretrained = _BUNDLED.get(environment.game, "random")
  policies = pretrained_policies.load([pretrained], task).policies
  return Design(
    bt.BTConfig(**config),
    functools.partial(bt.make_networks, size=network, pretrained=policies),
    bt.make_agent,
  )


class Box:
  """An agent, environments and workers, started anew for each measurement.

  What is compiled is kept in between.
  """

  def __init__(
    self,
    agent: str,
    network: str,
    task: tasks.Task,
    size: int,
    num_workers: int,
    **config: Any,
  ):
    """Describes the agent; the rest is as for `design`."""
    # As runs do.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    compilation.keep_compiled()
    spec, _ = task.describe()
    config = {"min_replay_size": size, **config}
    made = design(agent, network, task, **config)
    self._agent = made.describe(made.network_factory(spec), spec, made.config)
    self._num_actions = spec.actions.num_values
    self._task, self._size, self._num_workers = task, size, num_workers

  def measure(
    self,
    wanted: meter.Measurement,
    then: Callable[[store.Replay], None] = lambda replay: None,
  ) -> timing.Figures:
    """Runs until everything is compiled, and then for as long as is wanted.

    Args:
      wanted: What is measured.
      then: Is given replay at the end.
    """
    ratio = 1.0 if wanted.replay_ratio is None else wanted.replay_ratio
    config = dataclasses.replace(self._agent.config, replay_ratio=ratio)
    agent = self._agent._replace(config=config)
    num_stacked = self._task.options.num_stacked
    meters: list[meter.Meter] = []

    def make_agent(sizes):
      meters.append(
        meter.Meter(agent, sizes, num_stacked, wanted, self._num_actions)
      )
      return meters[-1]

    parts = engine.Parts(
      make_agent=make_agent,
      make_recorder=functools.partial(
        frames.FrameRecorder, cutter.of(config), num_stacked
      ),
      observation_shape=agent.item_spec.observation.shape[1:],
      num_workers=self._num_workers,
    )
    plan = make_plan(self._task, self._size)
    with contextlib.redirect_stderr(io.StringIO()):  # how the run is doing
      try:
        sys.exit(engine.run(plan, parts))  # it was told to stop
      except meter.Enough as enough:
        then(meters[-1].replay)
        return enough.args[0]
