"""An Acme learner around a learner core."""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import reverb
from acme import core
from acme.utils import counting, loggers

from .. import learner as learner_lib
from .. import learning


class Learner(core.Learner):
  """Takes one batch a step, learns on it and sends its priorities back."""

  def __init__(
    self,
    learner_core: learning.LearnerCore,
    params: Any,
    batch_size: int,
    dataset: Iterator[reverb.ReplaySample],
    logger: loggers.Logger,
    counter: counting.Counter | None,
    replay_client: reverb.Client | None,
    replay_table_name: str,
  ):
    """Initialises the learner.

    Args:
      learner_core: pure functions; see `learning`.
      params: initial parameters, as the core's `init` takes them.
      batch_size: sequences in a batch.
      dataset: gives batches, on the host; one is taken at each step.
      logger: gets the metrics of each step.
      counter: gets `steps` and `walltime`; whoever makes it gives it the
        prefix "learner", as Acme does.
      replay_client: where priorities go; None leaves them as they are.
      replay_table_name: the table there.

    Raises:
      ValueError: if the devices cannot share the batch equally.
    """
    self._learner = learner_lib.Learner(learner_core, params, batch_size)
    # A step gives its state's buffers away: nobody may read them meanwhile.
    self._lock = threading.Lock()
    self._dataset = dataset
    self._logger = logger
    self._counter = counter or counting.Counter(prefix="learner")
    self._replay_client = replay_client
    self._replay_table_name = replay_table_name
    self._last_step_time: float | None = None

  def step(self) -> None:
    """Learns on the next batch.

    Raises:
      FloatingPointError: if what came of it is not finite.
      TypeError: if the batch has lost its replay keys on a device.
    """
    sample = next(self._dataset)
    if self._replay_client and sample.info.key.dtype != np.uint64:
      # Reverb would ignore the priorities of keys that it does not know.
      raise TypeError(
        f"replay keys are {sample.info.key.dtype}; they must stay uint64, so "
        "prefetch to the host (device_prefetch=False in dm-acme 0.4.0)"
      )
    with self._lock:
      output = self._learner.step(
        sample.data, np.asarray(sample.info.probability)
      )
      self._learner.check()
    output = jax.device_get(output)
    if self._replay_client:
      updates = zip(
        sample.info.key.tolist(), output.priorities.tolist(), strict=True
      )
      self._replay_client.mutate_priorities(
        self._replay_table_name, updates=dict(updates)
      )
    now = time.monotonic()
    elapsed = now - (self._last_step_time or now)
    self._last_step_time = now
    counts = self._counter.increment(steps=1, walltime=elapsed)
    metrics = {name: float(value) for name, value in output.metrics.items()}
    self._logger.write({**metrics, **counts})

  def get_variables(self, names: Sequence[str]) -> list[Any]:
    """The variables of these names; see `learning.LearnerCore`."""
    with self._lock:
      variables = self._learner.variables()
      return [jax.tree.map(np.array, variables[name]) for name in names]

  def save(self) -> Any:
    with self._lock:
      return self._learner.save()

  def restore(self, state: Any) -> None:
    with self._lock:
      self._learner.restore(state)
