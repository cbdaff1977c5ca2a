"""A policy in many environments: a leading axis of E on every leaf."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import chex
import dm_env
import jax
import jax.numpy as jnp
import numpy as np

from . import exploration, policies, trees

# Any pytree of arrays.
State = Any


def repeat(state: State, num: int) -> State:
  """The states of `num` environments that are alike."""
  return jax.tree.map(lambda x: jnp.broadcast_to(x, (num, *x.shape)), state)


def take(states: State, index: chex.Array) -> State:
  """The state of environment `index`, int32 `[]`."""
  return jax.tree.map(lambda x: x[index], states)


def put(states: State, index: chex.Array, state: State) -> State:
  """The states with that of environment `index` replaced."""
  return jax.tree.map(lambda many, one: many.at[index].set(one), states, state)


class Decisions(NamedTuple):
  """What a policy did at a step, `[E, ...]` each, on its device.

  Attributes:
    action: int32 `[E]`.
    extras: what replay keeps of the step, without the recurrent state.
    recurrent_state: before the step; None where it was left behind.
    values: float32 `[E, A+]`, of all actions.
    telemetry: {name: float32 `[E]`}.
  """

  action: chex.Array
  extras: dict[str, Any]
  recurrent_state: policies.RecurrentState | None
  values: chex.Array
  telemetry: dict[str, chex.Array]


def _decisions(policy: policies.Policy, action: jax.Array, state: State):
  extras = dict(policy.get_extras(state))
  recurrent_state = extras.pop("recurrent_state")
  telemetry = policy.telemetry(state)
  return Decisions(action, extras, recurrent_state, state.values, telemetry)


@functools.lru_cache(maxsize=8)
def _compiled(policy: policies.Policy):
  """Jitted functions of E environments, shared by all batches of a policy."""

  def empty(random_key, num):
    return repeat(policy.init(random_key), num)

  def begin(states, index, random_key, share, episode):
    # Of nothing else, so that neither the batch that an environment sits in
    # nor the lengths of the others' episodes can be told from its actions.
    key = jax.random.fold_in(random_key, share.index)
    key = jax.random.fold_in(key, episode)
    return put(states, index, policy.init(key, share))

  def step(params, observation, state):
    action, state = policy.select_action(params, observation, state)
    return _decisions(policy, action, state), state

  in_axes = (None, 0, 0)
  return (
    jax.jit(empty, static_argnums=1),
    jax.jit(begin, donate_argnums=0),
    jax.jit(jax.vmap(step, in_axes)),
    jax.jit(jax.vmap(policy.action_values, in_axes)),
  )


class BatchedPolicy:
  """A policy in E environments that go in lock-step.

  Where it takes parameters, they are a learner's variables by name.
  """

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    size: int,
    first_environment: int = 0,
    num_environments: int = 1,
    is_recorded: bool = False,
  ):
    """Initialises the policy; each environment must begin an episode next.

    Args:
      policy: the policy.
      random_key: the same for all batches of a run; each episode of each
        environment gets a key of its own from it. It lies where to act.
      size: E.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
      is_recorded: whether somebody learns from it, and so from a reward of the
        policy's own.
    """
    empty, self._begin, self._step, self._action_values = _compiled(policy)
    self._policy = policy
    self._random_key = random_key
    self._environments = range(first_environment, first_environment + size)
    self._num_environments = num_environments
    self._num_episodes = [0] * size
    self._states = empty(random_key, size)
    self._own_reward = None
    if is_recorded and policy.own_reward is not None:
      self._own_reward = policy.own_reward(size, first_environment)

  @property
  def variables(self) -> list[str]:
    """Names of the parameters that it takes."""
    own = [policies.OWN_REWARD] if self._own_reward else []
    return [policies.POLICY, *own]

  def begin(
    self, index: int, params: Mapping[str, Any], observation: np.ndarray
  ) -> None:
    """Environment `index` of the batch begins an episode with that."""
    share = exploration.Share(self._environments[index], self._num_environments)
    self._states = self._begin(
      self._states, index, self._random_key, share, self._num_episodes[index]
    )
    self._num_episodes[index] += 1
    if self._own_reward is not None:
      self._own_reward.begin(index, params[policies.OWN_REWARD], observation)

  def step(
    self, params: Mapping[str, Any], observations: np.ndarray
  ) -> Decisions:
    """Decides for all environments, by their observations `[E, ...]`."""
    decisions, self._states = self._step(
      params[policies.POLICY], observations, self._states
    )
    return decisions

  def outcome(
    self,
    params: Mapping[str, Any],
    decisions: Decisions,
    reached: np.ndarray,
    rewards: np.ndarray,
    is_cut: np.ndarray,
  ) -> tuple[Decisions, np.ndarray, np.ndarray]:
    """What is learned of a step.

    Args:
      params: that were acted by.
      decisions: of the step, on the host.
      reached: observations `[E, ...]` that it led to.
      rewards: float32 `[E]`, the environments'.
      is_cut: bool `[E]`, where it ended an episode that might have gone on.

    Returns:
      The decisions with telemetry of the reward, rewards float32 `[E]`, and
      the action values float32 `[E, A+]` of `reached`, wherever it was cut.
    """
    if self._own_reward is not None:
      rewards, figures = self._own_reward.mix(
        params[policies.OWN_REWARD], decisions.extras, reached, rewards
      )
      telemetry = {**decisions.telemetry, **figures}
      decisions = decisions._replace(telemetry=telemetry)
    last_values = np.zeros_like(decisions.values)
    if is_cut.any():
      last_values = jax.device_get(
        self._action_values(params[policies.POLICY], reached, self._states)
      )
    return decisions, rewards, last_values

  @property
  def template(self) -> Decisions:
    """Shapes and dtypes of what `step` gives."""

    def decisions(state):
      return _decisions(self._policy, state.prev_action, state)

    return jax.eval_shape(jax.vmap(decisions), self._states)

  def save(self) -> dict[str, Any]:
    """The state of all environments."""
    episodes = np.array(self._num_episodes)
    state = {"policy": {"num_episodes": episodes, "states": self._states}}
    if self._own_reward is not None:
      state["own_reward"] = self._own_reward.save()
    return state

  def restore(self, state: Mapping[str, Any]) -> None:
    """Goes on from what `save` gave."""
    self._num_episodes = state["policy"]["num_episodes"].tolist()
    states = trees.like(self._states, state["policy"]["states"])
    # Copies, since a step gives away what would be the caller's memory.
    self._states = jax.tree.map(jnp.array, states)
    if self._own_reward is not None:
      self._own_reward.restore(state["own_reward"])


class Actor:
  """Acts in E environments at once, and keeps nothing of it.

  They go in lock-step: before the first `select_actions` each environment has
  begun an episode, and one whose episode has ended begins the next before the
  next `select_actions`.
  """

  def __init__(
    self, policy: BatchedPolicy, get_params: Callable[[], Mapping[str, Any]]
  ):
    self._policy, self._get_params = policy, get_params
    self._decisions: Any = None  # of the last step, fetched

  @property
  def telemetry(self) -> list[dict[str, float]]:
    """Who acted at the last step in each environment: {name: 0 or 1}."""
    figures = self._decisions.telemetry
    return [
      {name: float(values[i]) for name, values in figures.items()}
      for i in range(len(self._decisions.action))
    ]

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    """Environment `index` of the batch begins an episode."""
    self._policy.begin(index, self._get_params(), timestep.observation)

  def select_actions(self, observations: Sequence[np.ndarray]) -> np.ndarray:
    """Decides in all environments; int32 `[E]`."""
    decisions = self._policy.step(self._get_params(), np.stack(observations))
    # All at once: a fetch costs much more than what it brings.
    self._decisions = jax.device_get(decisions)
    return self._decisions.action

  def observe(
    self, actions: Sequence[Any], timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    """What the actions led to, in each environment."""
