"""What the nodes of a program tell one another: how far the run is, and what
each of them is to do next.

  RUNNING     actors act, the learner learns, evaluations are played
     | the budget is spent
  EVALUATING  actors leave; the last evaluation is played
     | it has been, or a stop was asked for, or something failed
  SAVING      the learner saves itself and the replay
     | it has, or it is gone
  DRAINING    whoever waits at the replay is let go, and leaves
     | all have
  OVER        learner and replay leave, too
"""

import dataclasses
import enum
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import episodes, progress, record, signals
from .experiment import Counts, Experiment


class Phase(enum.IntEnum):
  """Of a program; they follow one another, none comes twice."""

  RUNNING = 0
  EVALUATING = 1
  SAVING = 2
  DRAINING = 3
  OVER = 4


class Order(enum.IntEnum):
  """What a learner or an evaluator is to do next."""

  GO_ON = 0
  WAIT = 1
  SAVE = 2
  LEAVE = 3


class Coordinator:
  """Lives in the process that was started; the nodes call it.

  Methods are safe to call from several threads.
  """

  def __init__(self, experiment: Experiment, resumed: Counts | None):
    """Opens the logs.

    Args:
      experiment: The run.
      resumed: Counts of its newest checkpoint, None where there is none.
    """
    self._experiment = experiment
    self._lock = threading.RLock()
    self._over = threading.Event()
    self._phase = Phase.RUNNING
    self._resumed = resumed
    self._saved = resumed and dataclasses.replace(resumed)
    self._record = record.Record(experiment, resumed or Counts())
    self._counts = self._record.counts
    self._walltime = self._counts.walltime
    self._then: float | None = None  # of the first step
    self._replay = progress.ReplayStatus()
    self._replay_is_lost = False
    self._seconds: dict[int, Mapping[str, float]] = {}
    self._has_acted: set[int] = set()
    self._has_evaluated = False
    if resumed is not None:
      experiment.history.restore(resumed.agent_steps)
    self._advance()  # it may have ended before its last evaluation did

  # What the nodes call.

  def run(self):
    """Serves until the program is over."""
    self._over.wait()

  def phase(self) -> Phase:
    """The present one."""
    return self._phase

  def join(self, actor: int) -> int:
    """Called by an actor that starts; the agent steps so far."""
    with self._lock:
      self._has_acted.discard(actor)
      return self._counts.agent_steps

  def acted(
    self,
    actor: int,
    steps: int,
    ended: Sequence[episodes.Episode],
    seconds: Mapping[str, float],
  ) -> bool:
    """Called by an actor now and then.

    Args:
      actor: Its number.
      steps: Agent steps since it last called.
      ended: Episodes that have ended since then.
      seconds: Spent since it started, on what.

    Returns:
      Whether it is to go on.
    """
    with self._lock:
      if self._phase > Phase.RUNNING:
        return False
      if self._then is None:
        self._then = time.monotonic()
      self._counts.walltime = self._walltime + time.monotonic() - self._then
      self._counts.agent_steps += steps
      self._has_acted.add(actor)
      self._seconds[actor] = seconds
      for episode in ended:
        self._record.episode(episode)
      self._advance()
      return self._phase == Phase.RUNNING

  def learned(self, steps: int, replay: progress.ReplayStatus) -> Order:
    """Called by the learner now and then.

    Args:
      steps: Learner steps of the run so far.
      replay: How full it is.

    Returns:
      GO_ON, WAIT (answer who asks for parameters), SAVE (and go on), or LEAVE
      (save, say so, and wait for the end).
    """
    with self._lock:
      self._counts.learner_steps = steps
      if self._resumed is not None and replay.capacity:
        message = record.resumed_message(self._resumed, replay.size)
        self._record.progress.say(message)
        self._resumed = None
      self._replay = replay
      if self._phase == Phase.EVALUATING:
        return Order.WAIT
      if self._phase > Phase.EVALUATING:
        return Order.LEAVE
      if self._experiment.checkpoint_due(self._counts, self._saved):
        return Order.SAVE
      return Order.GO_ON

  def begin_save(self, steps: int) -> tuple[Counts, bool]:
    """Called by the learner before it saves.

    Args:
      steps: Learner steps of the run so far.

    Returns:
      The counts to save, and whether the replay can be saved, too.
    """
    with self._lock:
      self._counts.learner_steps = steps
      self._saved = dataclasses.replace(self._counts)
      self._record.save()
      return self._saved, not self._replay_is_lost

  def replay_is_lost(self) -> bool:
    """Whether the replay has ended before its time."""
    return self._replay_is_lost

  def saved_last(self):
    """Called by the learner that leaves, once it has saved, or when it is lost:
    there is nothing left to save."""
    with self._lock:
      if self._phase < Phase.DRAINING:
        self._move_to(Phase.DRAINING)

  def log(self, label: str, row: dict[str, Any]):
    """Writes a row of the learner's."""
    with self._lock:
      self._record.logger(label).write(row)

  def evaluation(self) -> tuple[Order, int]:
    """Called by an evaluator: what to do, and the agent steps so far."""
    with self._lock:
      steps = self._counts.agent_steps
      if self._phase > Phase.EVALUATING:
        return Order.LEAVE, steps
      due = self._phase == Phase.EVALUATING or (
        self._experiment.evaluation_due(self._counts)
      )
      return (Order.GO_ON if due else Order.WAIT), steps

  def evaluated(self, rows: Sequence[Mapping[str, Any]], agent_steps: int):
    """Called by an evaluator with the episodes of one evaluation."""
    with self._lock:
      self._record.evaluation(rows, agent_steps)
      self._has_evaluated = True
      self._advance()

  # What the launcher calls.

  def has_acted(self, actor: int) -> bool:
    """Whether an actor has done anything since it last started."""
    return actor in self._has_acted

  def has_evaluated(self) -> bool:
    """Whether an evaluation was played since this was last asked."""
    with self._lock:
      done, self._has_evaluated = self._has_evaluated, False
      return done

  def stop(self):
    """Ends the run, saved."""
    with self._lock:
      if self._phase < Phase.SAVING:
        self._move_to(Phase.SAVING)

  def lose_replay(self):
    """Ends the run, saved as far as it still can be."""
    with self._lock:
      self._replay_is_lost = True
      self.stop()

  def end(self):
    """Lets learner and replay go."""
    with self._lock:
      self._move_to(Phase.OVER)

  def close(self):
    """Ends the service, once nobody is left to ask, and closes the logs."""
    with self._lock:
      self._over.set()
      self._record.close()

  def say(self, text: str):
    """Writes a line that stays."""
    with self._lock:
      self._record.progress.say(text)

  def say_stopped(self, stop: signals.StopRequest):
    """Says what is left of a run that was stopped."""
    with self._lock:
      self.say(record.stopped_message(stop, self._saved or Counts()))

  def tick(self):
    """Shows how the run is doing, if it is time to."""
    with self._lock:
      if self._phase == Phase.RUNNING and self._then is not None:
        totals = {
          name: sum(seconds[name] for seconds in self._seconds.values())
          for name in next(iter(self._seconds.values()), {})
        }
        self._record.update(lambda: self._replay, totals)

  def _advance(self):
    counts, experiment = self._counts, self._experiment
    if self._phase == Phase.RUNNING and (
      counts.agent_steps >= experiment.num_steps
    ):
      self._move_to(Phase.EVALUATING)
    if self._phase == Phase.EVALUATING and experiment.is_complete(counts):
      self._move_to(Phase.SAVING)

  def _move_to(self, phase: Phase):
    assert phase > self._phase
    self._phase = phase
