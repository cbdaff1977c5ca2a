"""What a policy is: pure functions over one environment.

`jax.vmap` over `state` (and observations) steps many environments at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax.numpy as jnp

from . import networks as networks_lib

State = Any


class RecurrentState(NamedTuple):
  """All that a recurrent policy carries from one step to the next.

  Attributes:
    prev_action: int32 `[]`, the primitive action executed last,
      `networks.NO_ACTION` at the first step of an episode.
    core_state: state of the LSTM.
  """

  prev_action: chex.Array
  core_state: networks_lib.LSTMState


class Policy(NamedTuple):
  """A policy of this zoo; the first three fields are Acme's `ActorCore`.

  Every state has the field `prev_action` (of `RecurrentState`). Whoever
  executes another action than the selected one replaces it before the next
  step.

  Attributes:
    init: (key, share=`exploration.WHOLE`) -> state at the start of an episode;
      the share is the environment's, of the ladder of exploration rates.
    select_action: (params, observation, state) -> (action int32 `[]`, state).
    get_extras: state -> what replay keeps of the last step: a dictionary with
      "recurrent_state", the `RecurrentState` *before* that step, and whatever
      else the agent's loss needs of every step.
    telemetry: state -> {name: float `[]`}, who acted at the last step.
    intrinsic_reward: functions of the reward that the agent gives itself (see
      `ngu.intrinsic`); None where it learns from the environment's alone.
  """

  init: Callable[..., State]
  select_action: Callable[..., tuple[chex.Array, State]]
  get_extras: Callable[[State], dict[str, Any]]
  telemetry: Callable[[State], dict[str, chex.Array]]
  intrinsic_reward: Any = None


class PretrainedPolicy(NamedTuple):
  """A frozen policy, as a black box from observations to actions.

  Attributes:
    name: what a person would call it: a path, or `module:function`.
    init: key -> state at the start of an episode; it has the field
      `prev_action`.
    select_action: (observation, state) -> (action int32 `[]`, state).
    telemetry: state -> {name: float `[]`}.
    params: its network's parameters, None when it has no such network.
  """

  name: str
  init: Callable[[chex.PRNGKey], State]
  select_action: Callable[[chex.Array, State], tuple[chex.Array, State]]
  telemetry: Callable[[State], dict[str, chex.Array]] = lambda state: {}
  params: networks_lib.Params | None = None


def initial_recurrent_state(networks: networks_lib.Networks) -> RecurrentState:
  """The recurrent state at the start of an episode."""
  return RecurrentState(
    jnp.int32(networks_lib.NO_ACTION), networks.initial_state()
  )
