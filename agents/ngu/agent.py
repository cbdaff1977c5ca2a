"""Never Give Up, put together: R2D2 with Retrace and a reward of its own."""

import chex
import jax

from .. import agent, sequences
from . import acting, learning
from . import config as config_lib
from . import networks as ngu_networks


def make_agent(
  networks: ngu_networks.NGUNetworks,
  environment_spec: agent.EnvironmentSpec,
  config: config_lib.NGUConfig,
) -> agent.Agent:
  """An explorer by curiosity in an episode times novelty over a lifetime."""
  policy = acting.make_policy(networks, config)

  def initial_params(key: chex.PRNGKey) -> learning.NGUParams:
    policy_key, intrinsic_key = jax.random.split(key)
    return learning.NGUParams(
      networks.q_network.init(policy_key),
      networks.intrinsic.init(intrinsic_key),
    )

  return agent.Agent(
    config,
    policy,
    acting.make_policy(networks, config, evaluation=True),
    learning.make_learner_core(networks, config),
    initial_params,
    sequences.item_spec(environment_spec, policy, config),
  )
