"""An agent that acts in many environments and learns, all in one process.

It has no clock of its own: whoever runs it says what came of the decisions in
a half of the environments, has it decide there again, and has it learn. What it
does follows from its seeds and from the order of these calls.
"""

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import agent as agent_lib
from . import batching, policies, sequences, trees
from . import learner as learner_lib
from .replay import cutter as cutter_lib
from .replay import saving, store, writer


class Seeds(NamedTuple):
  """Of what is random in an agent."""

  learner: int
  acting: int
  replay: int


class _Half:
  """The environments that are decided for at once."""

  def __init__(
    self, policy: batching.BatchedPolicy, writer_: writer.Writer, size: int
  ):
    self._policy = policy
    self._writer = writer_
    self._decisions: batching.Decisions | None = None  # None before the first
    self._num_steps = np.zeros(size, np.int64)  # of each episode so far
    self._telemetry: dict[str, np.ndarray] = {}  # sums over these

  def observe(
    self, params: Mapping[str, Any], results: Any
  ) -> dict[int, dict[str, float]] | None:
    """See `EmbeddedAgent.observe`."""
    begun, ended = range(len(results.last)), None
    if self._decisions is not None:
      self._record(params, self._decisions, results)
      begun = np.flatnonzero(results.last).tolist()
      ended = {index: self._summary(index) for index in begun}
    for index in begun:
      self._policy.begin(index, params, results.observation[index])
    return ended

  def decide(
    self, params: Mapping[str, Any], observations: np.ndarray
  ) -> np.ndarray:
    """See `EmbeddedAgent.decide`."""
    decisions = self._policy.step(params, observations)
    # The recurrent state is large, and wanted now and then.
    small = decisions._replace(recurrent_state=None)
    self._decisions = jax.device_get(small)._replace(
      recurrent_state=decisions.recurrent_state
    )
    return self._decisions.action

  def save(self) -> dict[str, Any]:
    """Everything, by name."""
    return {
      "num_steps": self._num_steps,
      "writer": self._writer.save_state(),
      "telemetry": self._telemetry,
      "decisions": self._decisions,
      **self._policy.save(),
    }

  def restore(self, state: Mapping[str, Any]) -> None:
    """Goes on from what `save` gave."""
    self._num_steps = state["num_steps"].copy()
    self._writer.restore_state(state["writer"])
    self._telemetry = jax.tree.map(np.copy, state.get("telemetry", {}))
    if "decisions" in state:
      self._decisions = trees.like(self._policy.template, state["decisions"])
    self._policy.restore(state)

  def _record(
    self, params: Mapping[str, Any], decisions: batching.Decisions, results: Any
  ) -> None:
    last, reached = results.last, results.observation
    if last.any():
      ends = last.reshape(-1, *[1] * (reached.ndim - 1))
      reached = np.where(ends, results.final_observation, reached)
    decisions, rewards, last_values = self._policy.outcome(
      params,
      decisions,
      reached,
      results.reward,
      is_cut=last & (results.discount != 0),
    )
    self._writer.add(
      action=decisions.action,
      reward=rewards,
      discount=results.discount,
      extras=decisions.extras,
      q=decisions.values,
      recurrent_state=lambda: jax.device_get(decisions.recurrent_state),
      blocks=results.blocks,
      last=last,
      last_q=last_values,
    )
    self._num_steps += 1
    for name, values in decisions.telemetry.items():
      so_far = self._telemetry.setdefault(name, np.zeros(len(last), np.float64))
      so_far += values

  def _summary(self, index: int) -> dict[str, float]:
    """Means over the episode that ended."""
    means = {}
    for name, values in sorted(self._telemetry.items()):  # also if restored
      means[name] = float(values[index] / self._num_steps[index])
      values[index] = 0.0
    self._num_steps[index] = 0
    return means


class EmbeddedAgent:
  """Decides for the environments of a run, and learns from them."""

  def __init__(
    self,
    agent: agent_lib.Agent,
    sizes: Sequence[int],
    seeds: Seeds,
    num_stacked: int,
    max_bytes: int,
    replay_folder: pathlib.Path | None,
  ):
    """Initialises the agent.

    Args:
      agent: its description.
      sizes: environments in each half.
      seeds: everything random follows from them.
      num_stacked: frames in an observation; replay keeps the newest alone.
      max_bytes: that replay may take.
      replay_folder: where replay is saved; None has it start empty each time.
    """
    config = agent.config
    self._config = config
    self._agent = agent
    self._learner = learner_lib.Learner(
      agent.learner_core,
      agent.initial_params(jax.random.PRNGKey(seeds.learner)),
      config.batch_size,
    )
    self._replay = store.Replay(
      agent.item_spec,
      cutter_lib.of(config),
      max_size=config.max_replay_size,
      priority_exponent=config.priority_exponent,
      num_stacked=num_stacked,
      seed=seeds.replay,
      max_bytes=max_bytes,
    )
    self._saver = None
    if replay_folder is not None:
      self._saver = saving.Saver(self._replay, replay_folder)
    self._samples_per_insert = sequences.samples_per_insert(config)
    key = jax.random.PRNGKey(seeds.acting)
    num_entries = policies.num_entries(agent.policy)
    initial_priorities = _on_host(agent.policy.initial_priorities)
    self._halves = [
      _Half(
        batching.BatchedPolicy(
          agent.policy, key, size, sum(sizes[:half]), sum(sizes), True
        ),
        writer.Writer(self._replay, size, num_entries, initial_priorities),
        size,
      )
      for half, size in enumerate(sizes)
    ]
    self._params: Mapping[str, Any] = self._newest_params()
    self._num_rounds = 0
    self._num_updates = 0  # from what is, or was, in this replay
    # Priorities that are still to be written; to fetch them takes waiting.
    self._learned: tuple[np.ndarray, jax.Array] | None = None

  def observe(
    self, half: int, results: Any
  ) -> dict[int, dict[str, float]] | None:
    """Takes in what came of the decisions in a half, or how it begins.

    Args:
      half: its number, of n environments.
      results: has the attributes
        observation: `[n, ...]`, to decide on next; the first of the next
          episode where one has ended.
        final_observation: `[n, ...]`, of the episode that ended there.
        reward, discount: float32 `[n]`, of the step that led here.
        last: bool `[n]`, whether it ended an episode.
        blocks: frames that were completed by then, by number in the half.

    Returns:
      Of each environment whose episode ended, by its number in the half, what
      the agent has to say of its decisions, on average. None at the beginning,
      where nothing was decided yet.
    """
    return self._halves[half].observe(self._params, results)

  def decide(self, half: int, observations: np.ndarray) -> np.ndarray:
    """Actions for the environments of a half, int32 `[n]`.

    Args:
      half: its number; they take turns.
      observations: of the results, already observed.
    """
    if half == 0:
      if self._num_rounds % self._config.actor_update_period == 0:
        self._params = self._newest_params()
      self._num_rounds += 1
    return self._halves[half].decide(self._params, observations)

  def learn(self) -> Iterator[dict[str, jax.Array]]:
    """Takes the updates that are owed, so that the replay ratio is held.

    Yields:
      The metrics of each, which may still be under way.
    """
    config = self._config
    beyond = self._replay.inserts - config.min_replay_size
    samples = max(beyond, 0) * self._samples_per_insert
    owed = int(samples // config.batch_size) - self._num_updates
    if owed <= 0:
      return
    self._write_priorities()
    sample = self._replay.sample(config.batch_size)
    for remaining in reversed(range(owed)):
      batch = self._replay.load(sample)
      output = self._learner.step(batch, sample.probability)
      keys = sample.keys
      if remaining:
        # Drawn by what was known before this update, so that to decompress it
        # takes place while a device learns.
        sample = self._replay.sample(config.batch_size)
      self._write_priorities()
      self._learned = keys, output.priorities
      self._num_updates += 1
      yield output.metrics

  def evaluator(self, seed: int) -> batching.Actor:
    """The agent as it is now, in one environment, without learning."""
    params, key = self._newest_params(), jax.random.PRNGKey(seed)
    policy = batching.BatchedPolicy(self._agent.evaluation_policy, key, 1)
    return batching.Actor(policy, lambda: params)

  def replay_status(self) -> tuple[int, int, int, int, int]:
    """Sequences that replay holds, may hold and must hold to learn from it;
    those inserted and those sampled so far."""
    replay, config = self._replay, self._config
    return (
      len(replay),
      config.max_replay_size,
      config.min_replay_size,
      replay.inserts,
      replay.samples,
    )

  def save(self) -> tuple[Any, Any, dict[str, Any]]:
    """Writes what is new in replay, if that is kept.

    Returns:
      The parameters that act, the learner's state, and all else, nested by
      name; copies on the host that nobody else writes to.
    """
    self._write_priorities()
    state = {
      "num_rounds": self._num_rounds,
      "num_updates": self._num_updates,
      "params": self._params,
      # Before the halves, which leave out what is on disk with it.
      "replay": self._saver and self._saver.save(),
      **{f"half_{i}": half.save() for i, half in enumerate(self._halves)},
    }
    params = self._learner.variables()[policies.POLICY]
    return (
      jax.device_get(params),
      self._learner.save(),
      jax.tree.map(np.array, state),
    )

  def restore(
    self, load_learner: Callable[[Any], Any], state: Mapping[str, Any]
  ) -> None:
    """Goes on from what `save` gave.

    Args:
      load_learner: a learner's state -> the saved one, in that form.
      state: all else.
    """
    self._learner.restore(load_learner(self._learner.save()))
    params = trees.like(self._params, state["params"])
    self._params = jax.tree.map(jnp.array, params)
    self._num_rounds = int(state["num_rounds"])
    if self._saver is not None and "replay" in state:
      self._saver.restore(state["replay"])
      self._num_updates = int(state["num_updates"])
    for i, half in enumerate(self._halves):
      half.restore(state[f"half_{i}"])

  def _write_priorities(self) -> None:
    if self._learned is not None:
      keys, priorities = self._learned
      self._replay.update_priorities(keys, jax.device_get(priorities))
      self._learned = None

  def _newest_params(self) -> dict[str, Any]:
    """Copies, since an update gives the learner's memory away."""
    device = jax.local_devices()[0]
    return {
      name: jax.device_put(jax.tree.map(jnp.copy, params), device)
      for name, params in self._learner.variables().items()
    }


def _on_host(initial_priorities: Callable[..., Any]) -> Callable[..., Any]:
  """Has it not wait for an accelerator that is learning."""
  host = jax.local_devices(backend="cpu")[0]

  def on_host(*arguments):
    with jax.default_device(host):
      return initial_priorities(*arguments)

  return on_host
