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
    rng to before, values: see `policies.first`.
    epsilon: float32 `[]`, chance that a flight starts.
    remaining: int32 `[]`, steps left of the current flight.
    flight_action: int32 `[]`, the action that it repeats.
    in_flight: bool `[]`, whether the last step was random.
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


def make_policy(
  networks: networks_lib.Networks,
  config: config_lib.R2D2Config,
  evaluation: bool = False,
) -> policies.Policy:
  """The training policy, or at evaluation epsilon-greedy at `eval_epsilon`."""
  step = policies.make_step(networks)
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
    return R2D2State(
      **policies.first(networks, key, draw_epsilon(epsilon_key, share)),
      remaining=jnp.int32(0),
      flight_action=jnp.int32(0),
      in_flight=jnp.bool_(False),
    )

  def select_action(params, observation, state: R2D2State):
    rng, start_key, length_key, action_key = jax.random.split(state.rng, 4)
    q, core_state = step(params, observation, state)
    in_flight, started, remaining = exploration.continue_or_start_flight(
      start_key, length_key, state.remaining, state.epsilon, sample_length
    )
    random_action = jax.random.randint(action_key, (), 0, networks.num_actions)
    flight_action = jnp.where(started, random_action, state.flight_action)
    action = jnp.where(in_flight, flight_action, jnp.argmax(q))
    action = action.astype(jnp.int32)
    state = policies.after(state, rng, action, core_state, q)
    return action, state._replace(
      remaining=remaining,
      flight_action=flight_action,
      in_flight=in_flight,
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
    action_values=lambda *arguments: step(*arguments)[0],
    initial_priorities=losses.make_initial_priorities(
      config, losses.make_td_errors(config)
    ),
  )
