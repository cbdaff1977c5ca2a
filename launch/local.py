"""Runs an experiment in this process, with the replay embedded in it.

  environment -> actor -> replay -> prefetching thread -> learner -> actor
                          (rate limiter)

Actor and learner take turns in the main thread. After each agent step the
learner takes as many steps as the replay's rate limiter has let batches
through, so a limiter that ties samples to inserts holds its ratio. Neither
side can wait for the other forever: the actor moves only once inserts are
allowed and the batches that were ready are used up, and where a limiter blocks
inserts it allows samples.
"""

import contextlib
import dataclasses
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import dm_env
import jax
import reverb
from acme import core, specs
from acme.utils import counting

from . import episodes, loggers, prefetch, progress, signals
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
    tables: Sequence[reverb.Table],
  ):
    self._learner = learner
    self._batches = batches
    self._tables = tables
    # A table without a limit on samples would let the learner go on forever.
    self._limited = any(
      table.info.rate_limiter_info.max_diff < sys.float_info.max
      for table in tables
    )

  def catch_up(self) -> Iterator[None]:
    """Takes the steps that are due, yielding after each."""
    taken = 0
    while self._due(taken):
      self._learner.step()
      taken += 1
      yield

  def replay_fill(self) -> float:
    """Share of the items that must be there before the learner can start."""
    infos = [table.info for table in self._tables]
    return min(
      info.current_size / max(info.rate_limiter_info.min_size_to_sample, 1)
      for info in infos
    )

  def _due(self, taken: int) -> bool:
    if not all(table.can_insert(1) for table in self._tables):
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
    self._stack = stack
    resumed = experiment.checkpointer.latest()
    self._counts = resumed or Counts()
    self._saved = resumed and dataclasses.replace(resumed)
    self._start = self._counts.agent_steps
    self._progress = progress.Progress(
      experiment.num_steps, experiment.frames_per_step, self._counts
    )
    self._environment = experiment.environment_factory(
      experiment.stream("environment", self._start)
    )
    stack.callback(self._environment.close)
    self._spec = specs.make_environment_spec(self._environment)
    self._networks = experiment.network_factory(self._spec)
    self._train_log = self._make_logger("train")
    self._eval_log = self._make_logger("eval")
    self._make_agent()
    if resumed is not None:
      state = experiment.checkpointer.restore(self._learner.save())
      self._learner.restore(state)
      self._progress.say(
        f"resumed from step {self._start:,} (learner step"
        f" {self._counts.learner_steps:,}); the replay starts empty and is"
        " filled first"
      )

  def run(self):
    """Acts and learns until the budget is spent or a stop is asked for."""
    for _ in self._steps():
      if not self._stop:
        self._periodic_work()
      if self._stop:
        break
    self._finish()

  def _make_agent(self):
    builder, spec = self._experiment.builder, self._spec
    keys = jax.random.split(
      jax.random.PRNGKey(self._experiment.stream("agent", self._start))
    )
    policy, self._evaluation_policy = (
      builder.make_policy(self._networks, spec, evaluation=evaluation)
      for evaluation in (False, True)
    )
    tables = builder.make_replay_tables(spec, policy)
    folder = self._stack.enter_context(
      tempfile.TemporaryDirectory(prefix="replay_")
    )
    server = reverb.Server(
      tables, checkpointer=reverb.checkpointers.DefaultCheckpointer(folder)
    )
    client = server.localhost_client()
    batches = prefetch.PrefetchingIterator(
      builder.make_dataset_iterator(client)
    )
    self._stack.callback(server.stop)
    self._stack.callback(batches.stop)
    counter = counting.Counter(prefix="learner")
    counter.increment(steps=self._counts.learner_steps)
    self._learner = builder.make_learner(
      keys[0],
      self._networks,
      batches,
      self._make_logger,
      spec,
      client,
      counter,
    )
    self._actor = builder.make_actor(
      keys[1],
      policy,
      spec,
      variable_source=self._learner,
      adder=builder.make_adder(client, spec, policy),
    )
    self._pace = _Pace(self._learner, batches, tables)

  def _make_logger(self, label: str, *_, **__) -> loggers.StampedLogger:
    """Makes a logger that closes with the run.

    The learner asks for one as of later Acme, which passes more arguments.
    """
    experiment = self._experiment
    logger = loggers.StampedLogger(
      experiment.logger_factory(label, self._start),
      self._counts,
      experiment.frames_per_step,
    )
    self._stack.callback(logger.close)
    return logger

  def _steps(self) -> Iterator[None]:
    """Acts, and learns in between, yielding after each agent step."""
    counts, num_steps = self._counts, self._experiment.num_steps
    observers = self._experiment.observer_factory("train")
    statistics = episodes.EpisodeStatistics(observers)
    while counts.agent_steps < num_steps:
      then = time.monotonic()
      for timestep in _episode(self._environment, self._actor, statistics):
        counts.agent_steps += 1
        if timestep.last():
          self._note_episode(statistics)
        self._actor.update(wait=True)
        for _ in self._pace.catch_up():
          counts.learner_steps += 1
          self._progress.update(self._pace.replay_fill)
          if self._stop:
            break
        self._progress.update(self._pace.replay_fill)
        counts.walltime += time.monotonic() - then
        yield
        then = time.monotonic()
        if counts.agent_steps == num_steps:
          return

  def _note_episode(self, statistics: episodes.EpisodeStatistics):
    self._counts.episodes += 1
    row = statistics.row()
    self._train_log.write(row)
    self._progress.episode(row["episode_return"], statistics.telemetry())

  def _periodic_work(self):
    experiment, steps = self._experiment, self._counts.agent_steps
    if experiment.evaluation_episodes > 0:
      # By count, since a signal may have cut the last one short.
      period = experiment.evaluation_period
      if steps // period > self._counts.evaluated // period:
        self._evaluate()
    if steps % experiment.checkpoint_period == 0:
      self._save()

  def _finish(self):
    """Leaves the run evaluated, unless it was stopped, and saved."""
    if not (self._stop or self._experiment.is_complete(self._counts)):
      self._evaluate()
    self._save()
    if self._stop.signal is not None:
      self._progress.say(
        f"{self._stop.signal.name}: saved at step {self._counts.agent_steps:,};"
        " the same command goes on from there"
      )

  def _evaluate(self):
    """Plays without learning, in an environment and by an actor of its own."""
    experiment, steps = self._experiment, self._counts.agent_steps
    seed = experiment.stream("evaluation", steps)
    actor = experiment.builder.make_actor(
      jax.random.PRNGKey(seed),
      self._evaluation_policy,
      self._spec,
      variable_source=self._learner,
    )
    rows: list[dict[str, float]] = []
    with experiment.environment_factory(seed) as environment:
      observers = experiment.observer_factory("eval")
      statistics = episodes.EpisodeStatistics(observers)
      while len(rows) < experiment.evaluation_episodes:
        for _ in _episode(environment, actor, statistics):
          if self._stop:
            return
          self._progress.evaluating(
            len(rows) + 1, experiment.evaluation_episodes
          )
        rows.append(statistics.row())
    row = episodes.summary(rows)
    self._counts.evaluated = steps
    self._eval_log.write(row)
    self._progress.evaluation(row["episode_return"])

  def _save(self):
    if self._counts != self._saved:
      self._experiment.checkpointer.save(self._learner.save(), self._counts)
      self._saved = dataclasses.replace(self._counts)


def _episode(
  environment: dm_env.Environment,
  actor: core.Actor,
  statistics: episodes.EpisodeStatistics,
) -> Iterator[dm_env.TimeStep]:
  """Plays one episode, yielding what came of each step."""
  timestep = environment.reset()
  actor.observe_first(timestep)
  statistics.begin(environment, timestep)
  while not timestep.last():
    action = actor.select_action(timestep.observation)
    timestep = environment.step(action)
    actor.observe(action, timestep)
    telemetry = getattr(actor, "telemetry", {})  # not part of Acme's interface
    statistics.step(environment, timestep, action, telemetry)
    yield timestep
