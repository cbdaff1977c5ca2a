"""Behavior Transfer, put together: R2D2 where the two do not differ."""

import logging

import chex

from .. import agent, learning, sequences
from .. import networks as networks_lib
from . import acting, losses
from . import config as config_lib
from . import networks as bt_networks


def make_agent(
  networks: bt_networks.BTNetworks,
  environment_spec: agent.EnvironmentSpec,
  config: config_lib.BTConfig,
) -> agent.Agent:
  """R2D2 whose behaviour hands control to frozen policies."""
  q_network, pretrained = networks
  bt_networks.check_entries(networks, config.use_extra_action)
  policy = acting.make_policy(q_network, pretrained, config)

  def initial_params(key: chex.PRNGKey) -> networks_lib.Params:
    params, report = bt_networks.initial_params(
      networks, config.initial_weights, key, config.value_scale
    )
    logging.info("%s", report)
    return params

  return agent.Agent(
    config,
    policy,
    acting.make_policy(q_network, pretrained, config, evaluation=True),
    learning.make_learner_core(losses.make_loss(q_network, config), config),
    initial_params,
    sequences.item_spec(environment_spec, policy, config),
  )
