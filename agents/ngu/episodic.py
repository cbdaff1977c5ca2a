"""NGU's episodic reward: how unlike this episode's past an observation is.

Algorithm 1 and equation 2 of Never Give Up (Badia et al., arXiv 2002.06038).
Everything is about one environment; `jax.vmap` steps many.

Axes: M entries of the memory, D size of the embedding, k nearest neighbours.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from . import config as config_lib
from . import running

# Entries that are searched at once: a search costs what the memory holds by
# then, not what it could hold.
_BLOCK = 1024


class Memory(NamedTuple):
  """Embeddings of this episode so far, the oldest replaced once it is full.

  Attributes:
    entries: float32 `[D, M']`, a column each; M' is M + 1, for the newest
      beside M others, rounded up to blocks.
    num_written: int32 `[]`, entries written in this episode.
  """

  entries: chex.Array
  num_written: chex.Array


def empty(capacity: int, embedding_size: int) -> Memory:
  """A memory of M = `capacity` entries, none of which is written."""
  block = min(_BLOCK, capacity + 1)
  columns = -(-(capacity + 1) // block) * block
  entries = jnp.zeros((embedding_size, columns), jnp.float32)
  return Memory(entries, jnp.int32(0))


def append(memory: Memory, embedding: chex.Array, capacity: int) -> Memory:
  """Writes an embedding, float32 `[D]`, over the oldest if need be."""
  chex.assert_shape(embedding, memory.entries.shape[:1])
  slot = memory.num_written % (capacity + 1)
  entries = jax.lax.dynamic_update_slice(
    memory.entries, embedding[:, None], (0, slot)
  )
  return Memory(entries, memory.num_written + 1)


def nearest_distances(
  memory: Memory, embedding: chex.Array, capacity: int, num_neighbors: int
) -> chex.Array:
  """Squared Euclidean distances from the newest entry to those nearest to it.

  That is, the neighbours of an observation among all before it: asked once it
  is written, since to read and then to write would copy the memory.

  Args:
    memory: with at least one entry.
    embedding: float32 `[D]`, the newest entry.
    capacity: M.
    num_neighbors: k.

  Returns:
    float32 `[k]`, ascending, infinite where there are fewer entries.
  """
  newest = (memory.num_written - 1) % (capacity + 1)
  num_slots = jnp.minimum(memory.num_written, capacity + 1)
  block = min(_BLOCK, memory.entries.shape[1])

  def search(index, nearest):
    start = index * block
    entries = jax.lax.dynamic_slice_in_dim(memory.entries, start, block, axis=1)
    # Not by way of |a|^2 + |b|^2 - 2ab, which loses small distances.
    distances = jnp.square(entries - embedding[:, None]).sum(axis=0)
    slots = start + jnp.arange(block)
    is_other = (slots < num_slots) & (slots != newest)
    distances = jnp.where(is_other, distances, jnp.inf)
    candidates = jnp.concatenate([nearest, distances])
    return -jax.lax.top_k(-candidates, num_neighbors)[0]

  nearest = jnp.full((num_neighbors,), jnp.inf, jnp.float32)
  num_blocks = (num_slots + block - 1) // block
  return jax.lax.fori_loop(0, num_blocks, search, nearest)


def similarity_reward(
  distances: chex.Array, mean_distance: chex.Array, config: config_lib.NGUConfig
) -> chex.Array:
  """1 / (sqrt(sum of kernels) + c), or 0 beyond the maximal similarity.

  Distances that are all 0, as of an embedding that has become constant, count
  as revisits: the reward is then 1 / (sqrt(k) + c).

  Args:
    distances: float32 `[k]`, squared, to the nearest neighbours.
    mean_distance: float32 `[]`, d_m^2, their running mean.
    config: the constants.

  Returns:
    float32 `[]`.
  """
  chex.assert_rank([distances, mean_distance], [1, 0])
  # A product, so that what is not a number stays so.
  normalised = jnp.where(
    mean_distance == 0, 0.0 * distances, distances / mean_distance
  )
  normalised = jnp.maximum(normalised - config.cluster_distance, 0.0)
  kernel = config.kernel_epsilon / (normalised + config.kernel_epsilon)
  similarity = jnp.sqrt(kernel.sum()) + config.pseudo_count_constant
  return jnp.where(similarity > config.max_similarity, 0.0, 1.0 / similarity)


def step(
  memory: Memory,
  mean_distance: running.Moments,
  embedding: chex.Array,
  config: config_lib.NGUConfig,
) -> tuple[chex.Array, Memory, running.Moments]:
  """Algorithm 1 for one observation.

  Args:
    memory: of the observations before this one.
    mean_distance: of the distances so far; it outlives the episode, so that an
      episode that stays where it is earns less than one that moves.
    embedding: float32 `[D]`, of this observation.
    config: the constants.

  Returns:
    The reward, float32 `[]`, 0 while there are fewer than k entries (Algorithm
    1 has no rule for those); the memory with this observation; the mean with
    its distances, by which they are already divided.
  """
  complete = memory.num_written >= config.num_neighbors
  memory = append(memory, embedding, config.memory_capacity)
  distances = nearest_distances(
    memory, embedding, config.memory_capacity, config.num_neighbors
  )
  updated = running.update(
    mean_distance,
    distances,
    config.statistics_horizon * config.num_neighbors,
  )
  reward = similarity_reward(distances, updated.mean, config)
  mean_distance = jax.tree.map(
    lambda new, old: jnp.where(complete, new, old), updated, mean_distance
  )
  # A product, here too.
  reward = jnp.where(complete, reward, 0.0 * embedding.sum())
  return reward, memory, mean_distance
