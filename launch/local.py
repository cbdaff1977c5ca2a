"""Runs an experiment in this process, with the replay embedded in it.

  environments -> actor -> replay -> prefetching thread -> learner -> actor
                           (rate limiter)

Actor and learner take turns in the main thread. After each step of all its
environments the learner takes as many steps as the replay's rate limiter has
let batches through, so a limiter that ties samples to inserts holds its ratio.
Neither side can wait for the other forever: the actor moves only once inserts
are allowed and the batches that were ready are used up, and where a limiter
blocks inserts it allows samples.
"""

import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator

from acme import core

from . import parts, prefetch, record, signals
from .experiment import Counts, Experiment


def run(experiment: Experiment) -> int:
  """Runs an experiment to its end, from its newest checkpoint if it has one.

  The first SIGTERM or Ctrl-C lets the current step finish, writes a checkpoint
  and ends the run; a second one kills. An exception of any part ends the run
  and is raised here.

  Args:
    experiment: What to run.

  Returns:
    The exit code for the process: 0, or 128 plus the number of the signal
    that ended the run.
  """
  with signals.StopRequest() as stop, contextlib.ExitStack() as stack:
    _LocalRun(experiment, stop, stack).run()
  return stop.exit_code


class _Pace:
  """Learner steps at the pace that the replay sets."""

  def __init__(
    self,
    learner: core.Learner,
    batches: prefetch.PrefetchingIterator,
    replay: parts.Replay,
  ):
    self._learner = learner
    self._batches = batches
    self._replay = replay
    # A table without a limit on samples would let the learner go on forever.
    self._limited = any(
      table.info.rate_limiter_info.max_diff < sys.float_info.max
      for table in replay.tables
    )

  def catch_up(self) -> Iterator[None]:
    """Takes the steps that are due, yielding after each."""
    taken = 0
    while self._due(taken):
      self._learner.step()
      taken += 1
      yield

  def _due(self, taken: int) -> bool:
    if not self._replay.can_insert():
      return True
    return self._batches.ready() and (self._limited or taken == 0)


class _LocalRun:
  """The parts of a run, wired together."""

  def __init__(
    self,
    experiment: Experiment,
    stop: signals.StopRequest,
    stack: contextlib.ExitStack,
  ):
    self._experiment = experiment
    self._stop = stop
    resumed = experiment.checkpointer.latest()
    self._saved = resumed and dataclasses.replace(resumed)
    self._record = record.Record(experiment, resumed or Counts())
    stack.callback(self._record.close)
    self._counts = self._record.counts
    self._progress = self._record.progress
    self._design = parts.design(experiment)
    self._replay = parts.Replay(experiment, self._design, stack)
    client = self._replay.client
    batches = prefetch.PrefetchingIterator(
      experiment.builder.make_dataset_iterator(client)
    )
    stack.callback(batches.stop)
    self._learner = parts.make_learner(
      experiment, self._design, batches, client, self._record.logger, resumed
    )
    self._pace = _Pace(self._learner, batches, self._replay)
    self._actor, self._loop = parts.make_training_loop(
      experiment,
      self._design,
      client,
      self._learner,
      self._counts.agent_steps,
      stack,
    )
    if resumed is not None:
      experiment.history.restore(resumed.agent_steps)
      held = self._replay.status().size
      self._progress.say(record.resumed_message(resumed, held))

  def run(self):
    """Acts and learns until the budget is spent or a stop is asked for."""
    for _ in self._steps():
      if not self._stop:
        self._periodic_work()
      if self._stop:
        break
    self._finish()

  def _steps(self) -> Iterator[None]:
    """Acts, and learns in between, yielding after each step."""
    counts, status = self._counts, self._replay.status
    while counts.agent_steps < self._experiment.num_steps:
      then = time.monotonic()
      ended = self._loop.step()
      counts.agent_steps += self._experiment.envs_per_actor
      for episode in ended:
        self._record.episode(episode)
      self._actor.update(wait=True)
      for _ in self._pace.catch_up():
        counts.learner_steps += 1
        self._record.update(status, self._loop.seconds)
        if self._stop:
          break
      self._record.update(status, self._loop.seconds)
      counts.walltime += time.monotonic() - then
      yield

  def _periodic_work(self):
    experiment, counts = self._experiment, self._counts
    if experiment.evaluation_due(counts):
      self._evaluate()
    if experiment.checkpoint_due(counts, self._saved):
      self._save()

  def _finish(self):
    """Leaves the run evaluated, unless it was stopped, and saved."""
    if not (self._stop or self._experiment.is_complete(self._counts)):
      self._evaluate()
    self._save()
    if self._stop.signal is not None:
      self._progress.say(record.stopped_message(self._stop, self._counts))

  def _evaluate(self):
    """Plays without learning, in an environment and by an actor of its own."""
    experiment, steps = self._experiment, self._counts.agent_steps

    def go_on(played: int) -> bool:
      self._progress.evaluating(played, experiment.evaluation_episodes)
      return not self._stop

    rows = parts.evaluate(experiment, self._design, self._learner, steps, go_on)
    if rows is not None:
      self._record.evaluation(rows, steps)

  def _save(self):
    if self._counts == self._saved:
      return
    self._experiment.history.save()
    self._experiment.checkpointer.save(self._learner.save(), self._counts)
    self._replay.save()
    self._saved = dataclasses.replace(self._counts)
