"""NGU's behaviour: epsilon-greedy in one policy of the mixture an episode."""

import functools
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from .. import exploration, policies
from .. import networks as networks_lib
from ..r2d2 import acting as r2d2_acting
from ..r2d2 import losses as r2d2_losses
from . import config as config_lib
from . import intrinsic, losses, mixture, reward
from . import networks as ngu_networks


class NGUState(NamedTuple):
  """State of the policy in one environment.

  Attributes:
    rng to before, values: see `policies.first`.
    epsilon: float32 `[]`, chance of a uniformly drawn action.
    mixture_index: int32 `[]`, the policy that acts in this episode.
    explored: bool `[]`, whether the last action was drawn uniformly.
    behaviour_probability: float32 `[]`, of the last action.
  """

  rng: chex.PRNGKey
  prev_action: chex.Array
  core_state: networks_lib.LSTMState
  before: policies.RecurrentState
  epsilon: chex.Array
  mixture_index: chex.Array
  explored: chex.Array
  behaviour_probability: chex.Array
  values: chex.Array


def make_policy(
  networks: ngu_networks.NGUNetworks,
  config: config_lib.NGUConfig,
  evaluation: bool = False,
) -> policies.Policy:
  """The training policy, which draws the index of each episode uniformly.

  At evaluation it is the first policy, whose intrinsic weight is 0 where there
  is a task reward.
  """
  draw_epsilon = r2d2_acting.epsilon_sampler(config, evaluation)
  num_policies = 1 if evaluation else mixture.size(config)
  q_network, num_actions = networks.q_network, networks.q_network.num_actions
  step = policies.make_step(
    q_network, lambda state: mixture.context(state.mixture_index, config)
  )

  def init(
    key: chex.PRNGKey, share: exploration.Share = exploration.WHOLE
  ) -> NGUState:
    key, epsilon_key, index_key = jax.random.split(key, 3)
    return NGUState(
      **policies.first(q_network, key, draw_epsilon(epsilon_key, share)),
      mixture_index=jax.random.randint(index_key, (), 0, num_policies),
      explored=jnp.bool_(False),
      behaviour_probability=jnp.float32(1.0),
    )

  def select_action(params, observation, state: NGUState):
    rng, explore_key, action_key = jax.random.split(state.rng, 3)
    q, core_state = step(params, observation, state)
    greedy = jnp.argmax(q)
    explored = jax.random.uniform(explore_key) < state.epsilon
    random_action = jax.random.randint(action_key, (), 0, num_actions)
    action = jnp.where(explored, random_action, greedy).astype(jnp.int32)
    probability = state.epsilon / num_actions + jnp.where(
      action == greedy, 1 - state.epsilon, 0.0
    )
    state = policies.after(state, rng, action, core_state, q)
    return action, state._replace(
      explored=explored, behaviour_probability=probability
    )

  def get_extras(state: NGUState):
    return {
      "recurrent_state": state.before,
      "mixture_index": state.mixture_index,
      "behaviour_probability": state.behaviour_probability,
    }

  def telemetry(state: NGUState):
    random = {"random": state.explored.astype(jnp.float32)}
    if config.unsupervised:
      return random
    return {**random, "mixture_index": state.mixture_index.astype(jnp.float32)}

  return policies.Policy(
    init,
    select_action,
    get_extras,
    telemetry,
    action_values=lambda *arguments: step(*arguments)[0],
    initial_priorities=r2d2_losses.make_initial_priorities(
      config, losses.make_td_errors(config)
    ),
    own_reward=functools.partial(
      reward.BatchedReward,
      intrinsic.make_intrinsic_reward(networks.intrinsic, config),
      config,
    ),
  )
