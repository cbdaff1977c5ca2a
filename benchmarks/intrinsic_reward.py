"""NGU's intrinsic reward against the agent's own network step.

  python benchmarks/intrinsic_reward.py

For each number of environments in a process and of entries in each one's
episodic memory: milliseconds of the reward as a whole, and of a step of the
Q-network, for all of them; beside it the reward's networks and its memory.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from dm_env import specs

from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents import ngu
from behavior_transfer.agents.ngu import episodic, intrinsic
from behavior_transfer.benchmarks import comparisons, timing

_ENVIRONMENTS = (1, 16, 64)
_ENTRIES = (1_000, 10_000, 30_000)
_MOST_ENTRIES = 10_000  # for which there is a bar

_SPEC: Any = SimpleNamespace(
  observations=specs.BoundedArray((84, 84, 1), np.uint8, 0, 255),
  actions=specs.DiscreteArray(18),
)


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
  nets = ngu.make_networks(_SPEC, comparisons.NETWORK.value, config=config)
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
  sides: dict[str, Callable[[], object]] = {
    "q_network": lambda: q_step(q_params, frames, actions, core_state),
    "reward": _InPlace(whole, filled(), params, frames),
    "networks": lambda: reward_networks(params, frames),
    "memory": _InPlace(memory, filled(), embeddings),
  }
  rates = timing.rates(
    {name: (function, 1) for name, function in sides.items()},
    comparisons.TURNS.value,
    comparisons.SECONDS.value / 20,
  )
  milliseconds = {name: 1e3 / rate for name, rate in rates.items()}
  return comparisons.Comparison(
    f"NGU's reward, {num_environments} x {entries:,} entries, / Q-network",
    "ms",
    milliseconds["reward"],
    milliseconds["q_network"],
    at_most=1.0 if entries <= _MOST_ENTRIES else None,
    note=", ".join(
      f"its {part} {milliseconds[part]:.2f} ms"
      for part in ("networks", "memory")
    ),
  )


def measure() -> Iterator[comparisons.Comparison]:
  """Every combination."""
  for num_environments in _ENVIRONMENTS:
    for entries in _ENTRIES:
      yield compare(num_environments, entries)


if __name__ == "__main__":
  comparisons.run(measure)
