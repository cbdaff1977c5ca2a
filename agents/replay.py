"""Sequence replay in Reverb; see `sequences` for what a sequence is.

Each row is written once and shared by the overlapping sequences that hold it.
The recurrent state is written only at rows where a sequence starts.
"""

from collections.abc import Iterator
from typing import Any

import dm_env
import numpy as np
import reverb
import tensorflow as tf
import tree
from acme import adders, specs

from . import networks as networks_lib
from . import policies, sequences
from .r2d2 import config as config_lib

# Items that may be on their way to the server before `add` waits for them.
_MAX_IN_FLIGHT_ITEMS = 5

Row = dict[str, Any]


def make_table(
  environment_spec: specs.EnvironmentSpec,
  policy: policies.Policy,
  config: config_lib.R2D2Config,
) -> reverb.Table:
  """The prioritised table; its rate limiter holds the replay ratio."""
  spec = sequences.item_spec(
    environment_spec, policy, sequences.sequence_length(config)
  )
  return reverb.Table(
    name=config.replay_table_name,
    sampler=reverb.selectors.Prioritized(config.priority_exponent),
    remover=reverb.selectors.Fifo(),
    max_size=config.max_replay_size,
    rate_limiter=_rate_limiter(config),
    signature=tree.map_structure(
      lambda x: tf.TensorSpec(x.shape, x.dtype), spec
    ),
  )


def _rate_limiter(
  config: config_lib.R2D2Config,
) -> reverb.rate_limiters.RateLimiter:
  if config.replay_ratio is None:
    return reverb.rate_limiters.MinSize(config.min_replay_size)
  # A sequence brings `sequence_period` new steps and, each time that it is
  # sampled, `trace_length` steps to learn on.
  samples_per_insert = (
    config.replay_ratio * config.sequence_period / config.trace_length
  )
  # Room for a few batches and for ten percent of the first fill; Reverb itself
  # asks for at least one insert or its samples.
  error_buffer = max(
    4.0 * config.batch_size,
    0.1 * samples_per_insert * config.min_replay_size,
    2.0 * max(1.0, samples_per_insert),
  )
  return reverb.rate_limiters.SampleToInsertRatio(
    samples_per_insert, config.min_replay_size, error_buffer
  )


class SequenceAdder(adders.Adder):
  """Cuts one environment's episodes into sequences and inserts them."""

  def __init__(
    self,
    replay_client: reverb.Client,
    spec: sequences.Sequences,
    config: config_lib.R2D2Config,
  ):
    """Initialises the adder.

    Args:
      replay_client: of the server with the table.
      spec: what `sequences.item_spec` gives.
      config: lengths, period and table.
    """
    self._config = config
    self._length = sequences.sequence_length(config)
    self._writer = replay_client.trajectory_writer(
      num_keep_alive_refs=self._length
    )
    rows = spec._asdict()
    del rows["recurrent_state"]
    self._padding: Row = tree.map_structure(
      lambda x: np.zeros(x.shape[1:], x.dtype), rows
    )
    self._padding["action"] = np.int32(networks_lib.NO_ACTION)
    self._configure_chunks(spec)
    self._next_observation: Any = None
    self._num_rows = 0

  def _configure_chunks(self, spec: sequences.Sequences) -> None:
    """Rows in chunks of a period; single recurrent states."""
    for path, _ in tree.flatten_with_path(spec._asdict()):
      single = path[0] == "recurrent_state"
      self._writer.configure(
        path,
        num_keep_alive_refs=self._length,
        max_chunk_length=1 if single else self._config.sequence_period,
      )

  def reset(self) -> None:
    """Drops an unfinished episode; what it inserted so far stays."""
    self._writer.end_episode()
    self._next_observation = None
    self._num_rows = 0

  def add_first(self, timestep: dm_env.TimeStep) -> None:
    if not timestep.first():
      raise ValueError(f"an episode starts with FIRST, not {timestep}")
    if self._next_observation is not None:
      self.reset()
    self._next_observation = timestep.observation

  def add(
    self,
    action: Any,
    next_timestep: dm_env.TimeStep,
    extras: dict[str, Any],
  ) -> None:
    """Records a transition.

    Args:
      action: executed primitive.
      next_timestep: what it led to.
      extras: of the policy, after it selected that action.
    """
    if self._next_observation is None:
      raise ValueError("add_first must be called before add")
    extras = dict(extras)
    recurrent_state = extras.pop("recurrent_state")
    if self._num_rows == 0:
      for _ in range(self._config.burn_in):
        self._append(self._padding, recurrent_state)
    row = dict(
      observation=self._next_observation,
      action=np.int32(action),
      reward=np.float32(next_timestep.reward),
      discount=np.float32(next_timestep.discount),
      valid=np.bool_(True),
      extras=tree.map_structure(np.asarray, extras),
    )
    self._append(row, recurrent_state)
    self._next_observation = next_timestep.observation
    if next_timestep.last():
      self._finish_episode()
    self._writer.flush(_MAX_IN_FLIGHT_ITEMS)

  def _append(self, row: Row, recurrent_state: Any = None) -> None:
    """Writes a row, and the sequence that it completes."""
    starts = self._num_rows % self._config.sequence_period == 0
    if starts and recurrent_state is not None:
      state = tree.map_structure(np.asarray, recurrent_state)
      row = {**row, "recurrent_state": state}
    self._writer.append(row)
    self._num_rows += 1
    start = self._num_rows - self._length
    if start >= 0 and start % self._config.sequence_period == 0:
      self._insert()

  def _insert(self) -> None:
    history = self._writer.history
    start = tree.map_structure(
      lambda column: column[-self._length : -self._length + 1],
      history["recurrent_state"],
    )
    rows = {
      name: tree.map_structure(
        lambda column: column[-self._length :], history[name]
      )
      for name in self._padding
    }
    self._writer.create_item(
      table=self._config.replay_table_name,
      # Of the order of the priorities that the learner will set.
      priority=1.0,
      trajectory=sequences.Sequences(recurrent_state=start, **rows),
    )

  def _finish_episode(self) -> None:
    """Adds the last observation, and pads until all steps are in a sequence."""
    last = {**self._padding, "observation": self._next_observation}
    self._append(last)
    num_written = self._num_rows
    # The last learned row of the newest sequence, were it complete by now.
    while self._last_learned_row() < num_written - 2:
      self._append(self._padding)
    self.reset()

  def _last_learned_row(self) -> int:
    """Index of the last row that some inserted sequence learns on, or -1."""
    start = self._num_rows - self._length
    if start < 0:
      return -1
    period = self._config.sequence_period
    return start // period * period + self._length - 2


def make_dataset_iterator(
  replay_client: reverb.Client, config: config_lib.R2D2Config
) -> Iterator[reverb.ReplaySample]:
  """Batches: `reverb.ReplaySample`s whose `data` is `Sequences` `[B, ...]`."""
  dataset = reverb.TrajectoryDataset.from_table_signature(
    server_address=replay_client.server_address,
    table=config.replay_table_name,
    max_in_flight_samples_per_worker=2 * config.batch_size,
  )
  dataset = dataset.batch(config.batch_size, drop_remainder=True)
  return map(_typed, dataset.as_numpy_iterator())


def _typed(sample: reverb.ReplaySample) -> reverb.ReplaySample:
  """Gives back the types that a table's signature loses on its way."""
  data = sample.data
  state = tree.map_structure(lambda x: x[:, 0], data.recurrent_state)
  recurrent_state = policies.RecurrentState(
    state.prev_action, networks_lib.LSTMState(*state.core_state)
  )
  fields = {**data._asdict(), "recurrent_state": recurrent_state}
  return reverb.ReplaySample(
    info=sample.info, data=sequences.Sequences(**fields)
  )
