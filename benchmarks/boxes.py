"""Runs of the embedded engine that get nowhere, to be timed. Needs no Acme."""

import contextlib
import functools
import io
import sys
import types
from typing import Any, NamedTuple

import jax

from behavior_transfer.agents import agent as agent_lib
from behavior_transfer.agents import bt, ngu, r2d2
from behavior_transfer.agents.replay import cutter, frames
from behavior_transfer.benchmarks import meter, timing
from behavior_transfer.experiments import (
  compilation,
  pretrained_policies,
  tasks,
)
from behavior_transfer.launch import experiment, loggers
from behavior_transfer.launch.embedded import engine

AGENTS = {"r2d2": r2d2, "ngu": ngu, "bt": bt}
_CONFIGS = {"r2d2": r2d2.R2D2Config, "ngu": ngu.NGUConfig, "bt": bt.BTConfig}
_BUNDLED = {"hero": "hero_ngu", "ms_pacman": "ms_pacman_ngu"}


def make_plan(task: tasks.Task, size: int) -> dict[str, Any]:
  """Fields of a run without an end, in that many environments."""
  nothing_saved: Any = types.SimpleNamespace(latest=lambda: None)
  return {
    "environment_factory": task.make,
    "logger_factory": lambda *_: loggers.Dispatcher(()),
    "checkpointer": nothing_saved,
    "num_steps": sys.maxsize,
    "checkpoint_period": sys.maxsize,
    "evaluation_period": 1,
    "evaluation_episodes": 0,
    "observer_factory": tasks.make_observers,
    "envs_per_actor": size,
    "frames_per_step": task.options.action_repeat,
  }


class Design(NamedTuple):
  """An agent of this zoo before it knows its task's shapes."""

  module: Any
  config: Any
  network_factory: Any

  def describe(self, task: tasks.Task) -> agent_lib.Agent:
    """The agent."""
    spec, _ = task.describe()
    return self.module.make_agent(self.network_factory(spec), spec, self.config)


def design(agent: str, network: str, task: tasks.Task, **config: Any) -> Design:
  """An agent; bt transfers from the bundled policy of its game.

  Args:
    agent: r2d2, ngu or bt.
    network: Name of its size.
    task: To play.
    **config: Fields of the agent's config.
  """
  made: Any = _CONFIGS[agent](**config)
  options: dict[str, Any] = {}
  if agent == "ngu":
    options = {"config": made}
  elif agent == "bt":
    with task.make(0) as environment:
      name = _BUNDLED.get(environment.game, "random")
    loaded = pretrained_policies.load([name], task)
    options = {"pretrained": loaded.policies}
  make_networks = AGENTS[agent].make_networks
  return Design(
    AGENTS[agent],
    made,
    functools.partial(make_networks, size=network, **options),
  )


class Box:
  """An agent, environments and workers, started anew for each measurement.

  What is compiled is kept in between.

  Attributes:
    last: What the last measurement was made with.
  """

  last: meter.Meter

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
    config = {"min_replay_size": size, **config}
    self._agent = design(agent, network, task, **config).describe(task)
    self._task, self._size, self._num_workers = task, size, num_workers

  def measure(self, wanted: meter.Measurement) -> timing.Figures:
    """Runs until everything is compiled, and then for as long as is wanted."""
    num_stacked = self._task.options.num_stacked

    def make_agent(sizes):
      self.last = meter.Meter(self._agent, sizes, num_stacked, wanted)
      return self.last

    parts = engine.Parts(
      make_agent=make_agent,
      make_recorder=functools.partial(
        frames.FrameRecorder, cutter.of(self._agent.config), num_stacked
      ),
      observation_shape=self._agent.item_spec.observation.shape[1:],
      num_workers=self._num_workers,
    )
    plan = experiment.Experiment(**make_plan(self._task, self._size))
    with contextlib.redirect_stderr(io.StringIO()):  # how the run is doing
      try:
        sys.exit(engine.run(plan, parts))  # it was told to stop
      except meter.Enough as enough:
        return enough.args[0]
