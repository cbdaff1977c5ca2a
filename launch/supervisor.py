"""Sees a program to its end.

An actor or an evaluator that dies is started again: it holds nothing that
would be missed but its unfinished episodes. Without the learner or the replay
there is no going on; the program ends, and its next start goes on from the
newest checkpoint.
"""

import collections
import signal
import time
from collections.abc import Sequence
from typing import Protocol

from . import program, signals
from .coordinator import Coordinator, Phase

_POLL_PERIOD = 0.1  # seconds
_GRACE = 45.0  # seconds to leave, for one that is still importing, too
_GRACE_AFTER_FAILURE = 3.0  # they may be waiting for one that is gone
_SAVING_AFTER_FAILURE = 60.0  # seconds
# Deaths in a row, without anything done in between, that make an end.
_MAX_FUTILE_STARTS = 3


class Worker(Protocol):
  """A node that runs somewhere."""

  @property
  def group(self) -> str:
    """Of the node, in the program."""

  @property
  def number(self) -> int:
    """Of the node, in its group."""

  def start(self) -> None:
    """Starts it, or starts it again."""

  def poll(self) -> int | None:
    """Its exit code, below 0 for a signal's number; None while it runs."""

  def last_words(self) -> str:
    """What it left of itself: a traceback, or the end of its log."""

  def kill(self) -> None:
    """Ends it, whatever it is doing, if that can be done."""


class Supervisor:
  """Starts workers, and starts some of them again."""

  def __init__(
    self,
    workers: Sequence[Worker],
    coordinator: Coordinator,
    stop: signals.StopRequest,
  ):
    """Initialises the supervisor.

    Args:
      workers: All of the program but the coordinator.
      coordinator: Serves already.
      stop: Whether somebody asks for an end.
    """
    self._workers = workers
    self._coordinator = coordinator
    self._stop = stop
    self._left: set[Worker] = set()
    self._failure: tuple[Worker, str] | None = None
    self._futile_starts: collections.Counter[Worker] = collections.Counter()
    self._phase = Phase.RUNNING
    self._deadline = float("inf")

  def run(self) -> int:
    """Runs the program.

    Returns:
      0 once the budget is spent, 128 plus the number of the signal that ended
      the run, or 1 where something failed; that is then said.
    """
    try:
      for worker in self._workers:
        worker.start()
      while len(self._left) < len(self._workers):
        self._look()
        time.sleep(_POLL_PERIOD)
    finally:
      for worker in self._workers:
        worker.kill()
    if self._failure is not None:
      worker, text = self._failure
      self._coordinator.say(f"{worker.last_words()}\n{text}")
      return 1
    if self._stop:
      self._coordinator.say_stopped(self._stop)
    return self._stop.exit_code

  def _look(self):
    """Looks at everybody once."""
    coordinator = self._coordinator
    if self._stop:
      coordinator.stop()
    for worker in self._workers:
      if worker not in self._left and (code := worker.poll()) is not None:
        self._note_end(worker, code)
    if coordinator.phase() == Phase.DRAINING and not self._remaining(
      program.ACTOR, program.EVALUATOR
    ):
      coordinator.end()
    self._hold_to_deadline()
    coordinator.tick()

  def _note_end(self, worker: Worker, code: int):
    last = {
      program.ACTOR: Phase.RUNNING,
      program.EVALUATOR: Phase.EVALUATING,
      program.LEARNER: Phase.DRAINING,
      program.REPLAY: Phase.DRAINING,
    }[worker.group]
    if self._coordinator.phase() > last:  # it was to leave
      self._left.add(worker)
      if code != 0:
        self._coordinator.say(f"{_name(worker)} {_how(code)} as it left")
    elif worker.group in (program.ACTOR, program.EVALUATOR):
      self._start_again(worker, code)
    else:
      self._fail(worker, code)
      if worker.group == program.LEARNER:
        self._coordinator.saved_last()
      else:
        self._coordinator.lose_replay()

  def _start_again(self, worker: Worker, code: int):
    if worker.group == program.ACTOR:
      done = self._coordinator.has_acted(worker.number)
    else:
      done = self._coordinator.has_evaluated()
    self._futile_starts[worker] = 0 if done else self._futile_starts[worker] + 1
    raised = code > 0
    if not done and (
      raised or self._futile_starts[worker] >= _MAX_FUTILE_STARTS
    ):
      self._fail(worker, code)
      self._coordinator.stop()
      return
    reason = f": {_last_line(worker.last_words())}" if raised else ""
    self._coordinator.say(
      f"{_name(worker)} {_how(code)}{reason}; it is started again"
    )
    worker.start()

  def _fail(self, worker: Worker, code: int):
    self._left.add(worker)
    if self._failure is None:
      self._failure = worker, f"{_name(worker)} {_how(code)}; the run ends"

  def _hold_to_deadline(self):
    """Kills those who do not leave in time."""
    phase = self._coordinator.phase()
    if phase != self._phase:
      self._phase = phase
      seconds = float("inf")
      if phase >= Phase.DRAINING:
        seconds = _GRACE if self._failure is None else _GRACE_AFTER_FAILURE
      elif phase == Phase.SAVING and self._failure is not None:
        seconds = _SAVING_AFTER_FAILURE
      self._deadline = time.monotonic() + seconds
    if time.monotonic() < self._deadline:
      return
    if phase == Phase.SAVING:
      self._coordinator.saved_last()
    groups: tuple[str, ...] = (program.ACTOR, program.EVALUATOR)
    if phase == Phase.OVER:
      groups += (program.LEARNER, program.REPLAY)
    for worker in self._remaining(*groups):
      self._coordinator.say(f"{_name(worker)} did not leave; it is killed")
      worker.kill()
      self._left.add(worker)

  def _remaining(self, *groups: str) -> list[Worker]:
    return [
      worker
      for worker in self._workers
      if worker.group in groups and worker not in self._left
    ]


def _name(worker: Worker) -> str:
  return f"{worker.group}/{worker.number}"


def _how(code: int) -> str:
  if code < 0:
    return f"was ended by {signal.Signals(-code).name}"
  return f"ended with exit code {code}"


def _last_line(text: str) -> str:
  return text.strip().rsplit("\n", 1)[-1]
