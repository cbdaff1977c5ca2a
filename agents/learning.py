"""The learner core: training state and SGD step, as pure functions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from . import configs, policies, q_learning
from . import networks as networks_lib
from . import sequences as sequences_lib


class TrainingState(NamedTuple):
  """All that the learner carries from one step to the next.

  Attributes:
    params: online parameters.
    target_params: the older copy that gives bootstrap values.
    acting_params: those that act, the mean of the newest online parameters.
    opt_state: the optimiser's.
    steps: int32 `[]`, SGD steps taken.
  """

  params: networks_lib.Params
  target_params: networks_lib.Params
  acting_params: networks_lib.Params
  opt_state: optax.OptState
  steps: chex.Array


class LossOutput(NamedTuple):
  """What a loss returns beside its value.

  Attributes:
    priorities: float32 `[B]`, new priority of each sequence.
    metrics: {name: float `[]`}.
  """

  priorities: chex.Array
  metrics: dict[str, chex.Array]


# (params, target_params, time-major sequences, weights [B]) -> loss [], output
Loss = Callable[..., tuple[chex.Array, LossOutput]]


class LearnerCore(NamedTuple):
  """A learner as pure functions.

  Attributes:
    init: params -> `TrainingState`.
    step: (state, batch-first sequences, sampling probabilities `[B]`) ->
      (state, `LossOutput`). The given state's buffers are not to be used again.
    variables: state -> what actors may ask for, by name; "policy" are the
      parameters that act.
  """

  init: Callable[..., Any]
  step: Callable[..., tuple[Any, LossOutput]]
  variables: Callable[[Any], dict[str, Any]]


def make_learner_core(loss: Loss, config: configs.AgentConfig) -> LearnerCore:
  """Adam with clipped gradients and a periodically copied target network.

  What acts is a running mean of the parameters: of all so far, and later as if
  of the last `averaging_period`.
  """
  optimiser = optax.chain(
    optax.clip_by_global_norm(config.max_gradient_norm),
    optax.adam(config.learning_rate, eps=config.adam_epsilon),
  )

  def init(params: networks_lib.Params) -> TrainingState:
    # Copies, so that no buffer appears twice in a state that is donated.
    target_params, acting_params = (
      jax.tree.map(jnp.copy, params) for _ in range(2)
    )
    steps = jnp.zeros((), jnp.int32)
    return TrainingState(
      params, target_params, acting_params, optimiser.init(params), steps
    )

  def step(
    state: TrainingState,
    sequences: sequences_lib.Sequences,
    probabilities: chex.Array,
  ) -> tuple[TrainingState, LossOutput]:
    weights = q_learning.importance_weights(
      probabilities.astype(jnp.float32), config.importance_sampling_exponent
    )
    (value, output), gradients = jax.value_and_grad(loss, has_aux=True)(
      state.params,
      state.target_params,
      sequences_lib.time_major(sequences),
      weights,
    )
    updates, opt_state = optimiser.update(
      gradients, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    steps = state.steps + 1
    target_params = optax.periodic_update(
      params, state.target_params, steps, config.target_update_period
    )
    acting_params = optax.incremental_update(
      params,
      state.acting_params,
      1.0 / jnp.minimum(steps, config.averaging_period),
    )
    metrics: dict[str, Any] = {
      "loss": value,
      "gradient_norm": optax.tree.norm(gradients),
      **output.metrics,
    }
    new_state = TrainingState(
      params, target_params, acting_params, opt_state, steps
    )
    return new_state, LossOutput(output.priorities, metrics)

  def variables(state: TrainingState) -> dict[str, Any]:
    return {policies.POLICY: state.acting_params}

  return LearnerCore(jax.jit(init), jax.jit(step, donate_argnums=0), variables)
