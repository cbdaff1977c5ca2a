"""R2D2's loss: double Q-learning on replayed sequences.

Axes: T learned steps, B batch, E entries of the head, N fitted entries a step.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from .. import learning, q_learning
from .. import networks as networks_lib
from .. import sequences as sequences_lib
from . import config as config_lib


class FittedEntries(NamedTuple):
  """Which entries of the head are fitted to a step's target.

  Attributes:
    index: int32 `[T, B, N]`.
    weight: float32 `[T, B, N]`, 0 where the entry is not fitted after all.
  """

  index: chex.Array
  weight: chex.Array


class TDErrors(NamedTuple):
  """How far the fitted entries are from their targets.

  Attributes:
    q: float32 `[T, B, N]`, of the fitted entries.
    targets: float32 `[T, B]`.
    mask: float32 `[T, B, N]`, 0 where nothing is fitted.
    error: float32 `[T, B, N]`, target - q, 0 where nothing is fitted.
  """

  q: chex.Array
  targets: chex.Array
  mask: chex.Array
  error: chex.Array


EntriesFn = Callable[[sequences_lib.Sequences], FittedEntries]
# (online_q [T + 1, B, E], target_q [T + 1, B, E], learned, config) -> [T, B]
TargetsFn = Callable[..., chex.Array]
# (online_q [T + 1, B, E], target_q [T + 1, B, E], learned) -> errors
TDErrorsFn = Callable[..., TDErrors]
# Time-major sequences -> what the network takes beside them.
ContextFn = Callable[[sequences_lib.Sequences], Sequence[chex.Array]]


def executed_action(learned: sequences_lib.Sequences) -> FittedEntries:
  """R2D2 fits the value of the action that was executed."""
  index = learned.action[..., None]
  return FittedEntries(index, jnp.ones(index.shape, jnp.float32))


def double_q_targets(
  online_q: chex.Array,
  target_q: chex.Array,
  learned: sequences_lib.Sequences,
  config: config_lib.R2D2Config,
) -> chex.Array:
  """R2D2's n-step double Q-learning; see `q_learning.double_q_targets`."""
  return q_learning.double_q_targets(
    online_q,
    target_q,
    learned.reward,
    config.discount * learned.discount,
    learned.valid,
    config.n_step,
    config.rescale_epsilon,
  )


def make_td_errors(
  config: config_lib.R2D2Config,
  fitted_entries: EntriesFn = executed_action,
  make_targets: TargetsFn = double_q_targets,
) -> TDErrorsFn:
  """Errors of the entries that an agent fits to the targets that it makes.

  They are of `value_scale` times what the networks give.
  """

  def td_errors(online_q, target_q, learned) -> TDErrors:
    online_q = config.value_scale * online_q
    target_q = config.value_scale * target_q
    targets = make_targets(online_q, target_q, learned, config)
    entries = fitted_entries(learned)
    # NO_ACTION on padding is no index; what it takes instead is masked below.
    index = jnp.maximum(entries.index, 0)
    q = jnp.take_along_axis(online_q[:-1], index, axis=-1)
    mask = entries.weight * learned.valid[..., None]
    error = (jax.lax.stop_gradient(targets)[..., None] - q) * mask
    return TDErrors(q, targets, mask, error)

  return td_errors


def _priorities(
  error: chex.Array, learned: sequences_lib.Sequences, max_weight: float
) -> chex.Array:
  """A step's error is the largest of its fitted entries'."""
  return q_learning.sequence_priority(
    jnp.abs(error).max(axis=-1), learned.valid, max_weight
  )


def make_initial_priorities(
  config: config_lib.R2D2Config, td_errors: TDErrorsFn
) -> Callable[[chex.Array, sequences_lib.Sequences], jax.Array]:
  """The priorities with which sequences enter replay, as R2D2's actors do it.

  They are the learner's, but by the values of acting: with the parameters of
  then, which are bootstrapped from as well, online and not the target's, and
  with the recurrent state of the whole episode in place of a burn-in.
  """

  @jax.jit
  def initial_priorities(q, learned):
    error = td_errors(q, q, learned).error
    return _priorities(error, learned, config.max_priority_weight)

  return initial_priorities


def make_loss(
  networks: networks_lib.Networks,
  config: config_lib.R2D2Config,
  td_errors: TDErrorsFn | None = None,
  get_context: ContextFn = lambda sequences: (),
) -> learning.Loss:
  """The loss of `learning.make_learner_core`.

  Half the squared TD errors, summed over the entries and steps of a sequence,
  weighted by importance, averaged over the batch.
  """
  td_errors = td_errors or make_td_errors(config)

  def loss(params, target_params, sequences, weights):
    learned = sequences_lib.learned_part(sequences, config.burn_in)
    context = get_context(sequences)
    online_q, target_q = (
      sequences_lib.unroll_after_burn_in(
        networks, p, sequences, config.burn_in, *context
      )
      for p in (params, target_params)
    )
    q, targets, mask, error = td_errors(online_q, target_q, learned)
    sequence_loss = 0.5 * jnp.square(error).sum(axis=(0, 2))
    priorities = _priorities(error, learned, config.max_priority_weight)
    num_valid = jnp.maximum(learned.valid.sum(), 1)
    metrics = {
      "mean_q": (q * mask)[..., 0].sum() / num_valid,
      "mean_target": (targets * learned.valid).sum() / num_valid,
      "mean_abs_td_error": jnp.abs(error)[..., 0].sum() / num_valid,
      "mean_priority": priorities.mean(),
    }
    output = learning.LossOutput(jax.lax.stop_gradient(priorities), metrics)
    return jnp.mean(weights * sequence_loss), output

  return loss
