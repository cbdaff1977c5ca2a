"""Learns with every agent, on as many devices as there are.

  python -m tests.agents.learn_on_devices OUTPUT

OUTPUT becomes an `.npz` of what `learn` gives, and of how an odd batch fares.
"""

import dataclasses
import itertools
import sys
import warnings
from types import SimpleNamespace

import jax
import numpy as np
import reverb

from behavior_transfer.agents import r2d2, sequences
from tests.agents import run_by_acme

AGENTS = list(run_by_acme.AGENTS)
# Convolutions do most of the work, as at the paper's size.
NETWORK = r2d2.NetworkConfig(((16, 3, 1), (32, 3, 1)), 8, 8, 8)
LEARNING_RATE = 1e-2
BATCH_SIZE = 4
STEPS = 4
# Rows of each sequence that hold a transition. The halves of the batch differ
# in how many, so that the mean of their means is not that of all.
SPANS = ((0, 6), (2, 6), (0, 3), (2, 4))


class Recorder:
  """Stands in for replay and for the logger: keeps what it is told."""

  def __init__(self):
    self.priorities = []
    self.metrics = []

  def mutate_priorities(self, table, updates):
    self.priorities.append(updates)

  def write(self, values):
    self.metrics.append(values)


class Run:
  """A learner on batches that are the same for any number of devices."""

  def __init__(self, name, batch_size=BATCH_SIZE):
    agent = run_by_acme.Agent(name)
    config = dataclasses.replace(
      agent.builder._config, batch_size=batch_size, learning_rate=LEARNING_RATE
    )
    builder = type(agent.builder)(config)
    networks = agent._make_networks(agent.environment_spec, NETWORK)
    policy = builder.make_policy(networks, agent.environment_spec)
    self._spec = sequences.item_spec(agent.environment_spec, policy, config)
    self.recorder = Recorder()
    self.learner = builder.make_learner(
      random_key=jax.random.PRNGKey(0),
      networks=networks,
      dataset=map(self._batch, itertools.count()),
      logger_fn=lambda *_, **__: self.recorder,
      environment_spec=agent.environment_spec,
      replay_client=self.recorder,
    )

  def _batch(self, seed):
    rng = np.random.default_rng(seed)

    def noise(x):
      shape, dtype = (BATCH_SIZE, *x.shape), np.dtype(x.dtype)
      if dtype == np.float32:
        return rng.uniform(0.05, 1.0, shape).astype(dtype)
      limit = 256 if dtype == np.uint8 else 2
      return rng.integers(0, limit, shape).astype(dtype)

    data = jax.tree.map(noise, self._spec)
    if "choice" in data.extras:
      data.extras["choice"][:, ::2] = 2  # the extra action
    if "mixture_index" in data.extras:
      data.extras["mixture_index"][:] = np.arange(BATCH_SIZE)[:, None] % 3
    rows = np.arange(data.valid.shape[1])
    start, stop = np.array(SPANS).T[..., None]
    data = data._replace(
      valid=(start <= rows) & (rows < stop),
      recurrent_state=jax.tree.map(lambda x: x[:, 0], data.recurrent_state),
    )
    info = SimpleNamespace(
      # A device would cut them short.
      key=np.uint64(2**64 - 1) - np.arange(BATCH_SIZE, dtype=np.uint64),
      probability=rng.uniform(0.1, 1.0, BATCH_SIZE),
    )
    return reverb.ReplaySample(info=info, data=data)


class WatchedStep:
  """The learner's SGD step, compiled and looked at."""

  def __init__(self, step):
    self._step = step
    self._compiled = None

  def __call__(self, state, *batch):
    self._check_places(state)
    if self._compiled is None:
      self._compiled = self._step.lower(state, *batch).compile()
      self._check_batch(batch)
    result = self._compiled(state, *batch)
    assert all(x.is_deleted() for x in jax.tree.leaves(state)), "not donated"
    self._check_places(result)
    return result

  def _check_places(self, arrays):
    """All of them are whole on every device."""
    for x in jax.tree.leaves(arrays):
      assert x.sharding.is_fully_replicated
      assert x.sharding.device_set == set(jax.local_devices())

  def _check_batch(self, batch):
    """Each device gets its own sequences, as many as any other."""
    devices = jax.local_devices()
    (_, *shardings), _ = self._compiled.input_shardings
    assert shardings[0].observation and shardings[1]
    shardings = jax.tree.leaves(shardings, is_leaf=lambda x: x is None)
    for x, sharding in zip(jax.tree.leaves(batch), shardings, strict=True):
      if sharding is None:  # nothing of it is needed
        continue
      parts = sharding.devices_indices_map(x.shape)
      rows = [np.arange(BATCH_SIZE)[parts[device][0]] for device in devices]
      np.testing.assert_array_equal(np.concatenate(rows), range(BATCH_SIZE))
      assert {len(r) for r in rows} == {BATCH_SIZE // len(devices)}

  @property
  def flops(self):
    """Of one device."""
    return self._compiled.cost_analysis()["flops"]


def learn():
  """What all agents learn: {"agent what": array}.

  It is the same for any number of devices, but for rounding and the "flops" of
  each. Half-way, each learner goes on from its own saved state.
  """
  # A state is as large as all parameters: nobody wants it twice.
  warnings.filterwarnings("error", message=".*donated buffers")
  facts = {}
  for name in AGENTS:
    run = Run(name)
    (start,) = run.learner.get_variables(["policy"])
    inner = run.learner._learner
    inner._sgd_step = step = WatchedStep(inner._sgd_step)
    for i in range(STEPS):
      if i == STEPS // 2:
        run.learner.restore(run.learner.save())
      run.learner.step()
    recorded = {
      "flops": step.flops,
      "start": start,
      "policy": run.learner.get_variables(["policy"])[0],
      "state": run.learner.save(),
      "keys": [list(updates) for updates in run.recorder.priorities],
      "priorities": [list(x.values()) for x in run.recorder.priorities],
      "metrics": [
        {key: x for key, x in metrics.items() if "walltime" not in key}
        for metrics in run.recorder.metrics
      ],
    }
    for path, x in jax.tree_util.tree_flatten_with_path(recorded)[0]:
      assert not isinstance(x, jax.Array), path
      facts[f"{name} {jax.tree_util.keystr(path)}"] = np.asarray(x)
  return facts


def refusal(batch_size):
  """What the learner says to that batch size, None if it takes it."""
  try:
    Run("r2d2", batch_size)
  except ValueError as error:
    return str(error)


if __name__ == "__main__":
  np.savez(sys.argv[1], refusal=refusal(3), **learn())
