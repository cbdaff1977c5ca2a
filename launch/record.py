"""How a run is doing: its counts, its logs and its line on the terminal."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import episodes, loggers, progress, signals
from .experiment import Counts, Experiment

_PERIOD = 10.0  # seconds between rows of the log "progress"


class StampedLogger(loggers.Dispatcher):
  """Adds how far the run is to each row."""

  def __init__(self, to: loggers.Logger, counts: Counts, frames_per_step: int):
    super().__init__([to])
    self._counts = counts
    self._frames_per_step = frames_per_step

  def write(self, data: loggers.Row):
    counts = self._counts
    stamp = {
      "agent_steps": counts.agent_steps,
      "frames": counts.agent_steps * self._frames_per_step,
      "episodes": counts.episodes,
      "learner_steps": counts.learner_steps,
      "walltime": round(counts.walltime, 3),
    }
    super().write({**stamp, **data})


class Record:
  """Keeps counts and writes logs; one for each start of a run.

  Attributes:
    counts: How far the run is; whoever runs it counts.
    start: Agent steps that this start begins from.
    progress: The line.
  """

  def __init__(self, experiment: Experiment, counts: Counts):
    """Opens the logs.

    Args:
      experiment: The run.
      counts: As of the newest checkpoint.
    """
    self.counts = counts
    self.start = counts.agent_steps
    self._experiment = experiment
    self._loggers: dict[str, StampedLogger] = {}
    self.progress = progress.Progress(
      experiment.num_steps, experiment.frames_per_step, counts
    )
    self._logged = time.monotonic()
    for label in ("train", "eval"):
      self.logger(label)

  def logger(self, label: str) -> StampedLogger:
    """The logger of a label, made when it is first asked for."""
    if label not in self._loggers:
      start = self.start
      if label == "eval":  # one that the checkpoint misses is played again
        start = self.counts.evaluated
      self._loggers[label] = StampedLogger(
        self._experiment.logger_factory(label, start),
        self.counts,
        self._experiment.frames_per_step,
      )
    return self._loggers[label]

  def episode(self, episode: episodes.Episode):
    """Takes in a training episode."""
    self.counts.episodes += 1
    history = self._experiment.history
    row = history.record(episode.row, self.counts.agent_steps)
    self.logger("train").write(row)
    self.progress.episode(
      {
        name: value
        for name, value in row.items()
        if name.startswith(("episode_return", "return_"))
        or name in episode.telemetry
      }
    )

  def evaluation(self, rows: Sequence[Mapping[str, Any]], agent_steps: int):
    """Takes in an evaluation of the agent as it was at that step."""
    row = episodes.summary(rows)
    self.counts.evaluated = agent_steps
    frames = agent_steps * self._experiment.frames_per_step
    self.logger("eval").write(
      {**row, "agent_steps": agent_steps, "frames": frames}
    )
    self.progress.evaluation(row["episode_return"])

  def update(
    self,
    status: Callable[[], progress.ReplayStatus],
    seconds: Mapping[str, float] | None = None,
  ):
    """Draws and logs how the run is doing, where it is time to.

    Args:
      status: Asks the replay.
      seconds: Spent by the actors so far, on what.
    """
    self.progress.update(status)
    if time.monotonic() - self._logged >= _PERIOD:
      self._logged = time.monotonic()
      figures = self.progress.figures(status())
      shares = {f"seconds_{key}": s for key, s in (seconds or {}).items()}
      self.logger("progress").write({**figures, **shares})

  def save(self):
    """Has all that belongs to a checkpoint reach the disk before that does."""
    self._experiment.history.save()
    for logger in self._loggers.values():
      logger.sync()

  def close(self):
    """Closes the logs."""
    for logger in self._loggers.values():
      logger.close()


def resumed_message(counts: Counts, replay_size: int) -> str:
  """What a run that goes on says of itself."""
  replay = (
    f"the replay goes on with {replay_size:,} items"
    if replay_size
    else "the replay starts empty and is filled first"
  )
  return (
    f"resumed from step {counts.agent_steps:,} (learner step"
    f" {counts.learner_steps:,}); {replay}"
  )


def stopped_message(stop: signals.StopRequest, counts: Counts) -> str:
  """What a run says that was stopped and saved."""
  assert stop.signal is not None
  return (
    f"{stop.signal.name}: saved at step {counts.agent_steps:,}; the same"
    " command goes on from there"
  )
