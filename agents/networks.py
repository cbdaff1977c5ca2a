"""The recurrent dueling Q-network that every agent of the zoo uses.

Axes: T time, B batch (sequences), A primitive actions, E entries of the head
(A, plus one for each pre-trained policy that may be called), D features, C size
of the context, 0 for most agents.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from . import convolution
from .lstm import LSTM, LSTMState

# The previous action at the first step of an episode: its one-hot is all zero.
NO_ACTION = -1

Params = Any


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
  """Sizes of the network.

  Attributes:
    conv_layers: (channels, kernel, stride) of each layer, unpadded.
    torso_size: features that the torso gives to the LSTM.
    lstm_size: units of the LSTM.
    head_size: hidden units in each of the two streams of the dueling head.
  """

  conv_layers: tuple[tuple[int, int, int], ...]
  torso_size: int
  lstm_size: int
  head_size: int

  def __post_init__(self):
    for field in ("torso_size", "lstm_size", "head_size"):
      if getattr(self, field) < 1:
        raise ValueError(
          f"network {field} is {getattr(self, field)}; it must be at least 1"
        )
    for layer in self.conv_layers:
      if len(layer) != 3 or min(layer) < 1:
        raise ValueError(
          f"network conv_layers has {layer}; each layer must be three "
          "positive integers: channels, kernel, stride"
        )

  @classmethod
  def from_dict(cls, values: dict[str, Any]) -> "NetworkConfig":
    """Rebuilds a config from `dataclasses.asdict`, also by way of JSON."""
    layers = tuple(tuple(layer) for layer in values["conv_layers"])
    return cls(**{**values, "conv_layers": layers})


SIZES = {
  # Convolutions, LSTM 512 and dueling 512 + 512 of R2D2 (ICLR 2019, sec. 2.3)
  # and NGU (arXiv 2002.06038, App. B); the layer of 512 between torso and
  # LSTM as in SEED RL's R2D2 network.
  "paper": NetworkConfig(((32, 8, 4), (64, 4, 2), (64, 3, 1)), 512, 512, 512),
  # The same shape at a size that two CPU cores can train.
  "small": NetworkConfig(((16, 8, 4), (32, 4, 2), (32, 3, 1)), 128, 128, 128),
  # For pictures of some 36 by 36 pixels, which the others shrink to nothing. A
  # first layer without overlap makes a third of the work.
  "tiny": NetworkConfig(((16, 4, 4), (32, 3, 2)), 64, 64, 64),
}


def convolve(
  config: NetworkConfig,
  x: chex.Array,
  kernel_init: nn.initializers.Initializer = nn.linear.default_kernel_init,
  implementation: Callable[..., chex.Array] = convolution.convolve,
) -> chex.Array:
  """Convolutional layers of the calling module; flat features of images.

  Args:
    config: the sizes.
    x: float32 `[H, W, C]`, `[B, H, W, C]` or `[T, B, H, W, C]`.
    kernel_init: of each layer.
    implementation: one of `convolution`.

  Returns:
    float32 `[D]`, `[B, D]` or `[T, B, D]`.
  """
  time_major = x.ndim == 5
  if time_major:
    # A convolution merges the axes in front. Where a batch is split over
    # devices, it can stay so only if its axis comes first; otherwise each
    # device would gather all frames, and do the work of all.
    x = jnp.swapaxes(x, 0, 1)
  for channels, kernel, stride in config.conv_layers:
    layer = nn.Conv(
      channels,
      (kernel, kernel),
      stride,
      "VALID",
      kernel_init=kernel_init,
      conv_general_dilated=implementation,
    )
    x = nn.relu(layer(x))
  x = x.reshape(*x.shape[:-3], -1)
  return jnp.swapaxes(x, 0, 1) if time_major else x


class Torso(nn.Module):
  """Convolutions and a linear layer on uint8 frames."""

  config: NetworkConfig
  implementation: Callable[..., chex.Array] = convolution.convolve

  @nn.compact
  def __call__(self, observation: chex.Array) -> chex.Array:
    x = observation.astype(jnp.float32) / 255.0
    x = convolve(self.config, x, implementation=self.implementation)
    return nn.relu(nn.Dense(self.config.torso_size)(x))


class DuelingHead(nn.Module):
  """Q = V + A - mean(A) (Wang et al., 2016)."""

  hidden_size: int
  num_entries: int

  @nn.compact
  def __call__(self, features: chex.Array) -> chex.Array:
    value = nn.relu(nn.Dense(self.hidden_size, name="value_hidden")(features))
    value = nn.Dense(1, name="value")(value)
    advantage = nn.Dense(self.hidden_size, name="advantage_hidden")(features)
    advantage = nn.Dense(self.num_entries, name="advantage")(nn.relu(advantage))
    return value + advantage - advantage.mean(axis=-1, keepdims=True)


class RecurrentQNetwork(nn.Module):
  """Frames, previous executed actions and a context to action values.

  No reward is an input: a policy that is frozen and transferred must not need
  the reward of its pre-training, nor see that of the task.
  """

  config: NetworkConfig
  num_actions: int
  num_entries: int

  @nn.compact
  def __call__(self, observation, prev_action, valid, core_state, context):
    features = Torso(self.config, name="torso")(observation)
    prev_action = jax.nn.one_hot(prev_action, self.num_actions)
    context = jnp.broadcast_to(
      context, (*prev_action.shape[:-1], context.shape[-1])
    )
    # The context comes last: `fold_context` counts on it.
    inputs = jnp.concatenate([features, prev_action, context], axis=-1)
    outputs, core_state = LSTM(self.config.lstm_size, name="lstm")(
      inputs, valid, core_state
    )
    head = DuelingHead(self.config.head_size, self.num_entries, name="head")
    return head(outputs), core_state


class Networks(NamedTuple):
  """A Q-network as pure functions.

  Attributes:
    config: the sizes.
    num_actions: A, primitive actions.
    num_entries: E, entries of the head.
    init: key -> params.
    initial_state: () -> `LSTMState` of one environment, `[lstm_size]` each.
    step: (params, observation `[H, W, C]`, prev_action `[]`, core_state,
      context float32 `[C]`) -> (q `[E]`, core_state), for one environment.
    unroll: (params, observation `[T, B, H, W, C]`, prev_action int32 `[T, B]`,
      valid bool `[T, B]`, core_state `[B, ...]`, context float32 `[B, C]`) ->
      (q `[T, B, E]`, core_state). Where C is 0, both do without a context.
  """

  config: NetworkConfig
  num_actions: int
  num_entries: int
  init: Callable[[chex.PRNGKey], Params]
  initial_state: Callable[[], LSTMState]
  step: Callable[..., tuple[chex.Array, LSTMState]]
  unroll: Callable[..., tuple[chex.Array, LSTMState]]


def resolve_size(size: str | NetworkConfig) -> NetworkConfig:
  """Turns the name of a size into its config; a config stays as it is."""
  if isinstance(size, NetworkConfig):
    return size
  if size not in SIZES:
    raise ValueError(
      f"network size {size!r} is unknown; it must be one of {sorted(SIZES)}"
    )
  return SIZES[size]


def make_networks(
  environment_spec: Any,
  size: str | NetworkConfig,
  num_extra: int = 0,
  context_size: int = 0,
) -> Networks:
  """Builds the network for an environment.

  Args:
    environment_spec: has `.observations` (uint8 `[H, W, C]`) and `.actions`
      (a `DiscreteArray`), as Acme's `EnvironmentSpec` does.
    size: "paper", "small", "tiny", or a `NetworkConfig`.
    num_extra: entries of the head beside the primitive actions.
    context_size: C, what the LSTM is told beside frames and actions; it stays
      the same throughout an episode.

  Raises:
    ValueError: if the environment or the sizes do not fit.
  """
  config = resolve_size(size)
  num_actions = _num_actions(environment_spec)
  shape = _image_shape(environment_spec, config)
  num_entries = num_actions + num_extra
  module = RecurrentQNetwork(config, num_actions, num_entries)

  def initial_state() -> LSTMState:
    zeros = jnp.zeros((config.lstm_size,), jnp.float32)
    return LSTMState(zeros, zeros)

  no_context = jnp.zeros((1, 0), jnp.float32)

  def unroll(
    params, observation, prev_action, valid, core_state, context=no_context
  ):
    chex.assert_rank([observation, prev_action, valid], [5, 2, 2])
    chex.assert_equal_shape_prefix([observation, prev_action, valid], 2)
    chex.assert_shape(observation, (None, None, *shape))
    chex.assert_shape(context, (None, context_size))
    return module.apply(
      params, observation, prev_action, valid, core_state, context
    )

  def step(params, observation, prev_action, core_state, context=no_context[0]):
    chex.assert_shape(observation, shape)
    chex.assert_rank(prev_action, 0)
    one = functools.partial(jnp.expand_dims, axis=0)
    q, core_state = unroll(
      params,
      observation[None, None],
      prev_action[None, None],
      jnp.ones((1, 1), bool),
      jax.tree.map(one, core_state),
      context[None],
    )
    return q[0, 0], jax.tree.map(lambda x: x[0], core_state)

  def init(key):
    one = functools.partial(jnp.expand_dims, axis=0)
    return module.init(
      key,
      jnp.zeros((1, 1, *shape), jnp.uint8),
      jnp.full((1, 1), NO_ACTION, jnp.int32),
      jnp.ones((1, 1), bool),
      jax.tree.map(one, initial_state()),
      jnp.zeros((1, context_size)),
    )

  return Networks(
    config, num_actions, num_entries, jax.jit(init), initial_state, step, unroll
  )


def fold_context(params: Params, context: chex.Array) -> Params:
  """Parameters without a context that act as these do under that one.

  A context that never changes adds a constant to the gates of the LSTM.

  Args:
    params: of a network with a context.
    context: float32 `[C]`.
  """
  flat = flax.traverse_util.flatten_dict(params, sep="/")
  kernel, bias = (flat[f"params/lstm/input/{x}"] for x in ("kernel", "bias"))
  num_inputs = kernel.shape[0] - context.shape[0]
  flat["params/lstm/input/kernel"] = kernel[:num_inputs]
  flat["params/lstm/input/bias"] = bias + context @ kernel[num_inputs:]
  return flax.traverse_util.unflatten_dict(flat, sep="/")


def scale_values(params: Params, factor: float) -> Params:
  """Parameters that give so many times the action values of these."""
  flat = flax.traverse_util.flatten_dict(params, sep="/")
  for layer in ("value", "advantage"):
    for name in ("kernel", "bias"):
      path = f"params/head/{layer}/{name}"
      flat[path] = factor * flat[path]  # not in place: it may be in use
  return flax.traverse_util.unflatten_dict(flat, sep="/")


def _num_actions(environment_spec: Any) -> int:
  num_actions = getattr(environment_spec.actions, "num_values", None)
  if num_actions is None:
    raise ValueError(
      f"action spec is {environment_spec.actions}; it must be a DiscreteArray"
    )
  return int(num_actions)


def _image_shape(
  environment_spec: Any, config: NetworkConfig
) -> tuple[int, int, int]:
  """Checks that frames are uint8 images which the convolutions can shrink."""
  spec = environment_spec.observations
  shape, dtype = getattr(spec, "shape", None), getattr(spec, "dtype", None)
  if shape is None or len(shape) != 3 or np.dtype(dtype) != np.uint8:
    raise ValueError(
      f"observation spec is {spec}; it must be one uint8 array of shape "
      "[height, width, channels]"
    )
  height, width = shape[:2]
  for _, kernel, stride in config.conv_layers:
    if min(height, width) < kernel:
      raise ValueError(
        f"observations of {shape[0]}x{shape[1]} are too small for "
        f"conv_layers {config.conv_layers}"
      )
    height = (height - kernel) // stride + 1
    width = (width - kernel) // stride + 1
  return tuple(shape)
