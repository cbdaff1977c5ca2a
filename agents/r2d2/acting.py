"""R2D2's behaviour: epsilon-greedy, or random actions repeated in flights."""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from .. import exploration, policies
from .. import networks as networks_lib
from . import config as config_lib
from . import losses


class R2D2State(NamedTuple):
  """State of the policy in one environment.

  Attributes:
    rng: key of this environment's stream.
    prev_action: int32 `[]`, executed last.
    core_state: of the LSTM.
    before: both of these as they were before the last step.
    epsilon: float32 `[]`, chance that a flight starts.
    remaining: int32 `[]`, steps left of the current flight.
    flight_action: int32 `[]`, the action that it repeats.
    in_flight: bool `[]`, whether the last step was random.
    values: float32 `[A+]`, action values of the last step.
  """

  rng: chex.PRNGKey
  prev_action: chex.Array
  core_state: networks_lib.LSTMState
  before: policies.RecurrentState
  epsilon: chex.Array
  remaining: chex.Array
  flight_action: chex.Array
  in_flight: chex.Array
  values: chex.Array


def epsilon_sampler(
  config: config_lib.R2D2Config, evaluation: bool
) -> Callable[[chex.PRNGKey, exploration.Share], chex.Array]:
  """Exploration rate of an episode: a rung of the ladder, or `eval_epsilon`."""
  if evaluation:
    return lambda key, share: jnp.float32(config.eval_epsilon)
  ladder = exploration.epsilon_ladder(
    config.num_environments, config.epsilon_base, config.epsilon_alpha
  )
  return lambda key, share: exploration.draw_epsilon(key, ladder, share)


def action_values(networks: networks_lib.Networks) -> Callable[..., chex.Array]:
  """What `policies.Policy` calls so, for states of R2D2 and of BT."""

  def values(params, observation, state):
    q, _ = networks.step(
      params, observation, state.prev_action, state.core_state
    )
    return q

  return values


def make_policy(
  networks: networks_lib.Networks,
  config: config_lib.R2D2Config,
  evaluation: bool = False,
) -> policies.Policy:
  """The training policy, or at evaluation epsilon-greedy at `eval_epsilon`."""
  draw_epsilon = epsilon_sampler(config, evaluation)
  if config.exploration == "ez_greedy" and not evaluation:
    sample_length = exploration.zeta_length(
      config.zeta_exponent, config.max_flight_length
    )
  else:
    sample_length = exploration.single_step

  def init(
    key: chex.PRNGKey, share: exploration.Share = exploration.WHOLE
  ) -> R2D2State:
    key, epsilon_key = jax.random.split(key)
    recurrent = policies.initial_recurrent_state(networks)
    return R2D2State(
      rng=key,
      prev_action=recurrent.prev_action,
      core_state=recurrent.core_state,
      before=recurrent,
      epsilon=draw_epsilon(epsilon_key, share),
      remaining=jnp.int32(0),
      flight_action=jnp.int32(0),
      in_flight=jnp.bool_(False),
      values=jnp.zeros((networks.num_entries,), jnp.float32),
    )

  def select_action(params, observation, state: R2D2State):
    rng, start_key, length_key, action_key = jax.random.split(state.rng, 4)
    q, core_state = networks.step(
      params, observation, state.prev_action, state.core_state
    )
    in_flight, started, remaining = exploration.continue_or_start_flight(
      start_key, length_key, state.remaining, state.epsilon, sample_length
    )
    random_action = jax.random.randint(action_key, (), 0, networks.num_actions)
    flight_action = jnp.where(started, random_action, state.flight_action)
    action = jnp.where(in_flight, flight_action, jnp.argmax(q))
    action = action.astype(jnp.int32)
    return action, R2D2State(
      rng=rng,
      prev_action=action,
      core_state=core_state,
      before=policies.RecurrentState(state.prev_action, state.core_state),
      epsilon=state.epsilon,
      remaining=remaining,
      flight_action=flight_action,
      in_flight=in_flight,
      values=q,
    )

  def get_extras(state: R2D2State):
    return {"recurrent_state": state.before}

  def telemetry(state: R2D2State):
    return {"random": state.in_flight.astype(jnp.float32)}

  return policies.Policy(
    init,
    select_action,
    get_extras,
    telemetry,
    get_values=lambda state: state.values,
    action_values=action_values(networks),
    initial_priorities=losses.make_initial_priorities(
      config, losses.make_td_errors(config)
    ),
  )
