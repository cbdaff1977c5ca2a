"""The learner alone, as pure functions, against what its device can do.

  python benchmarks/core.py
  python benchmarks/core.py --shape=16x20x40

Needs JAX, Flax, Optax and Chex only, so that it runs on a machine with a GPU
and little else. Updates per second are set beside the 5 of R2D2's paper. Three
ceilings are measured on the same device: the LSTM alone, whose steps must
follow one another, the arithmetic of a large product of matrices, and the bytes
of a large copy. The last two are left out on a GPU, where libraries do most of
the work, of which XLA keeps no count.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from behavior_transfer.agents import learning, lstm, policies, sequences
from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents.r2d2 import config as config_lib
from behavior_transfer.agents.r2d2 import losses
from behavior_transfer.benchmarks import comparisons, timing
from behavior_transfer.experiments import cli

_SHAPE = flags.DEFINE_string(
  "shape", "64x40x80", "Batch, burn-in and trace.", module_name="program"
)
_R2D2_RATE = 5.0  # updates per second; ICLR 2019, sec. 2.3
_BAR = 20.0  # times that, on a GPU
_SPEC: Any = SimpleNamespace(
  observations=SimpleNamespace(shape=(84, 84, 1), dtype=np.dtype(np.uint8)),
  actions=SimpleNamespace(num_values=18),
)


class Update:
  """Learner steps on the same sequences, which lie on the device.

  Attributes:
    flops, bytes: Of one, as XLA counts them.
  """

  def __init__(self, batch_size: int, burn_in: int, trace_length: int):
    networks = networks_lib.make_networks(_SPEC, comparisons.NETWORK.value)
    config = config_lib.R2D2Config(
      batch_size=batch_size,
      burn_in=burn_in,
      trace_length=trace_length,
      sequence_period=trace_length,
    )
    core = learning.make_learner_core(
      losses.make_loss(networks, config), config
    )
    state = core.init(networks.init(jax.random.PRNGKey(0)))
    batch = jax.device_put(_noise(networks, config))
    probabilities = jnp.full((batch_size,), 0.1)
    step = jax.jit(core.step, donate_argnums=0)
    self._step = step.lower(state, batch, probabilities).compile()
    self._state, self._batch = state, (batch, probabilities)
    costs = self._step.cost_analysis() or {}
    self.flops, self.bytes = costs["flops"], costs["bytes accessed"]

  def __call__(self):
    self._state, output = self._step(self._state, *self._batch)
    return output


def _noise(
  networks: networks_lib.Networks, config: config_lib.R2D2Config
) -> sequences.Sequences:
  rng = np.random.default_rng(0)
  shape = (config.batch_size, sequences.sequence_length(config))
  start = policies.initial_recurrent_state(networks)
  return sequences.Sequences(
    observation=rng.integers(0, 256, (*shape, 84, 84, 1), np.uint8),
    action=rng.integers(0, 18, shape, np.int32),
    reward=rng.normal(size=shape).astype(np.float32),
    discount=np.ones(shape, np.float32),
    valid=np.ones(shape, bool),
    recurrent_state=jax.tree.map(
      lambda x: jnp.broadcast_to(x, (config.batch_size, *x.shape)), start
    ),
    extras={},
  )


def _chain(batch_size: int, burn_in: int, trace_length: int):
  """All steps of the LSTM that an update makes, one after the other."""
  size = networks_lib.resolve_size(comparisons.NETWORK.value).lstm_size
  kernel = jnp.ones((size, 4 * size)) / size
  zeros = jnp.zeros((batch_size, size))
  state = lstm.LSTMState(zeros, zeros)

  def unroll(kernel, state, steps):
    inputs = jnp.ones((steps, batch_size, 4 * size))
    valid = jnp.ones((steps, batch_size), bool)
    outputs, state = lstm.unroll(inputs, kernel, valid, state)
    return outputs.sum(), state

  def chain(kernel):
    steps = trace_length + 1
    _, start = unroll(kernel, state, max(burn_in, 1))
    total, gradient = jax.value_and_grad(
      lambda kernel: unroll(kernel, start, steps)[0]
    )(kernel)
    # The target network goes the whole way, too.
    return total + unroll(kernel + 1e-3, state, burn_in + steps)[0], gradient

  run = jax.jit(chain)
  return lambda: run(kernel)


def _ceilings() -> tuple[float, float]:
  """Operations per second of a product, and bytes per second of a copy."""
  side = 2048
  matrix = jnp.ones((side, side))
  large = jnp.ones((32, side, side // 8))
  product = jax.jit(lambda x: x @ x)
  copy = jax.jit(lambda x: x + 1)
  rates = timing.rates(
    {
      "product": (lambda: product(matrix), 2 * side**3),
      "copy": (lambda: copy(large), 2 * large.nbytes),
    },
    comparisons.TURNS.value,
    comparisons.SECONDS.value / 10,
  )
  return rates["product"], rates["copy"]


def measure() -> Iterator[comparisons.Comparison]:
  """Updates, and the share of each ceiling that they reach."""
  with cli.user_input():
    shape = comparisons.shape(
      _SHAPE.value, f"--shape is {_SHAPE.value!r}; it is like 64x40x80"
    )
  update = Update(*shape)
  rates = timing.rates(
    {"update": (update, 1), "chain": (_chain(*shape), 1)},
    comparisons.TURNS.value,
    comparisons.SECONDS.value,
  )
  on_gpu = jax.default_backend() == "gpu"
  yield comparisons.Comparison(
    f"learner core, {_SHAPE.value}, / R2D2's paper",
    "updates/s",
    rates["update"],
    _R2D2_RATE,
    at_least=_BAR if on_gpu else None,
  )
  yield comparisons.Comparison(
    "its updates / its LSTM alone",
    "updates/s",
    rates["update"],
    rates["chain"],
  )
  if on_gpu:
    return
  flops, bytes_ = _ceilings()
  yield comparisons.Comparison(
    "its arithmetic / that of a product of matrices",
    "Gflop/s",
    update.flops * rates["update"] / 1e9,
    flops / 1e9,
  )
  yield comparisons.Comparison(
    "its memory traffic / that of a copy",
    "GB/s",
    update.bytes * rates["update"] / 1e9,
    bytes_ / 1e9,
  )


if __name__ == "__main__":
  comparisons.run(measure)
