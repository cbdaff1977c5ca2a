"""What each node of a program does, in whatever process or thread it runs.

None ends by a signal: each asks the coordinator what to do next, and leaves
when it says so.
"""

import contextlib
import functools
import threading
import time
from typing import Any

import launchpad as lp
import reverb

from . import loggers, parts, prefetch, processes, progress
from .coordinator import Order, Phase
from .experiment import Counts, ServedExperiment

_REPORT_PERIOD = 0.5  # seconds between calls to the coordinator
_POLL_PERIOD = 0.1  # seconds between looks at what one waits for
_REPLAY_ANSWERS_WITHIN = 5  # seconds
_LOSS_IS_NOTICED_WITHIN = 10.0  # seconds


def serve_replay(
  experiment: ServedExperiment, coordinator: Any, address: lp.Address
):
  """Serves the replay until the program is over.

  Args:
    experiment: The run.
    coordinator: A client of the `Coordinator`.
    address: To listen at.
  """
  processes.die_with_supervisor()
  port = lp.get_port_from_address(address.resolve())
  with contextlib.ExitStack() as stack:
    replay = parts.Replay(parts.Parts(experiment), stack, port)
    while (phase := coordinator.phase()) < Phase.OVER:
      if phase == Phase.DRAINING:
        replay.let_writers_go()
      time.sleep(_POLL_PERIOD)


def act(
  experiment: ServedExperiment,
  number: int,
  coordinator: Any,
  replay: reverb.Client,
  learner: Any,
):
  """Acts in the environments of one actor until the budget is spent.

  Args:
    experiment: The run.
    number: Of the actor.
    coordinator: A client of the `Coordinator`.
    replay: Where transitions go.
    learner: A client of the `LearnerNode`; gives parameters.
  """
  processes.die_with_supervisor()
  if not _is_served(replay, coordinator):
    return
  with contextlib.ExitStack() as stack:
    made = parts.Parts(experiment)
    actor, loop = made.make_training_loop(
      replay, learner, coordinator.join(number), stack, number
    )
    steps, ended, reported = 0, [], time.monotonic()
    while True:
      ended += loop.step()
      steps += experiment.envs_per_actor
      actor.update()
      if time.monotonic() - reported >= _REPORT_PERIOD:
        reported = time.monotonic()
        if not coordinator.acted(number, steps, ended, loop.seconds):
          return
        steps, ended = 0, []


def _is_served(replay: reverb.Client, coordinator: Any) -> bool:
  """Waits for the replay, which may have much to restore.

  A writer would wait for three seconds and fail.

  Returns:
    Whether it is there; False where the run has ended before.
  """
  while coordinator.phase() == Phase.RUNNING:
    try:
      replay.server_info(_REPLAY_ANSWERS_WITHIN)
      return True
    except reverb.errors.DeadlineExceededError:
      continue
  return False


def evaluate(experiment: ServedExperiment, coordinator: Any, learner: Any):
  """Plays evaluations as they come due.

  Args:
    experiment: The run.
    coordinator: A client of the `Coordinator`.
    learner: A client of the `LearnerNode`; gives parameters.
  """
  processes.die_with_supervisor()
  made = parts.Parts(experiment)
  asked = time.monotonic()

  def go_on(played: int) -> bool:
    nonlocal asked
    del played
    if time.monotonic() - asked < _REPORT_PERIOD:
      return True
    asked = time.monotonic()
    return coordinator.phase() < Phase.SAVING

  while True:
    order, agent_steps = coordinator.evaluation()
    if order == Order.LEAVE:
      return
    if order == Order.WAIT:
      time.sleep(_REPORT_PERIOD)
      continue
    rows = made.evaluate(learner, agent_steps, go_on)
    if rows is not None:
      coordinator.evaluated(rows, agent_steps)


class LearnerNode:
  """Learns from the replay, and gives parameters to those who ask."""

  def __init__(
    self,
    experiment: ServedExperiment,
    resumed: Counts | None,
    coordinator: Any,
    replay: reverb.Client,
  ):
    """Initialises the learner.

    Args:
      experiment: The run.
      resumed: Counts of its newest checkpoint, None where there is none.
      coordinator: A client of the `Coordinator`.
      replay: Where batches come from.
    """
    processes.die_with_supervisor()
    self._experiment = experiment
    self._coordinator = coordinator
    self._replay = replay
    self._steps = resumed.learner_steps if resumed else 0
    self._status = progress.ReplayStatus()
    self._error: BaseException | None = None
    self._batches = prefetch.PrefetchingIterator(
      experiment.builder.make_dataset_iterator(replay)
    )
    make_logger = functools.partial(_RemoteLogger, coordinator)
    self._learner = parts.Parts(experiment).make_learner(
      self._batches, replay, make_logger, resumed
    )

  def get_variables(self, names: list[str]) -> list[Any]:
    """Parameters by name, as the learner of the builder has them."""
    return self._learner.get_variables(names)

  def run(self):
    """Learns until the coordinator has it leave."""
    # In a thread, since a step that waits for a replay which is gone does so
    # forever, and what was learned is to be saved.
    learning = threading.Thread(target=self._learn, daemon=True)
    learning.start()
    while learning.is_alive() and not self._coordinator.replay_is_lost():
      learning.join(_REPORT_PERIOD)
    learning.join(_LOSS_IS_NOTICED_WITHIN)
    if self._error is not None and not self._has_lost_replay():
      raise self._error
    self._batches.stop()
    self._save()
    self._coordinator.saved_last()
    while self._coordinator.phase() < Phase.OVER:
      time.sleep(_POLL_PERIOD)
    processes.leave()

  def _learn(self):
    try:
      self._follow_orders()
    except BaseException as error:  # raised by `run`, in its turn
      self._error = error

  def _follow_orders(self):
    asked = 0.0
    while True:
      order = Order.GO_ON
      if time.monotonic() - asked >= _REPORT_PERIOD:
        order = self._coordinator.learned(self._steps, self._replay_status())
        asked = time.monotonic()
      if order == Order.LEAVE:
        return
      if order == Order.SAVE:
        self._save()
      elif order == Order.GO_ON and self._batches.ready():
        self._learner.step()
        self._steps += 1
      else:
        time.sleep(_POLL_PERIOD)

  def _has_lost_replay(self) -> bool:
    """Whether the replay is gone, or turns out to be."""
    deadline = time.monotonic() + _LOSS_IS_NOTICED_WITHIN
    while not (lost := self._coordinator.replay_is_lost()):
      if time.monotonic() > deadline:
        break
      time.sleep(_POLL_PERIOD)
    return lost

  def _replay_status(self) -> progress.ReplayStatus:
    try:
      infos = self._replay.server_info(_REPLAY_ANSWERS_WITHIN)
    except reverb.errors.DeadlineExceededError:
      return self._status  # it restores what was saved, which may take long
    self._status = parts.replay_status(infos)
    return self._status

  def _save(self):
    counts, with_replay = self._coordinator.begin_save(self._steps)
    (params,) = self._learner.get_variables(["policy"])
    self._experiment.checkpointer.save(params, self._learner.save(), counts)
    if with_replay and self._experiment.replay_folder is not None:
      self._replay.checkpoint()


class _RemoteLogger(loggers.Logger):
  """Hands rows to the coordinator."""

  def __init__(self, coordinator: Any, label: str):
    self._coordinator = coordinator
    self._label = label

  def write(self, data: loggers.Row):
    self._coordinator.log(self._label, dict(data))

  def sync(self):
    pass  # the coordinator does that

  def close(self):
    pass
