"""The Q-network of all policies, and the networks of the intrinsic reward.

Axes: A primitive actions, N policies of the mixture, D size of the embedding.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from .. import convolution
from .. import networks as networks_lib
from . import config as config_lib
from . import mixture, novelty, running


class Predictor(nn.Module):
  """The fixed and the trained network of random network distillation.

  Both are of the same depth in NGU; initialisers as in the code of Burda et
  al.
  """

  config: networks_lib.NetworkConfig
  size: int

  @nn.compact
  def __call__(self, whitened: chex.Array) -> chex.Array:
    init = nn.initializers.orthogonal(2**0.5)
    x = networks_lib.convolve(self.config, whitened, init)
    return nn.Dense(self.size, kernel_init=init)(x)


class InverseModel(nn.Module):
  """Logits of the action that led from one embedding to the next."""

  hidden_size: int
  num_actions: int

  @nn.compact
  def __call__(self, before: chex.Array, after: chex.Array) -> chex.Array:
    x = jnp.concatenate([before, after], axis=-1)
    x = nn.relu(nn.Dense(self.hidden_size)(x))
    return nn.Dense(self.num_actions)(x)


class IntrinsicParams(NamedTuple):
  """Parameters of the intrinsic reward.

  Attributes:
    trained: by gradients: "embedding", "inverse_model" and "predictor", those
      of them that the kind of reward needs.
    target: the fixed random network's, empty where it is not needed.
    pixels: moments of all frames that the predictor was trained on.
  """

  trained: dict[str, networks_lib.Params]
  target: networks_lib.Params
  pixels: running.Moments


class IntrinsicNetworks(NamedTuple):
  """The networks of the intrinsic reward as pure functions.

  Attributes:
    init: key -> `IntrinsicParams`.
    embed: (params of f, observation uint8 `[..., H, W, C]`) -> float32
      `[..., D]`.
    embed_each: (E params of f `[E, ...]`, observation uint8 `[E, H, W, C]`) ->
      float32 `[E, D]`.
    action_logits: (params of the model, embedding `[..., D]`, the next one) ->
      float32 `[..., A]`.
    prediction_error: (params of the predictor, `IntrinsicParams`, observation
      uint8 `[..., H, W, C]`) -> |predictor - target|^2, float32 `[...]`.
    embedding_size: D.
  """

  init: Callable[[chex.PRNGKey], IntrinsicParams]
  embed: Callable[..., chex.Array]
  embed_each: Callable[..., chex.Array]
  action_logits: Callable[..., chex.Array]
  prediction_error: Callable[..., chex.Array]
  embedding_size: int


class NGUNetworks(NamedTuple):
  """What the builder needs of networks.

  Attributes:
    q_network: its context is the one-hot index of the policy, or nothing where
      there is one policy.
    intrinsic: for the reward.
  """

  q_network: networks_lib.Networks
  intrinsic: IntrinsicNetworks


def make_networks(
  environment_spec: Any,
  size: str | networks_lib.NetworkConfig = "paper",
  *,
  config: config_lib.NGUConfig | None = None,
) -> NGUNetworks:
  """Builds all networks for an environment.

  Args:
    environment_spec: of the environment.
    size: "paper", "small", "tiny" or a `NetworkConfig`.
    config: the agent's; None means the default one.

  Raises:
    ValueError: if the environment or the sizes do not fit.
  """
  config = config or config_lib.NGUConfig()
  num_policies = mixture.size(config)
  q_network = networks_lib.make_networks(
    environment_spec,
    size,
    context_size=num_policies if num_policies > 1 else 0,
  )
  return NGUNetworks(q_network, _intrinsic(environment_spec, q_network, config))


def _intrinsic(
  environment_spec: Any,
  q_network: networks_lib.Networks,
  config: config_lib.NGUConfig,
) -> IntrinsicNetworks:
  sizes = q_network.config
  embedding = networks_lib.Torso(
    dataclasses.replace(sizes, torso_size=config.embedding_size)
  )
  each_embedding = embedding.clone(implementation=convolution.by_patches)
  inverse_model = InverseModel(config.inverse_model_size, q_network.num_actions)
  predictor = Predictor(sizes, config.rnd_size)
  observation = jnp.zeros(environment_spec.observations.shape, jnp.uint8)
  features = jnp.zeros((config.embedding_size,), jnp.float32)
  pixels = running.empty((*observation.shape[:-1], 1))

  @jax.jit
  def init(key):
    keys = jax.random.split(key, 4)
    trained: dict[str, networks_lib.Params] = {}
    target: networks_lib.Params = {}
    if config.intrinsic_reward == "ngu":
      trained["embedding"] = embedding.init(keys[0], observation)
      trained["inverse_model"] = inverse_model.init(keys[1], features, features)
    if config.intrinsic_reward != "constant":
      trained["predictor"] = predictor.init(keys[2], pixels.mean)
      target = predictor.init(keys[3], pixels.mean)
    return IntrinsicParams(trained, target, pixels)

  def prediction_error(params, intrinsic: IntrinsicParams, observation):
    whitened = novelty.whiten(observation, intrinsic.pixels)
    predicted, target = (
      jnp.asarray(predictor.apply(p, whitened))
      for p in (params, intrinsic.target)
    )
    error = predicted - jax.lax.stop_gradient(target)
    return jnp.square(error).sum(axis=-1)

  return IntrinsicNetworks(
    init,
    embedding.apply,
    jax.vmap(each_embedding.apply),
    inverse_model.apply,
    prediction_error,
    config.embedding_size,
  )
