"""R2D2, put together."""

from .. import agent, learning, sequences
from .. import networks as networks_lib
from . import acting, losses
from . import config as config_lib


def make_agent(
  networks: networks_lib.Networks,
  environment_spec: agent.EnvironmentSpec,
  config: config_lib.R2D2Config,
) -> agent.Agent:
  """Recurrent Q-learning on prioritised sequences."""
  policy = acting.make_policy(networks, config)
  return agent.Agent(
    config,
    policy,
    acting.make_policy(networks, config, evaluation=True),
    learning.make_learner_core(losses.make_loss(networks, config), config),
    networks.init,
    sequences.item_spec(environment_spec, policy, config),
  )
