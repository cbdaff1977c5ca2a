"""The parts of a run as its builder makes them, for every launcher."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import reverb
from acme import core, specs
from acme.utils import counting

from . import lockstep, loggers, progress
from .experiment import Counts, ServedExperiment

_LEARNER_PERIOD = 2.0  # seconds between rows of the learner


class Parts:
  """An agent's parts, all of one specification and its networks.

  Attributes:
    experiment: The run.
    spec: Of its environments, read off one.
  """

  def __init__(self, experiment: ServedExperiment):
    with experiment.environment_factory(0) as environment:
      self.spec = specs.make_environment_spec(environment)
    self.experiment = experiment
    self._networks = experiment.network_factory(self.spec)

  def make_policy(self, evaluation: bool = False) -> Any:
    """The policy that acts in training, or at evaluation."""
    return self.experiment.builder.make_policy(
      self._networks, self.spec, evaluation=evaluation
    )

  def make_learner(
    self,
    batches: Iterator[Any],
    client: reverb.Client | None,
    logger_factory: Callable[..., loggers.Logger],
    resumed: Counts | None,
  ) -> core.Learner:
    """The learner, as it was at the newest checkpoint if there is one.

    Of what it logs, a row now and then is passed on.
    """

    def make_logger(label: str, *_: Any, **__: Any) -> loggers.Logger:
      return loggers.TimeFilter(logger_factory(label), _LEARNER_PERIOD)

    experiment, counts = self.experiment, resumed or Counts()
    counter = counting.Counter(prefix="learner")
    counter.increment(steps=counts.learner_steps)
    learner = experiment.builder.make_learner(
      jax.random.PRNGKey(experiment.stream("learner", counts.agent_steps)),
      self._networks,
      batches,
      make_logger,
      self.spec,
      client,
      counter,
    )
    if resumed is not None:
      learner.restore(experiment.checkpointer.restore(learner.save()))
    return learner

  def make_training_loop(
    self,
    client: reverb.Client,
    variable_source: core.VariableSource,
    agent_steps: int,
    stack: contextlib.ExitStack,
    number: int = 0,
  ) -> tuple[Any, lockstep.LockStep]:
    """One actor of the builder's, with its environments.

    Args:
      client: Of the replay.
      variable_source: Gives parameters.
      agent_steps: Of the run so far, so that what is played is new.
      stack: Closes the environments.
      number: Of the actor.
    """
    experiment, policy = self.experiment, self.make_policy()
    builder, size = experiment.builder, experiment.envs_per_actor
    first = number * size
    environments = []
    for each in range(first, first + size):
      seed = experiment.stream(f"environment {each}", agent_steps)
      environments.append(experiment.environment_factory(seed))
      stack.callback(environments[-1].close)
    actor = builder.make_batched_actor(
      jax.random.PRNGKey(experiment.stream("acting", agent_steps)),
      policy,
      variable_source,
      [builder.make_adder(client, self.spec, policy) for _ in environments],
      first,
      experiment.num_actors * size,
    )
    observers = [experiment.observer_factory("train") for _ in environments]
    return actor, lockstep.LockStep(environments, actor, observers)

  def evaluate(
    self,
    variable_source: core.VariableSource,
    agent_steps: int,
    go_on: Callable[[int], bool],
  ) -> list[dict[str, Any]] | None:
    """Plays episodes without learning from them.

    Args:
      variable_source: Gives parameters; asked once.
      agent_steps: Of the run so far, which seed the evaluation.
      go_on: Called at each step with the number of episodes that have ended.

    Returns:
      The row of each episode, None where `go_on` said no.
    """
    seed = self.experiment.stream("evaluation", agent_steps)
    policy = self.make_policy(evaluation=True)
    actor = self.experiment.builder.make_batched_actor(
      jax.random.PRNGKey(seed), policy, variable_source, [None]
    )
    return lockstep.evaluate(self.experiment, actor, seed, go_on)


class Replay:
  """The replay server in this process."""

  def __init__(
    self,
    parts: "Parts",
    stack: contextlib.ExitStack,
    port: int | None = None,
  ):
    """Starts to serve what was saved, or an empty replay.

    Args:
      parts: Of the run.
      stack: Ends the service.
      port: To listen at; None means any.
    """
    experiment = parts.experiment
    folder = experiment.replay_folder or stack.enter_context(
      tempfile.TemporaryDirectory(prefix="replay_")
    )
    self._server = reverb.Server(
      experiment.builder.make_replay_tables(parts.spec, parts.make_policy()),
      port=port,
      checkpointer=reverb.checkpointers.DefaultCheckpointer(str(folder)),
    )
    self.client = self._server.localhost_client()
    stack.callback(self._server.stop)

  def let_writers_go(self):
    """Takes samples where a rate limiter holds inserts up."""
    for name, info in self.client.server_info().items():
      if not can_insert(info):
        next(self.client.sample(name, num_samples=1, emit_timesteps=False))


def replay_status(infos: Mapping[str, Any]) -> progress.ReplayStatus:
  """Sums up what Reverb says of its tables."""
  limiters = [info.rate_limiter_info for info in infos.values()]
  return progress.ReplayStatus(
    size=sum(info.current_size for info in infos.values()),
    capacity=sum(info.max_size for info in infos.values()),
    min_size=sum(limiter.min_size_to_sample for limiter in limiters),
    inserts=sum(limiter.insert_stats.completed for limiter in limiters),
    samples=sum(limiter.sample_stats.completed for limiter in limiters),
  )


def can_insert(info: Any) -> bool:
  """What a table's rate limiter would answer, by what Reverb says of it."""
  limiter = info.rate_limiter_info
  if info.current_size < limiter.min_size_to_sample:
    return True
  inserts = limiter.insert_stats.completed + 1
  ahead = inserts * limiter.samples_per_insert - limiter.sample_stats.completed
  return ahead <= limiter.max_diff
