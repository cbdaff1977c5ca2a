"""Behavior Transfer's behaviour: Algorithm 1 of arXiv 2102.13515.

Axes: A primitive actions, K pre-trained policies, E = A + K entries of the
extended action set A+ (A without extra actions).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from .. import exploration, policies
from .. import networks as networks_lib
from ..r2d2 import acting as r2d2_acting
from ..r2d2 import losses as r2d2_losses
from . import config as config_lib
from . import losses


class BTState(NamedTuple):
  """State of the policy in one environment.

  Attributes:
    rng to before, values: see `policies.first`.
    epsilon: float32 `[]`, chance of a uniformly drawn entry outside flights.
    pretrained: state of each pre-trained policy, K of them.
    decision: of the last step.
    remaining: int32 `[]`, steps left of the current flight.
    flight_policy: int32 `[]`, the pre-trained policy that flies it.
  """

  rng: chex.PRNGKey
  prev_action: chex.Array
  core_state: networks_lib.LSTMState
  before: policies.RecurrentState
  epsilon: chex.Array
  pretrained: tuple[Any, ...]
  decision: "Decision"
  remaining: chex.Array
  flight_policy: chex.Array
  values: chex.Array


class Decision(NamedTuple):
  """Who acts at a step, and what the pre-trained policies would do.

  Attributes:
    choice: int32 `[]`; below A the agent's primitive, A + k when policy k acts,
      by flight or by extra action.
    in_flight: bool `[]`.
    pretrained_actions: int32 `[K]`.
  """

  choice: chex.Array
  in_flight: chex.Array
  pretrained_actions: chex.Array


def make_policy(
  networks: networks_lib.Networks,
  pretrained: Sequence[policies.PretrainedPolicy],
  config: config_lib.BTConfig,
  evaluation: bool = False,
) -> policies.Policy:
  """The training policy; at evaluation flights are off and a+ stays on."""
  num_actions, num_policies = networks.num_actions, len(pretrained)
  step = policies.make_step(networks)
  draw_epsilon = r2d2_acting.epsilon_sampler(config, evaluation)
  flights = config.use_flights and not evaluation
  epsilon_levy = config.epsilon_levy if flights else 0.0
  flight_length = exploration.zeta_length(
    config.zeta_exponent, config.max_flight_length
  )

  def init(
    key: chex.PRNGKey, share: exploration.Share = exploration.WHOLE
  ) -> BTState:
    key, epsilon_key, *policy_keys = jax.random.split(key, 2 + num_policies)
    return BTState(
      **policies.first(networks, key, draw_epsilon(epsilon_key, share)),
      pretrained=tuple(
        policy.init(k)
        for policy, k in zip(pretrained, policy_keys, strict=True)
      ),
      decision=Decision(
        choice=jnp.int32(0),
        in_flight=jnp.bool_(False),
        pretrained_actions=jnp.zeros((num_policies,), jnp.int32),
      ),
      remaining=jnp.int32(0),
      flight_policy=jnp.int32(0),
    )

  def decide(key, q, pretrained_actions, state: BTState):
    """Algorithm 1 for one step, up to taking the action."""
    start_key, length_key, policy_key, explore_key, uniform_key = (
      jax.random.split(key, 5)
    )
    in_flight, started, remaining = exploration.continue_or_start_flight(
      start_key, length_key, state.remaining, epsilon_levy, flight_length
    )
    flight_policy = jnp.where(
      started,
      jax.random.randint(policy_key, (), 0, num_policies),
      state.flight_policy,
    )
    explore = jax.random.uniform(explore_key) < state.epsilon
    entry = jnp.where(
      explore,
      jax.random.randint(uniform_key, (), 0, networks.num_entries),
      jnp.argmax(q),
    )
    choice = jnp.where(in_flight, num_actions + flight_policy, entry)
    choice = choice.astype(jnp.int32)
    return state._replace(
      decision=Decision(choice, in_flight, pretrained_actions),
      remaining=remaining,
      flight_policy=flight_policy,
    )

  def select_action(params, observation, state: BTState):
    rng, decide_key = jax.random.split(state.rng)
    # Every pre-trained policy sees every observation, also when another acts,
    # so that its memory is fresh when a flight begins.
    acted = [
      policy.select_action(
        observation, policy_state._replace(prev_action=state.prev_action)
      )
      for policy, policy_state in zip(pretrained, state.pretrained, strict=True)
    ]
    pretrained_actions = jnp.stack([action for action, _ in acted])
    q, core_state = step(params, observation, state)
    state = decide(decide_key, q, pretrained_actions, state)
    choice = state.decision.choice
    called = pretrained_actions[jnp.maximum(choice - num_actions, 0)]
    action = jnp.where(choice < num_actions, choice, called)
    state = policies.after(state, rng, action, core_state, q)
    return action, state._replace(
      pretrained=tuple(policy_state for _, policy_state in acted)
    )

  def get_extras(state: BTState):
    return {"recurrent_state": state.before, **state.decision._asdict()}

  def telemetry(state: BTState):
    in_flight = state.decision.in_flight
    called = (state.decision.choice >= num_actions) & ~in_flight
    return {
      "flight": in_flight.astype(jnp.float32),
      "extra_action": called.astype(jnp.float32),
    }

  return policies.Policy(
    init,
    select_action,
    get_extras,
    telemetry,
    action_values=lambda *arguments: step(*arguments)[0],
    initial_priorities=r2d2_losses.make_initial_priorities(
      config, losses.make_td_errors(num_actions, config)
    ),
  )
