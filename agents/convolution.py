"""A strided convolution with a cheap gradient.

The gradient of a strided convolution is one with zeros between its numbers,
which CPUs multiply like any other. That of the same function without a stride,
over a picture in which blocks of pixels have become channels, has none. For
pictures of few channels that function is the quicker one forwards, too.
"""

import functools
from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_FEW = 4  # channels: of gray frames, stacked or not


def _or_as_usual(unpadded: Callable[..., chex.Array]):
  """Has JAX do what is asked for beyond an unpadded, square convolution."""

  @functools.wraps(unpadded)
  def convolve(x, kernel, strides, padding="VALID", **options):
    layout = options.pop("dimension_numbers", _DIMENSIONS)
    if (
      x.ndim == 4
      and padding == "VALID"
      and strides[0] == strides[1]
      and kernel.shape[0] == kernel.shape[1] <= min(x.shape[1:3])
      and jax.lax.conv_dimension_numbers(x.shape, kernel.shape, layout)
      == jax.lax.conv_dimension_numbers(x.shape, kernel.shape, _DIMENSIONS)
      and all(x in (None, 1, (1, 1)) for x in options.values())
    ):
      return unpadded(x, kernel, strides[0])
    return jax.lax.conv_general_dilated(
      x, kernel, strides, padding, dimension_numbers=layout, **options
    )

  return convolve


@_or_as_usual
def convolve(x: chex.Array, kernel: chex.Array, stride: int) -> chex.Array:
  """For `nn.Conv(conv_general_dilated=...)`.

  Args:
    x: float32 `[N, H, W, C]`.
    kernel: float32 `[K, K, C, D]`.
    stride: in both directions.

  Returns:
    float32 `[N, (H - K) / stride + 1, (W - K) / stride + 1, D]`.
  """
  if x.shape[-1] <= _FEW:
    return _without_stride(stride, x, kernel)
  return _strided(x, kernel, stride)


@_or_as_usual
def by_patches(x: chex.Array, kernel: chex.Array, stride: int) -> chex.Array:
  """The same as a product of matrices.

  For `jax.vmap` over kernels: accelerators multiply many at once, where each
  convolution would be work of its own.
  """
  return _without_stride(stride, x, kernel, _multiply)


def _multiply(x, kernel, strides):
  del strides  # are 1
  side, outputs = kernel.shape[0], kernel.shape[-1]
  height, width = (size - side + 1 for size in x.shape[1:3])
  patches = [
    x[:, i : i + height, j : j + width]
    for i in range(side)
    for j in range(side)
  ]
  return jnp.concatenate(patches, axis=-1) @ kernel.reshape(-1, outputs)


def _convolve(x, kernel, strides):
  return jax.lax.conv_general_dilated(
    x, kernel, strides, "VALID", dimension_numbers=_DIMENSIONS
  )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _strided(x, kernel, stride):
  return _convolve(x, kernel, (stride, stride))


def _forwards(x, kernel, stride):
  return _strided(x, kernel, stride), (x, kernel)


def _backwards(stride, saved, gradient):
  _, pull_back = jax.vjp(functools.partial(_without_stride, stride), *saved)
  return pull_back(gradient)


_strided.defvjp(_forwards, _backwards)


def _without_stride(stride, x, kernel, convolve=_convolve):
  per_side = -(-kernel.shape[0] // stride)  # blocks, the last ones not full
  covered = [
    ((size - kernel.shape[0]) // stride + per_side) * stride
    for size in x.shape[1:3]
  ]
  x = _fit(x[:, : covered[0], : covered[1]], (1, 2), covered)
  kernel = _fit(kernel, (0, 1), [per_side * stride] * 2)
  kernel = jnp.moveaxis(_blocks(jnp.moveaxis(kernel, 3, 0), stride), 0, 3)
  return convolve(_blocks(x, stride), kernel, (1, 1))


def _fit(x, axes, sizes):
  """Zeros behind, up to these sizes."""
  pad = [(0, 0)] * x.ndim
  for axis, size in zip(axes, sizes, strict=True):
    pad[axis] = (0, size - x.shape[axis])
  return jnp.pad(x, pad)


def _blocks(x, side):
  """`[N, H, W, C]` to `[N, H / side, W / side, side * side * C]`."""
  n, height, width, channels = x.shape
  x = x.reshape(n, height // side, side, width // side, side, channels)
  x = jnp.swapaxes(x, 2, 3)
  return x.reshape(n, height // side, width // side, side * side * channels)
