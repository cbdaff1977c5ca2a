"""The convolution is the usual one, in value and gradient, at any stride."""

import re

import flax.linen as nn
import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies

from behavior_transfer.agents import convolution, networks


def _plain(x, kernel, strides):
  return jax.lax.conv_general_dilated(
    x, kernel, strides, "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
  )


def test_a_golden_value():
  """Two blocks of 2 x 2 pixels, the second of which counts tenfold."""
  x = jnp.arange(8.0).reshape(1, 2, 4, 1)
  kernel = jnp.arange(1.0, 5.0).reshape(2, 2, 1, 1)
  result, pull_back = jax.vjp(
    lambda *a: convolution.convolve(*a, (2, 2)), x, kernel
  )
  np.testing.assert_array_equal(result.ravel(), [34, 54])
  dx, dkernel = pull_back(jnp.array([1.0, 10.0]).reshape(1, 1, 2, 1))
  np.testing.assert_array_equal(
    dx[0, :, :, 0], [[1, 2, 10, 20], [3, 4, 30, 40]]
  )
  np.testing.assert_array_equal(dkernel[:, :, 0, 0], [[20, 31], [64, 75]])


@hypothesis.given(
  st=strategies.sampled_from([1, 2, 3, 4]),
  kernel=strategies.integers(1, 3),
  more=strategies.integers(0, 2),
  odd=strategies.integers(0, 1),
  channels=strategies.sampled_from([1, 2, 7]),
  seed=strategies.integers(0, 2**16),
)
@hypothesis.settings(max_examples=40, deadline=None, derandomize=True)
def test_it_is_the_plain_one(st, kernel, more, odd, channels, seed):
  """Also where the stride divides neither the kernel nor the picture."""
  rng = np.random.default_rng(seed)
  side, height = st * kernel + odd, st * (kernel + more) + 2 * odd
  x = rng.normal(size=(3, height, height + st, channels)).astype(np.float32)
  w = rng.normal(size=(side, side, channels, 5)).astype(np.float32)

  @jax.jit
  def both(x, w):
    expected, plain = jax.vjp(lambda *a: _plain(*a, (st, st)), x, w)
    found, ours = jax.vjp(lambda *a: convolution.convolve(*a, (st, st)), x, w)
    weights = rng.normal(size=found.shape).astype(np.float32)
    return (found, *ours(weights)), (expected, *plain(weights))

  for ours, plain in zip(*both(x, w), strict=True):
    np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fast", [convolution.convolve, convolution.by_patches])
@pytest.mark.parametrize(
  "layer",
  [
    {"padding": "SAME"},
    {"padding": 1},
    {"padding": ((0, 1), (2, 0))},
    {"padding": "CIRCULAR"},
    {"strides": (2, 3)},
    {"kernel_size": (4, 3)},
    {"kernel_dilation": 2},
    {"kernel_dilation": (1, 2)},
    {"input_dilation": 2, "strides": 1, "padding": 0},
    {"feature_group_count": 2},
    {"precision": "highest"},
    {},
  ],
)
def test_whatever_a_layer_asks_for_it_gets(fast, layer):
  layer = {"kernel_size": (4, 4), "strides": 2, "padding": "VALID", **layer}
  x = np.random.default_rng(0).normal(size=(2, 18, 15, 4)).astype(np.float32)
  plain = nn.Conv(8, **layer)
  params = plain.init(jax.random.PRNGKey(0), x)
  found = nn.Conv(8, **layer, conv_general_dilated=fast).apply(params, x)
  np.testing.assert_allclose(
    found, plain.apply(params, x), rtol=1e-4, atol=1e-5
  )


def test_kernels_of_a_batch():
  rng = np.random.default_rng(0)
  torso = networks.Torso(networks.SIZES["paper"])
  frames = rng.integers(0, 256, (3, 84, 84, 2), np.uint8)
  keys = jax.random.split(jax.random.PRNGKey(0), 3)
  params = [torso.init(*pair) for pair in zip(keys, frames, strict=True)]
  many = torso.clone(implementation=convolution.by_patches)
  found = jax.vmap(many.apply)(
    jax.tree.map(lambda *x: jnp.stack(x), *params), frames
  )
  for pair, features in zip(
    zip(params, frames, strict=True), found, strict=True
  ):
    np.testing.assert_allclose(features, torso.apply(*pair), atol=1e-5)
  assert np.std(found) > 0.1


def test_its_gradient_has_no_dilation():
  """Of all three layers at the paper's size."""

  class Layers(nn.Module):
    @nn.compact
    def __call__(self, x):
      return networks.convolve(networks.SIZES["paper"], x).sum()

  x = jnp.zeros((2, 84, 84, 1))
  params = Layers().init(jax.random.PRNGKey(0), x)
  text = jax.jit(jax.grad(Layers().apply)).lower(params, x).as_text()
  convolutions = [line for line in text.splitlines() if "convolution" in line]
  assert len(convolutions) == 3 + 3 + 2
  dilations = re.findall(r"lhs_dilate = \[(\d+), (\d+)\]", text)
  assert set(dilations) <= {("1", "1")}
  plain = jax.jit(
    jax.grad(lambda x: _plain(x, jnp.ones((4, 4, 1, 1)), (2, 2)).sum())
  )
  assert re.search(r"lhs_dilate = \[2, 2\]", plain.lower(x).as_text())
