"""Specs, networks and sequences at the size of a test."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from dm_env import specs

from behavior_transfer.agents import networks, policies, sequences

TINY = networks.NetworkConfig(((4, 3, 1),), 8, 8, 8)


def environment_spec(num_actions=3, shape=(6, 6, 1)):
  """What the core reads of Acme's `EnvironmentSpec`."""
  return SimpleNamespace(
    observations=specs.BoundedArray(shape, np.uint8, 0, 255),
    actions=specs.DiscreteArray(num_actions),
  )


def extras_of_a_step(policy):
  """What an adder is given with a transition, before anything was decided."""
  state = policy.init(jax.random.PRNGKey(0))
  return {**policy.get_extras(state), "values": state.values}


def reward_step(nets, reward):
  """NGU's own reward of an observation, by the embedding of the parameters."""

  def step(params, observation, state):
    embedding = params.trained.get("embedding")
    if embedding is not None:
      embedding = nets.intrinsic.embed(embedding, observation)
    return reward.step(params, observation, embedding, state)

  return jax.jit(step)


class Variables:
  """A variable source whose parameters a test may replace."""

  def __init__(self, **variables):
    self.variables = variables

  def get_variables(self, names):
    return [self.variables[name] for name in names]


def random_sequences(rng, length, batch, networks_, extras=None, valid=None):
  """Time-major sequences of noise."""
  if valid is None:
    valid = np.ones((length, batch), bool)
    valid[-1] = False
  state = jax.tree.map(
    lambda x: jnp.asarray(rng.normal(size=(batch, *x.shape)), jnp.float32),
    networks_.initial_state(),
  )
  return sequences.Sequences(
    observation=rng.integers(0, 256, (length, batch, 6, 6, 1)).astype(np.uint8),
    action=rng.integers(0, networks_.num_actions, (length, batch)),
    reward=rng.normal(size=(length, batch)).astype(np.float32),
    discount=np.ones((length, batch), np.float32),
    valid=valid,
    recurrent_state=policies.RecurrentState(
      jnp.asarray(rng.integers(0, networks_.num_actions, batch), jnp.int32),
      state,
    ),
    extras=extras or {},
  )
