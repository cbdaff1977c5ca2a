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
from acme import adders

from .. import configs, policies, sequences
from .. import networks as networks_lib
from ..replay import cutter as cutter_lib
from ..replay import window as window_lib

# Items that may be on their way to the server before `add` waits for them.
_MAX_IN_FLIGHT_ITEMS = 5

# What the adder is given with a step beside the agent's own extras. The last
# values are those of the observation that a step leads to; only a step that
# ends an episode with a discount needs them.
RECURRENT_STATE = "recurrent_state"
VALUES = "values"
LAST_VALUES = "last_values"

Row = dict[str, Any]


def make_table(
  spec: sequences.Sequences, config: configs.AgentConfig
) -> reverb.Table:
  """The prioritised table; its rate limiter holds the replay ratio."""
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
  config: configs.AgentConfig,
) -> reverb.rate_limiters.RateLimiter:
  if config.replay_ratio is None:
    return reverb.rate_limiters.MinSize(config.min_replay_size)
  samples_per_insert = sequences.samples_per_insert(config)
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
    policy: policies.Policy,
    config: configs.AgentConfig,
  ):
    """Initialises the adder.

    Args:
      replay_client: of the server with the table.
      spec: what `sequences.item_spec` gives.
      policy: whose steps are added.
      config: lengths, period and table.
    """
    self._table = config.replay_table_name
    self._cutter = cutter_lib.of(config)
    self._window = window_lib.Window(
      self._cutter, 1, spec, policies.num_entries(policy)
    )
    self._initial_priorities = policy.initial_priorities
    self._writer = replay_client.trajectory_writer(
      num_keep_alive_refs=self._cutter.length
    )
    rows = spec._asdict()
    del rows["recurrent_state"]
    self._padding: Row = tree.map_structure(
      lambda x: np.zeros(x.shape[1:], x.dtype), rows
    )
    self._padding["action"] = np.int32(networks_lib.NO_ACTION)
    self._configure_chunks(spec)
    self._next_observation: Any = None
    self._num_written = 0  # rows of the episode, padding included

  def _configure_chunks(self, spec: sequences.Sequences) -> None:
    """Rows in chunks of a period; single recurrent states."""
    for path, _ in tree.flatten_with_path(spec._asdict()):
      single = path[0] == "recurrent_state"
      self._writer.configure(
        path,
        num_keep_alive_refs=self._cutter.length,
        max_chunk_length=1 if single else self._cutter.sequence_period,
      )

  def reset(self) -> None:
    """Drops an unfinished episode; what it inserted so far stays."""
    self._writer.end_episode()
    self._window.begin(0)
    self._next_observation = None
    self._num_written = 0

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
      extras: of the policy, after it selected that action, and what this module
        names beside them.
    """
    if self._next_observation is None:
      raise ValueError("add_first must be called before add")
    extras = dict(extras)
    recurrent_state = extras.pop(RECURRENT_STATE)
    values, last_values = extras.pop(VALUES), extras.pop(LAST_VALUES, None)
    while self._num_written < self._cutter.burn_in:
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
    action, reward, discount, row_extras, q = tree.map_structure(
      lambda x: np.asarray(x)[None],
      (row["action"], row["reward"], row["discount"], row["extras"], values),
    )
    self._window.push(action, reward, discount, row_extras, q)
    if span := self._cutter.completed(int(self._window.num_rows[0]) - 1):
      self._insert(span)
    self._next_observation = next_timestep.observation
    if next_timestep.last():
      self._finish_episode(last_values)
    self._writer.flush(_MAX_IN_FLIGHT_ITEMS)

  def _append(self, row: Row, recurrent_state: Any = None) -> None:
    """Writes a row, with the recurrent state where a sequence starts."""
    starts = self._num_written % self._cutter.sequence_period == 0
    if starts and recurrent_state is not None:
      state = tree.map_structure(np.asarray, recurrent_state)
      row = {**row, "recurrent_state": state}
    self._writer.append(row)
    self._num_written += 1

  def _insert(self, span: cutter_lib.Span) -> None:
    history, length = self._writer.history, self._cutter.length
    start = tree.map_structure(
      lambda column: column[-length : -length + 1], history["recurrent_state"]
    )
    rows = {
      name: tree.map_structure(lambda column: column[-length:], history[name])
      for name in self._padding
    }
    (priority,) = self._initial_priorities(
      *self._window.learned([(0, span)], 1)
    )
    self._writer.create_item(
      table=self._table,
      priority=float(priority),
      trajectory=sequences.Sequences(recurrent_state=start, **rows),
    )

  def _finish_episode(self, last_values: Any) -> None:
    """Adds the last observation, and pads until all steps are in a sequence."""
    num_steps = int(self._window.num_rows[0])
    self._append({**self._padding, "observation": self._next_observation})
    # Behind a termination none are asked for, but the row is one all the same.
    values = 0.0 if last_values is None else last_values
    self._window.push_last(0, np.asarray(values))
    for span in self._cutter.remaining(num_steps):
      behind = span.first + self._cutter.burn_in + self._cutter.length
      while self._num_written < behind:
        self._append(self._padding)
      self._insert(span)
    self.reset()


def make_dataset_iterator(
  replay_client: reverb.Client, config: configs.AgentConfig
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
