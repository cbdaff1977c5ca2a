"""NGU's learner core: R2D2's, and a step of the intrinsic networks."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from .. import learning, policies
from .. import networks as networks_lib
from .. import sequences as sequences_lib
from . import config as config_lib
from . import losses, novelty, running
from . import networks as ngu_networks


class NGUParams(NamedTuple):
  """Initial parameters of everything that is learned."""

  policy: networks_lib.Params
  intrinsic: ngu_networks.IntrinsicParams


class NGUTrainingState(NamedTuple):
  """All that the learner carries from one step to the next."""

  policy: learning.TrainingState
  intrinsic: ngu_networks.IntrinsicParams
  intrinsic_opt_state: optax.OptState


def make_learner_core(
  networks: ngu_networks.NGUNetworks, config: config_lib.NGUConfig
) -> learning.LearnerCore:
  """Both steps on the same batch, each with its own optimiser."""
  policy_core = learning.make_learner_core(
    losses.make_loss(networks.q_network, config), config
  )
  intrinsic_loss = losses.make_intrinsic_loss(networks.intrinsic, config)
  # Each apart, since the predictor's gradients may be a thousand times those of
  # the others, which would vanish under a common norm.
  optimiser = optax.partition(
    {
      "classifier": _intrinsic_optimiser(config, config.inverse_model_decay),
      "predictor": _intrinsic_optimiser(config, 0.0),
    },
    lambda trained: {
      name: "predictor" if name == "predictor" else "classifier"
      for name in trained
    },
  )

  def init(params: NGUParams) -> NGUTrainingState:
    return NGUTrainingState(
      policy_core.init(params.policy),
      params.intrinsic,
      optimiser.init(params.intrinsic.trained),
    )

  def step(
    state: NGUTrainingState,
    sequences: sequences_lib.Sequences,
    probabilities: chex.Array,
  ) -> tuple[NGUTrainingState, learning.LossOutput]:
    policy, output = policy_core.step(state.policy, sequences, probabilities)
    transitions = sequences_lib.last_transitions(
      sequences_lib.time_major(sequences), config.intrinsic_steps
    )
    params = state.intrinsic
    if "predictor" in params.trained:
      params = params._replace(pixels=_with_frames(params.pixels, transitions))
    gradients, metrics = jax.grad(intrinsic_loss, has_aux=True)(
      params.trained, params, transitions
    )
    updates, opt_state = optimiser.update(
      gradients, state.intrinsic_opt_state, params.trained
    )
    params = params._replace(
      trained=optax.apply_updates(params.trained, updates)
    )
    output = output._replace(metrics={**output.metrics, **metrics})
    return NGUTrainingState(policy, params, opt_state), output

  def variables(state: NGUTrainingState):
    return {
      **policy_core.variables(state.policy),
      policies.OWN_REWARD: state.intrinsic,
    }

  return learning.LearnerCore(
    jax.jit(init), jax.jit(step, donate_argnums=0), variables
  )


def _intrinsic_optimiser(
  config: config_lib.NGUConfig, decay: float
) -> optax.GradientTransformation:
  return optax.chain(
    optax.clip_by_global_norm(config.max_gradient_norm),
    optax.add_decayed_weights(decay),
    optax.adam(
      config.intrinsic_learning_rate, eps=config.intrinsic_adam_epsilon
    ),
  )


def _with_frames(
  pixels: running.Moments, transitions: sequences_lib.Sequences
) -> running.Moments:
  """Moments with the frames that the predictor is trained on."""
  frames = novelty.scaled(transitions.observation[1:])
  # Batch-major, so that the batch stays split over devices: see
  # `networks.convolve`.
  frames = jnp.swapaxes(frames, 0, 1).reshape(-1, *frames.shape[2:])
  valid = jnp.swapaxes(transitions.valid[:-1], 0, 1).reshape(-1)
  return running.update(pixels, frames, valid=valid)
