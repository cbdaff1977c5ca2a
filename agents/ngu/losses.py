"""NGU's losses: R2D2's with Retrace, and those of the intrinsic networks.

Axes: L rows, T learned steps, B batch, N policies of the mixture.
"""

import jax
import jax.numpy as jnp
import optax

from .. import learning, q_learning
from .. import networks as networks_lib
from .. import sequences as sequences_lib
from ..r2d2 import losses as r2d2_losses
from . import config as config_lib
from . import mixture
from . import networks as ngu_networks


def mixture_index(sequences: sequences_lib.Sequences) -> jax.Array:
  """The policy that each sequence, all of one episode, belongs to: `[B]`."""
  # 0 on padding, and the same on all other rows.
  return sequences.extras["mixture_index"].max(axis=0)


def make_td_errors(config: config_lib.NGUConfig) -> r2d2_losses.TDErrorsFn:
  """Errors of Retrace targets, each policy with its own discount."""
  discounts = jnp.asarray(mixture.discounts(config))

  def retrace_targets(online_q, target_q, learned, config):
    return q_learning.retrace_targets(
      online_q,
      target_q,
      learned.action,
      learned.extras["behaviour_probability"],
      learned.reward,
      discounts[mixture_index(learned)][None] * learned.discount,
      learned.valid,
      config.retrace_lambda,
      config.target_epsilon,
      config.rescale_epsilon,
    )

  return r2d2_losses.make_td_errors(config, make_targets=retrace_targets)


def make_loss(
  networks: networks_lib.Networks, config: config_lib.NGUConfig
) -> learning.Loss:
  """R2D2's loss on these errors; the network is told which policy it is."""

  def get_context(sequences):
    return mixture.context(mixture_index(sequences), config)

  return r2d2_losses.make_loss(
    networks, config, make_td_errors(config), get_context
  )


def make_intrinsic_loss(
  networks: ngu_networks.IntrinsicNetworks, config: config_lib.NGUConfig
):
  """The loss of the networks of the intrinsic reward.

  On the last steps of each sequence, the embedding learns to tell which action
  was taken, and the predictor to give what the fixed network gives (NGU, sec.
  2 and App.). Both are means over valid steps.

  Returns:
    (trained, params `IntrinsicParams`, transitions) -> (loss, metrics), where
    `transitions` are of `sequences.last_transitions`.
  """

  def loss(trained, params, transitions: sequences_lib.Sequences):
    valid = transitions.valid[:-1]
    num_valid = jnp.maximum(valid.sum(), 1)

    def mean(x):
      return jnp.where(valid, x, 0.0).sum() / num_valid

    losses = {}
    if "embedding" in trained:
      embeddings = networks.embed(trained["embedding"], transitions.observation)
      logits = networks.action_logits(
        trained["inverse_model"], embeddings[:-1], embeddings[1:]
      )
      action = jnp.maximum(transitions.action[:-1], 0)  # NO_ACTION on padding
      losses["inverse_model_loss"] = mean(
        optax.softmax_cross_entropy_with_integer_labels(logits, action)
      )
    if "predictor" in trained:
      losses["predictor_loss"] = mean(
        networks.prediction_error(
          trained["predictor"], params, transitions.observation[1:]
        )
      )
    return sum(losses.values(), jnp.float32(0.0)), losses

  return loss
