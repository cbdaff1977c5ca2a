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

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from . import networks as networks_lib
from . import policies


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
    _, core_state = networks.unroll(params, *warm_up, core_state, *context)
    core_state = jax.lax.stop_gradient(core_state)
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
