"""A learner core on all devices that its process sees."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.sharding as sharding
import numpy as np

from . import learning, sequences


class Learner:
  """Holds the training state and takes steps.

  Each device holds the whole state and gets an equal part of every batch.
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
    # Left alone, the compiler might split the new state, too, which would then
    # not fit the memory that the old one gives away.
    self._sgd_step = jax.jit(
      learner_core.step,
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
    """
    self._state, output = self._sgd_step(self._state, batch, probability)
    return output

  def variables(self) -> Mapping[str, Any]:
    """What acting asks for, by name; the next step gives their memory away."""
    return self._variables(self._state)

  def save(self) -> Any:
    """The training state, on the host."""
    return jax.tree.map(np.array, self._state)

  def restore(self, state: Any) -> None:
    """Goes on from what `save` gave."""
    # Copies, since a step gives away what would be the caller's memory.
    self._state = jax.device_put(
      jax.tree.map(jax.numpy.array, state), self._whole
    )
