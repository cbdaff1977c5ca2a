"""NGU's intrinsic reward against the agent's own network step.

  python benchmarks/intrinsic_reward.py

For each number of environments in a process and of entries in each one's
episodic memory: milliseconds of a step of the Q-network, of the reward as a
whole, and of its parts. The ratio is that of the whole reward to the Q-network;
all networks are of the paper's size.
"""

import pathlib
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from dm_env import specs

from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents import ngu
from behavior_transfer.agents.ngu import episodic, intrinsic
from behavior_transfer.benchmarks import timing
from behavior_transfer.experiments import cli, workdirs

_OUTPUT = flags.DEFINE_string(
  "output", None, "JSON file for the figures.", module_name="program"
)
_ENVIRONMENTS = (1, 16, 64)
_ENTRIES = (1_000, 10_000, 30_000)

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


def measure(num_environments: int, entries: int) -> dict[str, Any]:
  """Milliseconds of each part, for one step of all environments."""
  config = ngu.NGUConfig()
  nets = ngu.make_networks(_SPEC, "paper", config=config)
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
    value, _, state = jax.vmap(reward.step, (None, 0, 0))(params, frames, state)
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
  times = timing.alternate(
    {
      "q_network": lambda: q_step(q_params, frames, actions, core_state),
      "reward": _InPlace(whole, filled(), params, frames),
      "reward_networks": lambda: reward_networks(params, frames),
      "memory": _InPlace(memory, filled(), embeddings),
    }
  )
  return {
    "environments": num_environments,
    "entries": entries,
    **{f"{name}_ms": 1e3 * value for name, value in times.items()},
    "ratio": times["reward"] / times["q_network"],
  }


def main():
  """Measures all combinations and prints a table."""
  with cli.user_input():
    output = _OUTPUT.value and workdirs.writable(pathlib.Path(_OUTPUT.value))
  print(
    f"{'environments':>12} {'entries':>8} {'Q-network':>10} {'reward':>10}"
    f" {'ratio':>6}   (its networks, its memory), ms"
  )
  rows = []
  for num_environments in _ENVIRONMENTS:
    for entries in _ENTRIES:
      row = measure(num_environments, entries)
      rows.append(row)
      print(
        f"{num_environments:12} {entries:8,} {row['q_network_ms']:10.2f}"
        f" {row['reward_ms']:10.2f} {row['ratio']:6.2f}  "
        f" ({row['reward_networks_ms']:.2f}, {row['memory_ms']:.2f})",
        flush=True,
      )
  if output:
    workdirs.write_json(output, {"machine": timing.machine(), "rows": rows})


if __name__ == "__main__":
  cli.run(main)
