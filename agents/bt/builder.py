"""Behavior Transfer as an Acme builder: R2D2's, where the two do not differ."""

import logging

import jax
from acme import specs

from .. import learning, policies
from .. import networks as networks_lib
from ..r2d2 import builder as r2d2_builder
from . import acting, losses
from . import config as config_lib
from . import networks as bt_networks


class BTBuilder(r2d2_builder.R2D2Builder):
  """Builds the parts of a Behavior Transfer agent."""

  _config: config_lib.BTConfig

  def __init__(self, config: config_lib.BTConfig):
    super().__init__(config)

  def make_policy(
    self,
    networks: bt_networks.BTNetworks,
    environment_spec: specs.EnvironmentSpec,
    evaluation: bool = False,
  ) -> policies.Policy:
    del environment_spec
    bt_networks.check_entries(networks, self._config.use_extra_action)
    return acting.make_policy(
      networks.q_network, networks.pretrained, self._config, evaluation
    )

  def _make_learner_core(
    self, networks: bt_networks.BTNetworks
  ) -> learning.LearnerCore:
    loss = losses.make_loss(networks.q_network, self._config)
    return learning.make_learner_core(loss, self._config)

  def _initial_params(
    self, networks: bt_networks.BTNetworks, random_key: jax.Array
  ) -> networks_lib.Params:
    params, report = bt_networks.initial_params(
      networks, self._config.initial_weights, random_key
    )
    logging.info("%s", report)
    return params
