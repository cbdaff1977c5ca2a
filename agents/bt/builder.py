"""Behavior Transfer as an Acme builder: R2D2's, where the two do not differ."""

import logging

import jax
from acme import specs

from .. import learning, policies, transfer
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

  def _make_loss(self, networks: bt_networks.BTNetworks) -> learning.Loss:
    return losses.make_loss(networks.q_network, self._config)

  def _initial_params(
    self, networks: bt_networks.BTNetworks, random_key: jax.Array
  ) -> networks_lib.Params:
    params, report = initial_params(networks, self._config, random_key)
    logging.info("%s", report)
    return params


def initial_params(
  networks: bt_networks.BTNetworks,
  config: config_lib.BTConfig,
  random_key: jax.Array,
) -> tuple[networks_lib.Params, transfer.Report]:
  """Fresh parameters, with weights of the first pre-trained policy if asked.

  Raises:
    ValueError: if that policy has no network, or one that does not fit.
  """
  fresh = networks.q_network.init(random_key)
  source = networks.pretrained[0]
  if config.initial_weights != "none" and source.params is None:
    raise ValueError(
      f"initial_weights is {config.initial_weights!r}; the pre-trained "
      f"policy {source.name} has no weights, so it must be 'none'"
    )
  return transfer.initialise(
    fresh,
    source.params or {},
    config.initial_weights,
    networks.q_network.num_actions,
  )
