"""A policy in many environments: a leading axis of E on every leaf."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import chex
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
  values, telemetry = policy.get_values(state), policy.telemetry(state)
  return Decisions(action, extras, recurrent_state, values, telemetry)


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
  """A policy in E environments that go in lock-step."""

  def __init__(
    self,
    policy: policies.Policy,
    random_key: jax.Array,
    size: int,
    first_environment: int = 0,
    num_environments: int = 1,
  ):
    """Initialises the policy; each environment must begin an episode next.

    Args:
      policy: the policy.
      random_key: the same for all batches of a run; each episode of each
        environment gets a key of its own from it. It lies where to act.
      size: E.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    empty, self._begin, self._step, self._action_values = _compiled(policy)
    self._policy = policy
    self._random_key = random_key
    self._environments = range(first_environment, first_environment + size)
    self._num_environments = num_environments
    self._num_episodes = [0] * size
    self._states = empty(random_key, size)

  def begin(self, index: int) -> None:
    """Environment `index` of the batch begins an episode."""
    share = exploration.Share(self._environments[index], self._num_environments)
    self._states = self._begin(
      self._states, index, self._random_key, share, self._num_episodes[index]
    )
    self._num_episodes[index] += 1

  def step(self, params: Any, observations: np.ndarray) -> Decisions:
    """Decides for all environments, by their observations `[E, ...]`."""
    decisions, self._states = self._step(params, observations, self._states)
    return decisions

  def action_values(self, params: Any, observations: np.ndarray) -> jax.Array:
    """Values `[E, A+]` of observations that end episodes."""
    return self._action_values(params, observations, self._states)

  @property
  def template(self) -> Decisions:
    """Shapes and dtypes of what `step` gives."""

    def decisions(state):
      return _decisions(self._policy, state.prev_action, state)

    return jax.eval_shape(jax.vmap(decisions), self._states)

  def save(self) -> trees.Arrays:
    """The state of all environments."""
    return {
      "num_episodes": np.array(self._num_episodes),
      **trees.under("states", trees.fetched(self._states)),
    }

  def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
    """Goes on from what `save` gave."""
    self._num_episodes = arrays["num_episodes"].tolist()
    states = trees.like(self._states, trees.within("states", arrays))
    # Copies, since a step gives away what would be the caller's memory.
    self._states = jax.tree.map(jnp.array, states)
