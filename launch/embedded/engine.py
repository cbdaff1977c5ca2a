"""Runs an experiment in this process, on environments that workers step.

  workers (processes)       shared memory       this process (one thread)
   emulate, sum up      ->  observations,   ->  decide for a half, release it
   compress frames          rewards, ends       learn what the steps owe

The halves of the environments take turns, so that one is stepped while the
other is decided for. The schedule is fixed: what a run comes to follows from
its seed and the number of its environments, and from nothing else on the same
machine, neither from how many workers there are nor from what became of them.
"""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import episodes, experiment, lockstep, progress, record, signals
from . import stepping, workers

_LEARNER_PERIOD = 10  # learner steps between rows of "learner", from the first
_MAX_FUTILE_STARTS = 3  # deaths of workers with no checkpoint in between


class Agent(Protocol):
  """Decides for environments and learns; see `agents.embedded`."""

  def observe(
    self, half: int, results: stepping.Results
  ) -> dict[int, dict[str, float]] | None: ...
  def decide(self, half: int, observations: np.ndarray) -> np.ndarray: ...
  def learn(self) -> Iterator[Mapping[str, Any]]: ...
  def evaluator(self, seed: int) -> lockstep.BatchedActor: ...
  def replay_status(self) -> tuple[int, int, int, int, int]: ...
  def save(self) -> tuple[Any, Any, stepping.State]: ...
  def restore(
    self, load_learner: Callable[[Any], Any], state: stepping.State
  ) -> None: ...


class Parts(NamedTuple):
  """What this engine needs beside an experiment.

  Attributes:
    make_agent: Maps the sizes of the halves to the agent.
    make_recorder: Makes what compresses an environment's observations; goes to
      the workers, so that it must pickle; see `stepping.Plan`.
    observation_shape: Of the uint8 array that each environment shows.
    num_workers: Processes that step environments; 0 steps them in this one.
  """

  make_agent: Callable[[Sequence[int]], Agent]
  make_recorder: Callable[[], Any]
  observation_shape: tuple[int, ...]
  num_workers: int


def run(plan: experiment.Experiment, parts: Parts) -> int:
  """Runs an experiment to its end, from its newest checkpoint if it has one.

  The first SIGTERM or Ctrl-C lets the current step finish, writes a checkpoint
  and ends the run; a second one kills. An exception of any part ends the run
  and is raised here. Where a worker is killed, the run goes back to its newest
  checkpoint, and from there to the same end, unless it was told to stop.

  Returns:
    The exit code for the process: 0, or 128 plus the number of the signal that
    ended the run.
  """
  futile, before = 0, -1
  with signals.StopRequest() as stop:
    while True:
      with contextlib.ExitStack() as stack:
        run_ = _Run(plan, parts, stop, stack)
        try:
          run_.run()
          return stop.exit_code
        except workers.WorkerDied as error:
          reached, saved = run_.counts.agent_steps, run_.saved_steps
          futile = futile + 1 if saved == before else 1
          if stop:
            run_.say(
              f"{error}; the same command goes on from its newest checkpoint,"
              f" {saved:,}"
            )
            return stop.exit_code
          if futile == _MAX_FUTILE_STARTS:
            raise
          run_.say(
            f"{error}; the run goes back {reached - saved:,} steps, to that of"
            f" its newest checkpoint, {saved:,}, and goes on"
          )
          before = saved
      del run_  # and its replay, before there is another


class _Run:
  """One start of a run.

  Attributes:
    counts: How far it is.
    say: Writes a line on the terminal.
    saved_steps: Agent steps at the newest checkpoint.
  """

  def __init__(
    self,
    plan: experiment.Experiment,
    parts: Parts,
    stop: signals.StopRequest,
    stack: contextlib.ExitStack,
  ):
    self._plan = plan
    self._stop = stop
    resumed = plan.checkpointer.latest()
    self._saved = resumed and dataclasses.replace(resumed)
    self._record = record.Record(plan, resumed or experiment.Counts())
    stack.callback(self._record.close)
    self.counts = self._record.counts
    self.say = self._record.progress.say
    self._seconds = dict.fromkeys(
      ("environment", "inference", "replay", "learning"), 0.0
    )
    self._environments = _environments(plan, parts)
    stack.callback(self._environments.close)
    sizes = [len(half) for half in self._environments.halves]
    plan.history.restore(self.saved_steps)
    if resumed is None:
      self._environments.start()
      self._agent = parts.make_agent(sizes)
      return
    # While the environments are made, so is the agent.
    state = plan.checkpointer.engine()
    self._environments.restore_state(state["environments"])
    self._agent = parts.make_agent(sizes)
    self._agent.restore(plan.checkpointer.restore, state["agent"])
    self.say(record.resumed_message(resumed, self._status().size))

  @property
  def saved_steps(self) -> int:
    return self._saved.agent_steps if self._saved else 0

  def run(self):
    """Acts and learns until the budget is spent or a stop is asked for."""
    while not self._stop:
      # At a start, it may be an evaluation that a stop has cut short.
      self._periodic_work()
      if self._stop or self.counts.agent_steps >= self._plan.num_steps:
        break
      then = time.monotonic()
      for half in range(len(self._environments.halves)):
        self._step(half)
        self._learn()
      self.counts.walltime += time.monotonic() - then
    self._finish()

  def _step(self, half: int):
    """Takes in what came of a half's last step, and decides on the next."""
    clock = lockstep.Clock(self._seconds)
    results = self._environments.wait(half)
    clock.lap("environment")
    ended = self._agent.observe(half, results)
    if ended is not None:
      self.counts.agent_steps += len(results.last)
      for index, telemetry in sorted(ended.items()):
        row = {**results.episodes[index], **telemetry}
        self._record.episode(episodes.Episode(row, telemetry))
    clock.lap("replay")
    actions = self._agent.decide(half, results.observation)
    clock.lap("inference")
    self._environments.release(half, actions)

  def _learn(self):
    clock = lockstep.Clock(self._seconds)
    for metrics in self._agent.learn():
      self.counts.learner_steps += 1
      if self.counts.learner_steps % _LEARNER_PERIOD == 1:
        row = {name: float(value) for name, value in metrics.items()}
        self._record.logger("learner").write(row)
    clock.lap("learning")
    self._record.update(self._status, self._seconds)

  def _status(self) -> progress.ReplayStatus:
    return progress.ReplayStatus(*self._agent.replay_status())

  def _periodic_work(self):
    if self._plan.evaluation_due(self.counts):
      self._evaluate()
    if self._plan.checkpoint_due(self.counts, self._saved):
      self._save()

  def _finish(self):
    """Leaves the run evaluated, unless it was stopped, and saved."""
    if not (self._stop or self._plan.is_complete(self.counts)):
      self._evaluate()
    self._save()
    if self._stop.signal is not None:
      self.say(record.stopped_message(self._stop, self.counts))

  def _evaluate(self):
    """Plays without learning, in an environment of its own."""
    plan, steps = self._plan, self.counts.agent_steps
    seed = plan.stream("evaluation", steps)

    def go_on(played: int) -> bool:
      self._record.progress.evaluating(played, plan.evaluation_episodes)
      return not self._stop

    rows = lockstep.evaluate(plan, self._agent.evaluator(seed), seed, go_on)
    if rows is not None:
      self._record.evaluation(rows, steps)

  def _save(self):
    if self.counts == self._saved:
      return
    plan = self._plan
    self._record.save()
    params, learner_state, agent = self._agent.save()
    environments = self._environments.save_state()
    engine = {"agent": agent, "environments": environments}
    plan.checkpointer.save(params, learner_state, self.counts, engine)
    self._saved = dataclasses.replace(self.counts)


def _environments(
  plan: experiment.Experiment, parts: Parts
) -> workers.Environments:
  stepped = stepping.Plan(
    environment_factory=plan.environment_factory,
    observer_factory=functools.partial(plan.observer_factory, "train"),
    recorder_factory=parts.make_recorder,
    seeds=tuple(
      plan.stream(f"environment {number}", 0)
      for number in range(plan.envs_per_actor)
    ),
    observation_shape=parts.observation_shape,
  )
  return workers.Environments(stepped, parts.num_workers)
