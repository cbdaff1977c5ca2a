"""An agent that acts in many environments and learns, all in one process.

It has no clock of its own: whoever runs it says what came of the decisions in
a half of the environments, has it decide there again, and has it learn. What it
does follows from its seeds and from the order of these calls.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import dm_env
import jax
import jax.numpy as jnp
import numpy as np

from . import agent as agent_lib
from . import batching, policies, sequences, trees
from . import learner as learner_lib
from .replay import cutter as cutter_lib
from .replay import frames, saving, store, writer


class Results(Protocol):
  """What came of the decisions in the n environments of a half.

  Attributes:
    observation: `[n, ...]`, to decide on next; the first of the next episode
      where one has ended.
    final_observation: `[n, ...]`, of the episode that ended there.
    reward, discount: float32 `[n]`, of the step that led here.
    last: bool `[n]`, whether it ended an episode.
    blocks: frames that were completed by then, by number in the half.
  """

  @property
  def observation(self) -> np.ndarray: ...
  @property
  def final_observation(self) -> np.ndarray: ...
  @property
  def reward(self) -> np.ndarray: ...
  @property
  def discount(self) -> np.ndarray: ...
  @property
  def last(self) -> np.ndarray: ...
  @property
  def blocks(self) -> Mapping[int, frames.Block]: ...


@dataclasses.dataclass(frozen=True)
class Seeds:
  """Of what is random in an agent."""

  learner: int
  acting: int
  replay: int


class _Half:
  """The environments that are decided for at once."""

  def __init__(
    self,
    policy: batching.BatchedPolicy,
    own_reward: policies.OwnReward | None,
    writer_: writer.Writer,
    size: int,
  ):
    self._policy = policy
    self._own_reward = own_reward
    self._writer = writer_
    self._decisions: batching.Decisions | None = None  # None before the first
    self._num_steps = np.zeros(size, np.int64)  # of each episode so far
    self._telemetry: dict[str, np.ndarray] = {}  # sums over these

  def observe(
    self, params: Mapping[str, Any], results: Results
  ) -> dict[int, dict[str, float]] | None:
    """See `EmbeddedAgent.observe`."""
    begun, ended = range(len(results.last)), None
    if self._decisions is not None:
      self._record(params, self._decisions, results)
      begun = np.flatnonzero(results.last).tolist()
      ended = {index: self._summary(index) for index in begun}
    for index in begun:
      self._policy.begin(index)
      if self._own_reward is not None:
        self._own_reward.begin(
          index, params[policies.OWN_REWARD], results.observation[index]
        )
    return ended

  def decide(
    self, params: Mapping[str, Any], observations: np.ndarray
  ) -> np.ndarray:
    """See `EmbeddedAgent.decide`."""
    decisions = self._policy.step(params[policies.POLICY], observations)
    # The recurrent state is large, and wanted now and then.
    small = decisions._replace(recurrent_state=None)
    self._decisions = jax.device_get(small)._replace(
      recurrent_state=decisions.recurrent_state
    )
    return self._decisions.action

  def save(self) -> trees.Arrays:
    """Everything, by name."""
    arrays = {
      "num_steps": self._num_steps.copy(),
      **trees.under("policy", self._policy.save()),
      **trees.under("writer", self._writer.save_state()),
      **trees.under("telemetry", trees.fetched(self._telemetry)),
      **trees.under("decisions", trees.fetched(self._decisions)),
    }
    if self._own_reward is not None:
      arrays.update(trees.under("own_reward", self._own_reward.save()))
    return arrays

  def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
    """Goes on from what `save` gave."""
    self._num_steps = arrays["num_steps"].copy()
    self._policy.restore(trees.within("policy", arrays))
    self._writer.restore_state(trees.within("writer", arrays))
    self._telemetry = {
      name: array.copy()
      for name, array in trees.within("telemetry", arrays).items()
    }
    saved = trees.within("decisions", arrays)
    self._decisions = (
      trees.like(self._policy.template, saved) if saved else None
    )
    if self._own_reward is not None:
      self._own_reward.restore(trees.within("own_reward", arrays))

  def _record(
    self,
    params: Mapping[str, Any],
    decisions: batching.Decisions,
    results: Results,
  ) -> None:
    rewards, telemetry, last = results.reward, decisions.telemetry, results.last
    reached = results.observation
    if last.any():
      ends = last.reshape(-1, *[1] * (reached.ndim - 1))
      reached = np.where(ends, results.final_observation, reached)
    if self._own_reward is not None:
      rewards, figures = self._own_reward.mix(
        params[policies.OWN_REWARD], decisions.extras, reached, rewards
      )
      telemetry = {**telemetry, **figures}
    last_values = np.zeros_like(decisions.values)
    if (last & (results.discount != 0)).any():
      last_values = jax.device_get(
        self._policy.action_values(params[policies.POLICY], reached)
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
    for name, values in telemetry.items():
      so_far = self._telemetry.setdefault(name, np.zeros(len(last), np.float64))
      so_far += values

  def _summary(self, index: int) -> dict[str, float]:
    """Means over the episode that ended."""
    means = {}
    for name, values in self._telemetry.items():
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
    key, make_reward = jax.random.PRNGKey(seeds.acting), agent.policy.own_reward
    self._halves = []
    for half, size in enumerate(sizes):
      first = sum(sizes[:half])
      policy = batching.BatchedPolicy(
        agent.policy, key, size, first, sum(sizes)
      )
      self._halves.append(
        _Half(
          policy,
          None if make_reward is None else make_reward(size, first),
          writer.Writer(
            self._replay,
            size,
            policies.num_entries(agent.policy),
            _on_host(agent.policy.initial_priorities),
          ),
          size,
        )
      )
    self._params: Mapping[str, Any] = self._newest_params()
    self._num_rounds = 0
    self._num_updates = 0  # from what is, or was, in this replay
    # Priorities that are still to be written; to fetch them takes waiting.
    self._learned: tuple[np.ndarray, jax.Array] | None = None

  def observe(
    self, half: int, results: Results
  ) -> dict[int, dict[str, float]] | None:
    """Takes in what came of the decisions in a half, or how it begins.

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
      observations: of `Results`, already observed.
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
    owed = self._num_owed()
    if owed <= 0:
      return
    self._write_priorities()
    sample = self._replay.sample(self._config.batch_size)
    for remaining in reversed(range(owed)):
      batch = self._replay.load(sample)
      output = self._learner.step(batch, sample.probability)
      keys = sample.keys
      if remaining:
        # Drawn by what was known before this update, so that to decompress it
        # takes place while a device learns.
        sample = self._replay.sample(self._config.batch_size)
      self._write_priorities()
      self._learned = keys, output.priorities
      self._num_updates += 1
      yield output.metrics

  def evaluator(self, seed: int) -> "Evaluator":
    """The agent as it is now, in one environment, without learning."""
    params = self._newest_params()[policies.POLICY]
    return Evaluator(self._agent.evaluation_policy, params, seed)

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

  def save(self) -> tuple[Any, Any, trees.Arrays]:
    """Writes what is new in replay, if that is kept.

    Returns:
      The parameters that act, the learner's state, and all else by name.
    """
    self._write_priorities()
    arrays = {
      "num_rounds": np.array(self._num_rounds),
      "num_updates": np.array(self._num_updates),
      **trees.under("params", trees.fetched(self._params)),
    }
    if self._saver is not None:
      arrays.update(trees.under("replay", self._saver.save()))
    for number, half in enumerate(self._halves):
      arrays.update(trees.under(f"half_{number}", half.save()))
    params = self._learner.variables()[policies.POLICY]
    return jax.device_get(params), self._learner.save(), arrays

  def learner_template(self) -> Any:
    """A learner's state to load another into; see `checkpoints`."""
    return self._learner.save()

  def restore(
    self,
    learner_state: Any,
    arrays: Mapping[str, np.ndarray],
  ) -> None:
    """Goes on from what `save` gave."""
    self._learner.restore(learner_state)
    params = trees.like(self._params, trees.within("params", arrays))
    self._params = jax.tree.map(jnp.array, params)
    self._num_rounds = int(arrays["num_rounds"])
    index = trees.within("replay", arrays)
    if self._saver is not None and index:
      self._saver.restore(index)
      self._num_updates = int(arrays["num_updates"])
    for number, half in enumerate(self._halves):
      half.restore(trees.within(f"half_{number}", arrays))

  def _num_owed(self) -> int:
    config = self._config
    beyond = self._replay.inserts - config.min_replay_size
    samples = max(beyond, 0) * self._samples_per_insert
    return int(samples // config.batch_size) - self._num_updates

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


class Evaluator:
  """Acts in one environment at evaluation."""

  def __init__(self, policy: policies.Policy, params: Any, seed: int):
    self._policy = batching.BatchedPolicy(policy, jax.random.PRNGKey(seed), 1)
    self._params = params
    self._telemetry: dict[str, np.ndarray] = {}

  @property
  def telemetry(self) -> list[dict[str, float]]:
    """Who acted at the last step."""
    return [{name: float(x[0]) for name, x in self._telemetry.items()}]

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    """An episode begins."""
    del timestep
    self._policy.begin(index)

  def select_actions(self, observations: Sequence[np.ndarray]) -> np.ndarray:
    """Decides, `[1]`."""
    decisions = self._policy.step(self._params, np.stack(observations))
    action, self._telemetry = jax.device_get(
      (decisions.action, decisions.telemetry)
    )
    return action

  def observe(
    self, actions: np.ndarray, timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    """Nothing is kept."""

  def update(self, wait: bool = False) -> None:
    """It stays as it is."""
