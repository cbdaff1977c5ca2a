"""NGU's intrinsic reward against the agent's own network step.

  python benchmarks/intrinsic_reward.py

For each number of environments in a process and of entries in each one's
episodic memory: milliseconds of the reward as a whole, and of a step of the
Q-network, for all of them; beside it the reward's networks and its memory.
"""

import itertools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents import ngu
from behavior_transfer.agents.ngu import episodic, intrinsic
from behavior_transfer.benchmarks import comparisons, core

_ENVIRONMENTS = (1, 16, 64)
_ENTRIES = (1_000, 10_000, 30_000)
_MOST_ENTRIES = 10_000  # for which there is a bar


class _InPlace:
  """A step whose state is given away at each call, as actors do it."""

  def __init__(self, step, state, *arguments):
    self._step = jax.jit(step, donate_argnums=0)
    self._state = state
    self._arguments = arguments  # not constants, which would be folded

  def __call__(self):
    result, self._state = self._step(self._state, *self._arguments)
    return result


def compare(num_environments: int, entries: int) -> comparisons.Comparison:
  """One step of all environments."""
  config = ngu.NGUConfig()
  nets = ngu.make_networks(core.SPEC, comparisons.NETWORK.value, config=config)
  reward = ngu.make_intrinsic_reward(nets.intrinsic, config)
  params = nets.intrinsic.init(jax.random.key(0))
  q_params = nets.q_network.init(jax.random.key(1))
  rng = np.random.default_rng(0)
  frames = jnp.asarray(
    rng.integers(0, 256, (num_environments, 84, 84, 1)), jnp.uint8
  )
  embeddings = jnp.zeros((num_environments, config.embedding_size))

  def stack(x):
    return jnp.broadcast_to(x, (num_environments, *x.shape))

  def filled() -> intrinsic.IntrinsicState:
    state = jax.tree.map(stack, reward.init())
    noise = rng.normal(size=state.memory.entries.shape[1:]).astype(np.float32)
    memory = episodic.Memory(
      jnp.array(stack(noise)), state.memory.num_written + entries
    )
    # Copies, since buffers that are given away must not be shared.
    return jax.tree.map(jnp.array, state._replace(memory=memory))

  def whole(state, params, frames):
    embedded = nets.intrinsic.embed(params.trained["embedding"], frames)
    value, _, state = jax.vmap(reward.step, (None, 0, 0, 0))(
      params, frames, embedded, state
    )
    return value, state

  def memory(state, embeddings):
    value, memory, distances = jax.vmap(episodic.step, (0, 0, 0, None))(
      state.memory, state.distances, embeddings, config
    )
    return value, state._replace(memory=memory, distances=distances)

  @jax.jit
  def reward_networks(params, frames):
    trained = params.trained
    return (
      nets.intrinsic.embed(trained["embedding"], frames),
      nets.intrinsic.prediction_error(trained["predictor"], params, frames),
    )

  core_state = jax.tree.map(stack, nets.q_network.initial_state())
  actions = jnp.full((num_environments,), networks_lib.NO_ACTION)
  q_step = jax.jit(jax.vmap(nets.q_network.step, (None, 0, 0, 0)))
  rates = comparisons.rates(
    {
      "q_network": (lambda: q_step(q_params, frames, actions, core_state), 1),
      "reward": (_InPlace(whole, filled(), params, frames), 1),
      "networks": (lambda: reward_networks(params, frames), 1),
      "memory": (_InPlace(memory, filled(), embeddings), 1),
    },
    share=0.05,
  )
  milliseconds = {name: 1e3 / rate for name, rate in rates.items()}
  return comparisons.Comparison(
    f"NGU's reward, {num_environments} x {entries:,} entries, / Q-network",
    *("ms", milliseconds["reward"], milliseconds["q_network"]),
    at_most=1.0 if entries <= _MOST_ENTRIES else None,
    note=", ".join(
      f"its {part} {milliseconds[part]:.2f} ms"
      for part in ("networks", "memory")
    ),
  )


def measure() -> Iterator[comparisons.Comparison]:
  """Every combination."""
  return itertools.starmap(compare, itertools.product(_ENVIRONMENTS, _ENTRIES))


if __name__ == "__main__":
  comparisons.run(measure)
