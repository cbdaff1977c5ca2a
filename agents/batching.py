"""Many environments' states as one: a leading axis of E on every leaf."""

from typing import Any

import chex
import jax
import jax.numpy as jnp

# Any pytree of arrays.
State = Any


def repeat(state: State, num: int) -> State:
  """The states of `num` environments that are alike."""
  return jax.tree.map(lambda x: jnp.broadcast_to(x, (num, *x.shape)), state)


def take(states: State, index: chex.Array) -> State:
  """The state of environment `index`, int32 `[]`."""
  return jax.tree.map(lambda x: x[index], states)


def put(states: State, index: chex.Array, state: State) -> State:
  """The states with that of environment `index` replaced."""
  return jax.tree.map(lambda many, one: many.at[index].set(one), states, state)
