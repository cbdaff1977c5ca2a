"""An LSTM over time, with a gradient of its own, which is the quicker one.

Axes: T time, B batch, S units.
"""

from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

_UNROLL = 4  # steps in one go, since a GPU waits between the rounds of a loop


class LSTMState(NamedTuple):
  """Recurrent state of the LSTM: float32 `[..., lstm_size]` each."""

  hidden: chex.Array
  cell: chex.Array


class LSTM(nn.Module):
  """An LSTM whose input projection runs once over all time steps.

  Gates in the order input, forget, cell, output; 1 is added to the forget gate
  so that memory is kept at first (Jozefowicz et al., 2015).
  """

  size: int

  @nn.compact
  def __call__(
    self, inputs: chex.Array, valid: chex.Array, state: LSTMState
  ) -> tuple[chex.Array, LSTMState]:
    """Unrolls over time.

    Args:
      inputs: float32 `[T, B, D]`.
      valid: bool `[T, B]`; where false, the state is carried over unchanged.
      state: `[B, size]`, before the first step.

    Returns:
      Outputs float32 `[T, B, size]`, and the state after the last step.
    """
    gates = nn.Dense(4 * self.size, name="input")(inputs)
    kernel = self.param(
      "recurrent", nn.initializers.orthogonal(), (self.size, 4 * self.size)
    )
    return unroll(gates, kernel, valid, state)


@jax.custom_vjp
def unroll(
  inputs: chex.Array, kernel: chex.Array, valid: chex.Array, state: LSTMState
) -> tuple[chex.Array, LSTMState]:
  """The recurrence.

  Backwards through time it only follows the gates. What they say of the kernel
  is one product over all steps at the end, where automatic differentiation
  would add to an array as large as the kernel at each step.

  Args:
    inputs: float32 `[T, B, 4 S]`, what the gates get beside the state.
    kernel: float32 `[S, 4 S]`.
    valid, state: see `LSTM`.

  Returns:
    See `LSTM`.
  """
  outputs, state, _ = _forwards(inputs, kernel, valid, state)
  return outputs, state


def _forwards(inputs, kernel, valid, state):
  """Outputs, last state, and for each step the gates and the state before."""

  def step(state, step_inputs):
    inputs, valid = step_inputs
    gates = inputs + state.hidden @ kernel
    new_state = _cell(gates, state.cell)
    kept = jax.tree.map(
      lambda new, old: jnp.where(valid[:, None], new, old), new_state, state
    )
    return kept, (new_state.hidden, (gates, state))

  last_state, (outputs, steps) = jax.lax.scan(
    step, state, (inputs, valid), unroll=_UNROLL
  )
  return outputs, last_state, steps


def _forwards_and_saved(inputs, kernel, valid, state):
  outputs, last_state, steps = _forwards(inputs, kernel, valid, state)
  return (outputs, last_state), (kernel, valid, steps)


def _backwards(saved, gradients):
  kernel, valid, (gates, states) = saved
  # Laid out anew once, not at each step.
  transposed = jax.lax.optimization_barrier(kernel.T)

  def step(after, step_inputs):
    """Gradients of the state after a step to those of the one before."""
    output, valid, gates, cell = step_inputs
    new, old = (
      jax.tree.map(lambda x, mask=mask: jnp.where(mask[:, None], x, 0.0), after)
      for mask in (valid, ~valid)
    )
    _, pull_back = jax.vjp(_cell, gates, cell)
    new = LSTMState(new.hidden + output, new.cell)
    gates, cell = pull_back(new)
    hidden = gates @ transposed
    return LSTMState(hidden + old.hidden, cell + old.cell), gates

  outputs, last_state = gradients
  first_state, inputs = jax.lax.scan(
    step,
    last_state,
    (outputs, valid, gates, states.cell),
    reverse=True,
    unroll=_UNROLL,
  )
  hidden, flat = (x.reshape(-1, x.shape[-1]) for x in (states.hidden, inputs))
  return inputs, hidden.T @ flat, None, first_state


unroll.defvjp(_forwards_and_saved, _backwards)


def _cell(gates: chex.Array, cell: chex.Array) -> LSTMState:
  """The state after a step, from the gates before their nonlinearities."""
  i, f, g, o = jnp.split(gates, 4, axis=-1)
  cell = nn.sigmoid(f + 1.0) * cell + nn.sigmoid(i) * jnp.tanh(g)
  return LSTMState(nn.sigmoid(o) * jnp.tanh(cell), cell)
