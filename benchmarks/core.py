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

from behavior_transfer.agents import agent as agent_lib
from behavior_transfer.agents import lstm, r2d2, sequences
from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.benchmarks import comparisons

_SHAPE = comparisons.define_shape()
_R2D2_RATE = 5.0  # updates per second; ICLR 2019, sec. 2.3
_BAR = 20.0  # times that, on a GPU
SPEC: Any = SimpleNamespace(
  observations=SimpleNamespace(shape=(84, 84, 1), dtype=np.dtype(np.uint8)),
  actions=SimpleNamespace(num_values=18),
)


class Update:
  """Learner steps on the same sequences, of noise, which lie on the device.

  Attributes:
    flops, bytes: Of one, as XLA counts them.
  """

  def __init__(self, agent: agent_lib.Agent):
    core, batch_size = agent.learner_core, agent.config.batch_size
    state = core.init(agent.initial_params(jax.random.PRNGKey(0)))
    batch = jax.device_put(_noise(agent.item_spec, batch_size))
    probabilities = jnp.full((batch_size,), 0.1)
    step = jax.jit(core.step, donate_argnums=0)
    self._step = step.lower(state, batch, probabilities).compile()
    self._state, self._batch = state, (batch, probabilities)
    costs = self._step.cost_analysis() or {}
    self.flops, self.bytes = costs["flops"], costs["bytes accessed"]

  def __call__(self):
    self._state, output = self._step(self._state, *self._batch)
    return output


def _noise(spec: sequences.Sequences, batch_size: int) -> sequences.Sequences:
  rng = np.random.default_rng(0)

  def draw(x: jax.ShapeDtypeStruct) -> np.ndarray:
    shape = batch_size, *x.shape
    if x.dtype == np.float32:
      return rng.random(shape, np.float32)
    return rng.integers(18 if x.dtype == np.int32 else 256, size=shape).astype(
      x.dtype
    )

  drawn = jax.tree.map(draw, spec)
  state = jax.tree.map(lambda x: x[:, 0], drawn.recurrent_state)
  return drawn._replace(recurrent_state=state, valid=np.ones_like(drawn.valid))


def _chain(shape: comparisons.Shape):
  """All steps of the LSTM that an update makes, one after the other."""
  size = networks_lib.resolve_size(comparisons.NETWORK.value).lstm_size
  kernel = jnp.ones((size, 4 * size)) / size
  batch_size, burn_in, trace_length = shape
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


def _ceilings() -> dict[str, float]:
  """Operations per second of a product, and bytes per second of a copy."""
  side = 2048
  matrix = jnp.ones((side, side))
  large = jnp.ones((32, side, side // 8))
  product = jax.jit(lambda x: x @ x)
  copy = jax.jit(lambda x: x + 1)
  return comparisons.rates(
    {
      "product": (lambda: product(matrix), 2 * side**3),
      "copy": (lambda: copy(large), 2 * large.nbytes),
    },
    share=0.1,
  )


def measure() -> Iterator[comparisons.Comparison]:
  """Updates, and the share of each ceiling that they reach."""
  shape = _SHAPE.value
  networks = r2d2.make_networks(SPEC, comparisons.NETWORK.value)
  config = r2d2.R2D2Config(**shape.config)
  update = Update(r2d2.make_agent(networks, SPEC, config))
  rates = comparisons.rates(
    {"update": (update, 1), "chain": (_chain(shape), 1)}
  )
  on_gpu, ours = jax.default_backend() == "gpu", rates["update"]
  yield comparisons.Comparison(
    f"learner core, {shape}, / R2D2's paper",
    *("updates/s", ours, _R2D2_RATE),
    at_least=_BAR if on_gpu else None,
  )
  yield comparisons.Comparison(
    "its updates / its LSTM alone", "updates/s", ours, rates["chain"]
  )
  if on_gpu:
    return
  ceilings = _ceilings()
  yield comparisons.Comparison(
    "its arithmetic / that of a product of matrices",
    *("Gflop/s", update.flops * ours / 1e9, ceilings["product"] / 1e9),
  )
  yield comparisons.Comparison(
    "its memory traffic / that of a copy",
    *("GB/s", update.bytes * ours / 1e9, ceilings["copy"] / 1e9),
  )


if __name__ == "__main__":
  comparisons.run(measure)
