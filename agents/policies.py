"""What a policy is: pure functions over one environment.

`jax.vmap` over `state` (and observations) steps many environments at once.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import chex
import jax
import jax.numpy as jnp
import numpy as np

from . import networks as networks_lib

State = Any

# What acting asks of a learner's variables, by name.
POLICY = "policy"
OWN_REWARD = "intrinsic"


class RecurrentState(NamedTuple):
  """All that a recurrent policy carries from one step to the next.

  Attributes:
    prev_action: int32 `[]`, the primitive action executed last,
      `networks.NO_ACTION` at the first step of an episode.
    core_state: state of the LSTM.
  """

  prev_action: chex.Array
  core_state: networks_lib.LSTMState


class OwnReward(Protocol):
  """The reward that an agent gives itself; see `ngu.reward.BatchedReward`."""

  def begin(self, index: int, params: Any, observation: np.ndarray) -> None: ...

  def mix(
    self,
    params: Any,
    extras: Mapping[str, np.ndarray],
    observations: np.ndarray,
    rewards: np.ndarray,
  ) -> tuple[np.ndarray, dict[str, np.ndarray]]: ...

  def save(self) -> dict[str, Any]: ...

  def restore(self, state: Mapping[str, Any]) -> None: ...


class Policy(NamedTuple):
  """A policy of this zoo; `init` to `get_extras` are Acme's `ActorCore`.

  Every state has the fields of `first`. Whoever executes another action than
  the selected one replaces `prev_action` before the next step.

  Attributes:
    init: (key, share=`exploration.WHOLE`) -> state at the start of an episode;
      the share is the environment's, of the ladder of exploration rates.
    select_action: (params, observation, state) -> (action int32 `[]`, state).
    get_extras: state -> what replay keeps of the last step: a dictionary with
      "recurrent_state", the `RecurrentState` *before* that step, and whatever
      else the agent's loss needs of every step.
    telemetry: state -> {name: float `[]`}, who acted at the last step.
    action_values: (params, observation, state) -> those of an observation that
      ends an episode, where nothing is decided any more.
    initial_priorities: (values `[T + 1, B, A+]`, the T learned rows of new
      sequences, time-major) -> their priorities in replay, float32 `[B]`.
    own_reward: (E, number in the run of the first) -> what rewards the agent in
      E environments; None where it learns from the environments' rewards alone.
  """

  init: Callable[..., State]
  select_action: Callable[..., tuple[chex.Array, State]]
  get_extras: Callable[[State], dict[str, Any]]
  telemetry: Callable[[State], dict[str, chex.Array]]
  action_values: Callable[..., chex.Array]
  initial_priorities: Callable[..., jax.Array]
  own_reward: Callable[[int, int], OwnReward] | None = None


class PretrainedPolicy(NamedTuple):
  """A frozen policy, as a black box from observations to actions.

  Attributes:
    name: what a person would call it: a path, or `module:function`.
    init: key -> state at the start of an episode; it has the field
      `prev_action`.
    select_action: (observation, state) -> (action int32 `[]`, state).
    telemetry: state -> {name: float `[]`}.
    params: its network's parameters, with which it gives action values as they
      are, `value_scale` being 1; None when it has no such network.
  """

  name: str
  init: Callable[[chex.PRNGKey], State]
  select_action: Callable[[chex.Array, State], tuple[chex.Array, State]]
  telemetry: Callable[[State], dict[str, chex.Array]] = lambda state: {}
  params: networks_lib.Params | None = None


def num_entries(policy: Policy) -> int:
  """Entries of its network's head, A+."""
  return jax.eval_shape(policy.init, jax.random.PRNGKey(0)).values.shape[-1]


def initial_recurrent_state(networks: networks_lib.Networks) -> RecurrentState:
  """The recurrent state at the start of an episode."""
  return RecurrentState(
    jnp.int32(networks_lib.NO_ACTION), networks.initial_state()
  )


def make_step(
  networks: networks_lib.Networks,
  get_context: Callable[[State], tuple[chex.Array, ...]] = lambda state: (),
) -> Callable[..., tuple[chex.Array, networks_lib.LSTMState]]:
  """(params, observation, state) -> action values `[A+]`, state of the LSTM."""

  def step(params, observation, state):
    return networks.step(
      params,
      observation,
      state.prev_action,
      state.core_state,
      *get_context(state),
    )

  return step


def first(
  networks: networks_lib.Networks, rng: chex.PRNGKey, epsilon: chex.Array
) -> dict[str, Any]:
  """What all states have, at the start of an episode.

  rng: key of this environment's stream.
  prev_action: int32 `[]`, executed last.
  core_state: of the LSTM.
  before: both of these as they were before the last step.
  epsilon: float32 `[]`, chance that the agent explores.
  values: float32 `[A+]`, action values of the last step.
  """
  recurrent = initial_recurrent_state(networks)
  values = jnp.zeros((networks.num_entries,), jnp.float32)
  return dict(
    rng=rng,
    prev_action=recurrent.prev_action,
    core_state=recurrent.core_state,
    before=recurrent,
    epsilon=epsilon,
    values=values,
  )


def after(
  state: State,
  rng: chex.PRNGKey,
  action: chex.Array,
  core_state: networks_lib.LSTMState,
  values: chex.Array,
) -> State:
  """The state after a step, in those of these fields that change."""
  return state._replace(
    rng=rng,
    prev_action=action,
    core_state=core_state,
    before=RecurrentState(state.prev_action, state.core_state),
    values=values,
  )


class UniformState(NamedTuple):
  """State of the uniform policy."""

  rng: chex.PRNGKey
  prev_action: chex.Array


def uniform(environment_spec: Any) -> PretrainedPolicy:
  """A policy that knows nothing: uniform over the primitive actions."""
  num_actions = environment_spec.actions.num_values

  def init(key):
    return UniformState(key, jnp.int32(networks_lib.NO_ACTION))

  def select_action(observation, state):
    del observation
    rng, key = jax.random.split(state.rng)
    action = jax.random.randint(key, (), 0, num_actions)
    return action, UniformState(rng, action)

  return PretrainedPolicy("uniform", init, select_action)
