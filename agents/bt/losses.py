"""Behavior Transfer's loss: R2D2's, with extra actions fitted as well.

When pre-trained policy k picks a primitive, the same target is fitted to the
entry of that primitive and to the entry of the extra action k (arXiv
2102.13515, sec. 3): both describe what then happened.

Axes: T learned steps, B batch, A primitive actions, K pre-trained policies.
"""

import jax.numpy as jnp

from .. import learning
from .. import networks as networks_lib
from .. import sequences as sequences_lib
from ..r2d2 import losses as r2d2_losses
from . import config as config_lib


def executed_and_extra_actions(
  learned: sequences_lib.Sequences,
  num_actions: int,
  extra_action_targets: str,
) -> r2d2_losses.FittedEntries:
  """The executed primitive, and those extra actions that led to it.

  Args:
    learned: with the extras of `acting.Decision`: choice int32 `[T, B]`,
      in_flight bool `[T, B]`, pretrained_actions int32 `[T, B, K]`.
    num_actions: A.
    extra_action_targets: see `BTConfig`.

  Returns:
    1 + K entries a step.
  """
  action = learned.action[..., None]
  pretrained_actions = learned.extras["pretrained_actions"]
  extra = num_actions + jnp.arange(pretrained_actions.shape[-1])
  extra = jnp.broadcast_to(extra, pretrained_actions.shape)
  controlled = learned.extras["choice"][..., None] == extra
  fitted = {
    "controlled": controlled,
    "chosen": controlled & ~learned.extras["in_flight"][..., None],
    "agreed": pretrained_actions == action,
  }[extra_action_targets]
  weight = jnp.concatenate([jnp.ones(action.shape), fitted], axis=-1)
  return r2d2_losses.FittedEntries(
    jnp.concatenate([action, extra], axis=-1), weight
  )


def make_td_errors(
  num_actions: int, config: config_lib.BTConfig
) -> r2d2_losses.TDErrorsFn:
  """R2D2's errors with those of extra actions; without them R2D2's alone."""
  if not config.use_extra_action:
    return r2d2_losses.make_td_errors(config)
  return r2d2_losses.make_td_errors(
    config,
    lambda learned: executed_and_extra_actions(
      learned, num_actions, config.extra_action_targets
    ),
  )


def make_loss(
  networks: networks_lib.Networks, config: config_lib.BTConfig
) -> learning.Loss:
  """R2D2's loss on these errors."""
  td_errors = make_td_errors(networks.num_actions, config)
  return r2d2_losses.make_loss(networks, config, td_errors)
