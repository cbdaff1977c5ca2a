"""What a run consists of, whichever way it is launched."""

import dataclasses
import pathlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import dm_env
import numpy as np

from . import episodes, loggers


@dataclasses.dataclass
class Counts:
  """How far a run is, over all its starts.

  Attributes:
    agent_steps: Decisions taken in the training environment.
    episodes: Training episodes that ended.
    learner_steps: Batches learned from.
    evaluated: Agent steps at the newest evaluation.
    walltime: Seconds spent on training.
  """

  agent_steps: int = 0
  episodes: int = 0
  learner_steps: int = 0
  evaluated: int = 0
  walltime: float = 0.0


class Checkpointer(Protocol):
  """Keeps what a learner needs to go on; the format is not this room's matter.

  A launcher may copy it into the learner's process.
  """

  def latest(self) -> Counts | None:
    """Counts of the newest checkpoint, None where there is none."""

  def restore(self, template: Any) -> Any:
    """The newest checkpoint's learner state, shaped like the template."""

  def engine(self) -> dict[str, Any]:
    """The newest checkpoint's state of all else, nested by name."""

  def save(
    self,
    params: Any,
    learner_state: Any,
    counts: Counts,
    engine: Mapping[str, Any] | None = None,
  ) -> None:
    """Writes a checkpoint.

    Args:
      params: Those that act.
      learner_state: What `restore` is to give back.
      counts: What `latest` is to give back.
      engine: What `engine` is to give back, where the engine keeps more.
    """


class History:
  """What a run remembers of all its episodes; this one, nothing.

  It stays in the process that was started, wherever the episodes are played.
  """

  def record(self, row: dict[str, Any], agent_steps: int) -> dict[str, Any]:
    """Takes in a training episode; its row as it is logged."""
    del agent_steps
    return row

  def save(self) -> None:
    """Called before each checkpoint is written."""

  def restore(self, agent_steps: int) -> None:
    """Goes back to what was known at the checkpoint of that step."""


def _no_observers(label: str) -> Sequence[episodes.Observer]:
  """Of nothing; unlike a lambda, it pickles."""
  del label
  return ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
  """A run of an agent on an environment.

  Attributes:
    environment_factory: Maps a seed to a fresh environment.
    logger_factory: Maps a label ("train", "eval", or what the learner asks
      for) and the agent steps that the run starts from to a logger. Rows that
      it holds from beyond that step are stale.
    checkpointer: Where the learner is saved and found again.
    observer_factory: Maps a label, "train" or "eval", to the observers of an
      environment; their metrics enter the row of each episode.
    history: Sees the rows of training episodes before they are logged.
    replay_folder: Where the replay is saved along with the learner; None means
      that it starts empty each time.
    num_actors: Processes that act, where the launcher starts any.
    envs_per_actor: Environments that each of them steps in lock-step.
    num_steps: Agent steps at which the run ends, over all its starts.
    checkpoint_period: Agent steps between checkpoints.
    evaluation_period: Agent steps between evaluations.
    evaluation_episodes: Episodes of an evaluation; 0 means no evaluation.
    frames_per_step: Frames that an agent step stands for, in what is reported.
    seed: Everything random follows from it, but for the threads' timing.
  """

  environment_factory: Callable[[int], dm_env.Environment]
  logger_factory: Callable[[str, int], loggers.Logger]
  checkpointer: Checkpointer
  num_steps: int
  checkpoint_period: int
  evaluation_period: int
  evaluation_episodes: int
  observer_factory: Callable[[str], Sequence[episodes.Observer]] = _no_observers
  history: History = dataclasses.field(default_factory=History)
  replay_folder: pathlib.Path | None = None
  num_actors: int = 1
  envs_per_actor: int = 1
  frames_per_step: int = 1
  seed: int = 0

  def is_complete(self, counts: Counts) -> bool:
    """Whether nothing is left to do, the last evaluation included."""
    evaluated = not self.evaluation_episodes or (
      counts.evaluated >= self.num_steps
    )
    return counts.agent_steps >= self.num_steps and evaluated

  def evaluation_due(self, counts: Counts) -> bool:
    """Whether an evaluation has come due, also one that was cut short."""
    period = self.evaluation_period
    return self.evaluation_episodes > 0 and (
      counts.agent_steps // period > counts.evaluated // period
    )

  def checkpoint_due(self, counts: Counts, saved: Counts | None) -> bool:
    """Whether a checkpoint has come due since the last one."""
    steps, period = (saved.agent_steps if saved else 0), self.checkpoint_period
    return counts.agent_steps // period > steps // period

  def stream(self, name: str, agent_steps: int) -> int:
    """Seed of one named use of randomness, from the step at which it begins.

    The step keeps a resumed run from living through the same episodes again.
    """
    words = (self.seed, zlib.crc32(name.encode()), agent_steps)
    return int(np.random.SeedSequence(words).generate_state(1)[0] >> 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServedExperiment(Experiment):
  """One whose parts an Acme builder makes, around a replay server.

  Attributes:
    builder: Has the methods of later Acme's builders, and one that makes an
      actor for several environments; see `agents.acme.builder`.
    network_factory: Maps an environment spec to what the builder calls
      networks.
  """

  builder: Any
  network_factory: Callable[[Any], Any]
