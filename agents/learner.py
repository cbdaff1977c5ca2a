"""A learner core on all devices that its process sees."""

from collections.abc import Mapping
from typing import Any

import chex
import jax
import jax.numpy as jnp
import jax.sharding as sharding
import numpy as np
import optax

from . import learning, sequences


class Learner:
  """Holds the training state and takes steps.

  Each device holds the whole state and gets an equal part of every batch. What
  is not finite leaves it neither for acting nor for a checkpoint.
  """

  def __init__(
    self, learner_core: learning.LearnerCore, params: Any, batch_size: int
  ):
    """Initialises the learner.

    Args:
      learner_core: pure functions; see `learning`.
      params: initial parameters, as the core's `init` takes them.
      batch_size: sequences in a batch.

    Raises:
      ValueError: if the devices cannot share the batch equally.
    """
    devices = jax.local_devices()
    if batch_size % len(devices):
      raise ValueError(
        f"batch_size is {batch_size}; it must be a multiple of {len(devices)}, "
        "the number of devices to learn on"
      )
    mesh = sharding.Mesh(np.array(devices), ("batch",))
    self._whole = sharding.NamedSharding(mesh, sharding.PartitionSpec())
    split = sharding.NamedSharding(mesh, sharding.PartitionSpec("batch"))
    self._variables = learner_core.variables
    # Whether the last step came to something finite, its number and metrics.
    self._outcome: tuple[Any, Any, Mapping[str, Any]] | None = None

    def step(state, batch, probability):
      state, output = learner_core.step(state, batch, probability)
      number = optax.tree_utils.tree_get(state, "steps")
      return state, output, (_is_finite((state, output)), number)

    # Left alone, the compiler might split the new state, too, which would then
    # not fit the memory that the old one gives away.
    self._sgd_step = jax.jit(
      step,
      donate_argnums=0,
      in_shardings=(self._whole, split, split),
      out_shardings=self._whole,
    )
    self._state = jax.device_put(learner_core.init(params), self._whole)

  def step(
    self, batch: sequences.Sequences, probability: np.ndarray
  ) -> learning.LossOutput:
    """Learns on a batch; what comes of it may still be under way.

    Args:
      batch: `[B, ...]`, on the host.
      probability: `[B]`, with which each sequence was sampled.

    Raises:
      FloatingPointError: the step before this one came to something that is
        not finite.
    """
    before = self._outcome
    self._state, output, outcome = self._sgd_step(
      self._state, batch, probability
    )
    self._outcome = *outcome, output.metrics
    _check(before)  # which no longer keeps a device waiting
    return output

  def check(self) -> None:
    """Waits for the last step.

    Raises:
      FloatingPointError: it came to something that is not finite.
    """
    _check(self._outcome)

  def variables(self) -> Mapping[str, Any]:
    """What acting asks for, by name; the next step gives their memory away.

    Raises:
      FloatingPointError: see `check`.
    """
    self.check()
    return self._variables(self._state)

  def save(self) -> Any:
    """The training state, on the host.

    Raises:
      FloatingPointError: see `check`.
    """
    self.check()
    return jax.tree.map(np.array, self._state)

  def restore(self, state: Any) -> None:
    """Goes on from what `save` gave."""
    # Copies, since a step gives away what would be the caller's memory.
    self._state = jax.device_put(
      jax.tree.map(jax.numpy.array, state), self._whole
    )


def _is_finite(tree: Any) -> chex.Array:
  leaves = [
    jnp.isfinite(x).all()
    for x in jax.tree.leaves(tree)
    if jnp.issubdtype(x.dtype, jnp.inexact)
  ]
  return jnp.stack(leaves).all()


def _check(outcome: tuple[Any, Any, Mapping[str, Any]] | None) -> None:
  if outcome is None or outcome[0]:
    return
  _, number, metrics = jax.device_get(outcome)
  broken = [
    f"{name} is {x}" for name, x in metrics.items() if not np.isfinite(x)
  ]
  raise FloatingPointError(
    f"learner step {number}: {', '.join(broken) or 'a weight is not finite'};"
    " nothing of it is saved. Likeliest, --learning_rate is too high,"
    " --adam_epsilon too low, or rewards are too large"
  )
