"""An agent of the embedded engine that times itself, and everything else."""

import dataclasses
import multiprocessing
import os
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np

from behavior_transfer.agents import agent as agent_lib
from behavior_transfer.agents import embedded
from behavior_transfer.benchmarks import timing
from behavior_transfer.launch import lockstep

# Before a measurement: rounds at random, or learner steps.
_WARM_UP_ROUNDS, _WARM_UP_UPDATES = 40, 2
_PARTS = ("environment", "inference", "replay", "learning")


class Measurement(NamedTuple):
  """What is measured, once everything is compiled and learning, if it does.

  Attributes:
    seconds: About as many, and no fewer.
    replay_ratio: None has it learn nothing.
    random_actions: Decides at random between so many, and keeps nothing; 0 has
      the agent decide.
    steps: Agent steps, at the least, after a fifth as many to warm up.
  """

  seconds: float
  replay_ratio: float | None = None
  random_actions: int = 0
  steps: int = 0


class Enough(Exception):
  """A measurement is over; the argument is its figures."""


class Meter(embedded.EmbeddedAgent):
  """An agent that times itself and the rest, and ends the run."""

  def __init__(
    self,
    agent: agent_lib.Agent,
    sizes: Sequence[int],
    num_stacked: int,
    wanted: Measurement,
  ):
    """Is made and used as others are."""
    ratio = 1.0 if wanted.replay_ratio is None else wanted.replay_ratio
    config = dataclasses.replace(agent.config, replay_ratio=ratio)
    agent, seeds = agent._replace(config=config), embedded.Seeds(0, 1, 2)
    super().__init__(agent, sizes, seeds, num_stacked, sys.maxsize, None)
    self.replay = self._replay
    self._sizes, self._wanted = sizes, wanted
    self._period = config.sequence_period  # rounds
    self._rng = np.random.default_rng(0)
    self._half = 0
    self._begin()
    self._is_warm = False

  def observe(self, half, results):
    self._clock.lap("environment")
    self._half = half
    if self._wanted.random_actions:
      return {index: {} for index in np.flatnonzero(results.last).tolist()}
    ended = super().observe(half, results)
    self._clock.lap("replay")
    return ended

  def decide(self, half, observations):
    self._clock.lap("replay")  # the engine's, of episodes
    if choices := self._wanted.random_actions:
      return self._rng.integers(choices, size=len(observations))
    actions = super().decide(half, observations)
    self._clock.lap("inference")
    return actions

  def learn(self) -> Iterator[dict[str, jax.Array]]:
    self._clock.lap("environment")
    if self._wanted.replay_ratio is not None:
      for metrics in super().learn():
        self._updates += 1
        yield metrics
      self._clock.lap("learning")
    if self._half + 1 == len(self._sizes):
      self._rounds += 1
      self._look_at_the_clock()

  def _look_at_the_clock(self):
    wanted, steps = self._wanted, self._rounds * sum(self._sizes)
    if not self._is_warm:
      self._is_warm = 5 * steps >= wanted.steps and self._is_under_way()
      if self._is_warm:
        self._begin()
    # Sequences come at once where all environments have begun together.
    elif self._rounds % self._period == 0 and (
      steps >= wanted.steps and self._elapsed() >= wanted.seconds
    ):
      raise Enough(self._figures(steps))

  def _is_under_way(self) -> bool:
    if self._wanted.random_actions:
      return self._rounds >= _WARM_UP_ROUNDS
    learns = self._wanted.replay_ratio is not None
    learned = self._updates >= _WARM_UP_UPDATES
    return self.replay.inserts >= sum(self._sizes) and (learned or not learns)

  def _begin(self):
    self._rounds = self._updates = 0
    self._spent = dict.fromkeys(_PARTS, 0.0)
    self._before = self.replay.num_bytes, resident()
    self._started = time.perf_counter()
    self._clock = lockstep.Clock(self._spent)

  def _elapsed(self) -> float:
    return time.perf_counter() - self._started

  def _figures(self, steps: int) -> timing.Figures:
    elapsed, memory = self._elapsed(), resident()
    workers = [
      child.pid
      for child in multiprocessing.active_children()
      if child.name.startswith("worker ")
    ]
    return timing.Figures(
      steps / elapsed,
      self._updates / elapsed,
      {name: spent / elapsed for name, spent in self._spent.items()},
      (self.replay.num_bytes - self._before[0]) / steps,
      (memory - self._before[1]) / steps,
      memory,
      sum(map(resident, workers)),
    )


def resident(pid: int | str | None = "self") -> int:
  """Bytes of a process."""
  pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
  return int(pages) * os.sysconf("SC_PAGE_SIZE")
