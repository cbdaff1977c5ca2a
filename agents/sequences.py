"""The unit of replay: a fixed-length piece of one episode.

    padding   burn-in      learned on             bootstrap   padding
    |......|+++++++++++|====================|o|..............|
     <------ burn_in ---><-- trace_length --> 1

A sequence has L = burn_in + trace_length + 1 rows and never crosses an episode.
The first sequence of an episode is padded in front, so that its first step is
learned on too; a sequence that reaches the episode's end is padded behind.
Row t holds observation t and the transition from it; `valid` is false where
there is no transition: on the padding and on the episode's last observation.

Axes: B batch, L rows; time-major means `[L, B, ...]`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from . import configs, policies
from . import networks as networks_lib


class Sequences(NamedTuple):
  """A batch of sequences, as Reverb gives it (batch first) or time-major.

  Attributes:
    observation: uint8 `[B, L, H, W, C]`.
    action: int32 `[B, L]`, the executed primitive; NO_ACTION where not valid.
    reward: float32 `[B, L]`, of the transition from row t to t + 1.
    discount: float32 `[B, L]`, the environment's: 0 where it terminates.
    valid: bool `[B, L]`.
    recurrent_state: before the first row, `[B, ...]`; held through padding.
    extras: whatever else the agent keeps of each step, `[B, L, ...]`.
  """

  observation: chex.Array
  action: chex.Array
  reward: chex.Array
  discount: chex.Array
  valid: chex.Array
  recurrent_state: policies.RecurrentState
  extras: dict[str, Any]


def sequence_length(config: configs.AgentConfig) -> int:
  """L, rows of a sequence."""
  return config.burn_in + config.trace_length + 1


def samples_per_insert(config: configs.AgentConfig) -> float:
  """How often a sequence is sampled, so that the replay ratio is held.

  It brings `sequence_period` new steps and, each time that it is sampled,
  `trace_length` steps to learn on.

  Raises:
    ValueError: if the config leaves the ratio to others.
  """
  if config.replay_ratio is None:
    raise ValueError("replay_ratio is None; here it must be a number")
  return config.replay_ratio * config.sequence_period / config.trace_length


def item_spec(
  environment_spec: Any,
  policy: policies.Policy,
  config: configs.AgentConfig,
) -> Sequences:
  """Shapes and dtypes of one sequence, as `jax.ShapeDtypeStruct`s.

  What the policy keeps of a step is read off the policy itself.

  Args:
    environment_spec: has `.observations`, as Acme's `EnvironmentSpec` does.
    policy: whose steps are kept.
    config: says how long they are.
  """
  length = sequence_length(config)
  extras = dict(
    jax.eval_shape(
      lambda key: policy.get_extras(policy.init(key)), jax.random.PRNGKey(0)
    )
  )

  def rows(dtype, shape=()):
    return jax.ShapeDtypeStruct((length, *shape), dtype)

  observations = environment_spec.observations
  return Sequences(
    observation=rows(observations.dtype, observations.shape),
    action=rows(np.int32),
    reward=rows(np.float32),
    discount=rows(np.float32),
    valid=rows(np.bool_),
    # Reverb slices a column over time also where it has one row.
    recurrent_state=jax.tree.map(
      lambda x: jax.ShapeDtypeStruct((1, *x.shape), x.dtype),
      extras.pop("recurrent_state"),
    ),
    extras=jax.tree.map(lambda x: rows(x.dtype, x.shape), extras),
  )


def replay_bytes(
  spec: Sequences, config: configs.AgentConfig, compression: float = 1.0
) -> int:
  """Bytes of the arrays in a full replay, where episodes are long.

  Each row is kept once, however many sequences hold it. The N newest sequences
  of one episode, each a period P after the one before, span (N - 1) P + L rows:

      ((N - 1) P + L) row + N state

  where `row` is the bytes of a row and `state` those of a recurrent state.

  Short episodes take more, since padding is kept as rows are: one that fills S
  sequences has (S - 1) P + L rows of its own. The most, for episodes of no more
  than `trace_length` steps, is N L rows. Left out are

  - compression, Reverb's, which is large: frames of Hero took a ninth of it;
  - what Reverb notes of each sequence beside the arrays, 11 kB;
  - how the heap is cut up: two fifths more were seen where nothing compresses;
  - the L - P rows more of each further environment that acts at once, and what
    is on its way from it.

  Args:
    spec: what `item_spec` gives for `sequence_length` rows.
    config: of the agent.
    compression: what is left of observations, as a share.
  """
  fields = spec._asdict()
  state = num_bytes(fields.pop("recurrent_state"))
  length = sequence_length(config)
  frame = int(compression * num_bytes(fields.pop("observation")))
  row = (frame + num_bytes(fields)) // length
  num_sequences = config.max_replay_size
  num_rows = (num_sequences - 1) * config.sequence_period + length
  return num_rows * row + num_sequences * state


def num_bytes(specs: Any) -> int:
  """Bytes of all arrays of these shapes and dtypes."""
  return sum(
    math.prod(x.shape) * np.dtype(x.dtype).itemsize
    for x in jax.tree.leaves(specs)
  )


def time_major(sequences: Sequences) -> Sequences:
  """`[B, L, ...]` to `[L, B, ...]`; the recurrent state stays `[B, ...]`."""
  return _map_rows(lambda x: jnp.swapaxes(x, 0, 1), sequences)


def learned_part(sequences: Sequences, burn_in: int) -> Sequences:
  """The T = trace_length transitions to learn on, of time-major sequences."""
  return _map_rows(lambda x: x[burn_in:-1], sequences)


def _map_rows(
  function: Callable[[chex.Array], chex.Array], sequences: Sequences
) -> Sequences:
  """Maps all fields but the recurrent state, which has no axis of rows."""
  rows = sequences._asdict()
  state = rows.pop("recurrent_state")
  return Sequences(recurrent_state=state, **jax.tree.map(function, rows))


def unroll_after_burn_in(
  networks: networks_lib.Networks,
  params: networks_lib.Params,
  sequences: Sequences,
  burn_in: int,
  *context: chex.Array,
) -> chex.Array:
  """Action values after a burn-in that only produces a start state.

  No gradient flows into the burn-in (R2D2, ICLR 2019, sec. 3).

  Args:
    networks: the network.
    params: its parameters, which also do the burn-in.
    sequences: time-major, L rows.
    burn_in: rows.
    *context: the network's, float32 `[B, C]`, if it has one.

  Returns:
    float32 `[L - burn_in, B, E]`.
  """
  start = sequences.recurrent_state
  prev_action = jnp.concatenate(
    [start.prev_action[None], sequences.action[:-1]], axis=0
  )
  inputs = (sequences.observation, prev_action, sequences.valid)
  core_state = start.core_state
  if burn_in:
    warm_up = [x[:burn_in] for x in inputs]
    # Behind the unroll, it would be too late: its gradient would be prepared.
    frozen, core_state = jax.lax.stop_gradient((params, core_state))
    _, core_state = networks.unroll(frozen, *warm_up, core_state, *context)
  learned = [x[burn_in:] for x in inputs]
  q, _ = networks.unroll(params, *learned, core_state, *context)
  return q


def last_transitions(sequences: Sequences, num: int) -> Sequences:
  """The last `num` transitions of each sequence, and where they lead.

  Args:
    sequences: time-major, L rows.
    num: transitions.

  Returns:
    `num + 1` rows, of which the last is only the observation after them all.
    Where a sequence has fewer transitions, the first rows are not valid.
  """
  # The last row may hold a transition, but not where it leads.
  rows = jnp.arange(1, sequences.valid.shape[0])[:, None]
  end = jnp.max(jnp.where(sequences.valid[:-1], rows, 0), axis=0)
  index = end[None] - num + jnp.arange(num + 1)[:, None]
  batch = jnp.arange(end.shape[0])[None]
  last = _map_rows(lambda x: x[jnp.maximum(index, 0), batch], sequences)
  return last._replace(valid=last.valid & (index >= 0))
