"""The Q-network over A+, together with the policies that it may call."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import chex

from .. import networks as networks_lib
from .. import policies, transfer


class BTNetworks(NamedTuple):
  """What the builder needs of networks.

  Attributes:
    q_network: A + K entries, or A without extra actions.
    pretrained: K frozen policies.
  """

  q_network: networks_lib.Networks
  pretrained: tuple[policies.PretrainedPolicy, ...]


def make_networks(
  environment_spec: Any,
  size: str | networks_lib.NetworkConfig = "paper",
  *,
  pretrained: Sequence[policies.PretrainedPolicy] | None = None,
  use_extra_action: bool = True,
) -> BTNetworks:
  """Builds the agent's network beside its pre-trained policies.

  Args:
    environment_spec: of the task.
    size: "paper", "small", "tiny" or a `NetworkConfig`.
    pretrained: K >= 1 policies; without any, one that acts uniformly at random.
    use_extra_action: whether the head has an entry for each of them.

  Raises:
    ValueError: if `pretrained` is empty, or the sizes do not fit.
  """
  if pretrained is None:
    pretrained = (policies.uniform(environment_spec),)
  if not pretrained:
    raise ValueError("pretrained is empty; it must hold at least one policy")
  num_extra = len(pretrained) if use_extra_action else 0
  q_network = networks_lib.make_networks(environment_spec, size, num_extra)
  return BTNetworks(q_network, tuple(pretrained))


def check_entries(networks: BTNetworks, use_extra_action: bool) -> None:
  """Refuses a network whose head does not fit the config."""
  q_network, num_policies = networks.q_network, len(networks.pretrained)
  expected = q_network.num_actions + num_policies * use_extra_action
  if q_network.num_entries != expected:
    raise ValueError(
      f"use_extra_action is {use_extra_action} with {num_policies} "
      f"pre-trained policies, but the head has {q_network.num_entries} "
      f"entries; it must have {expected}"
    )


def initial_params(
  networks: BTNetworks,
  initial_weights: str,
  random_key: chex.PRNGKey,
  value_scale: float = 1.0,
) -> tuple[networks_lib.Params, transfer.Report]:
  """Fresh parameters, with weights of the first pre-trained policy if asked.

  Args:
    networks: the agent's.
    initial_weights: "none", "partial" or "full".
    random_key: consumed.
    value_scale: of the agent's config; "full" keeps the action values.

  Raises:
    ValueError: if that policy has no network, or one that does not fit.
  """
  fresh = networks.q_network.init(random_key)
  source = networks.pretrained[0]
  if initial_weights != "none" and source.params is None:
    raise ValueError(
      f"initial_weights is {initial_weights!r}; the pre-trained policy "
      f"{source.name} has no weights, so it must be 'none'"
    )
  weights = source.params or {}
  if initial_weights == "full":
    weights = networks_lib.scale_values(weights, 1.0 / value_scale)
  return transfer.initialise(
    fresh, weights, initial_weights, networks.q_network.num_actions
  )
