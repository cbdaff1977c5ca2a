"""dm-acme 0.4.0's own R2D2, with a haiku network of our sizes.

What a user would take instead: Acme's actor, adder, replay tables and learner
as they come. Only its network is replaced, since its own is a residual one. It
sees what ours sees, and the reward, which Acme always gives it.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import dm_env
import haiku as hk
import jax
import jax.numpy as jnp
import reverb

# First, since it supplies what acme takes from JAX and is no longer there.
import behavior_transfer.agents.acme  # noqa: F401  # isort: skip

import acme
from acme import specs, wrappers
from acme.agents.jax import r2d2
from acme.utils import loggers

from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.experiments import tasks


class _Network(hk.RNNCore):
  """The convolutions, layer, LSTM and dueling head of our network."""

  def __init__(self, num_actions: int, config: networks_lib.NetworkConfig):
    super().__init__(name="network")
    self._num_actions = num_actions
    self._config = config
    layers: list[Any] = []
    for channels, kernel, stride in config.conv_layers:
      layers += [
        hk.Conv2D(channels, kernel, stride, padding="VALID"),
        jax.nn.relu,
      ]
    self._torso = hk.Sequential(
      [*layers, hk.Flatten(), hk.Linear(config.torso_size), jax.nn.relu]
    )
    self._core = hk.LSTM(config.lstm_size)
    self._value = hk.nets.MLP([config.head_size, 1])
    self._advantage = hk.nets.MLP([config.head_size, num_actions])

  def _embed(self, inputs: Any) -> jax.Array:
    features = self._torso(inputs.observation.astype(jnp.float32) / 255.0)
    action = jax.nn.one_hot(inputs.action, self._num_actions)
    reward = jnp.tanh(inputs.reward)[..., None]
    return jnp.concatenate([features, action, reward], axis=-1)

  def _head(self, features: jax.Array) -> jax.Array:
    advantage = self._advantage(features)
    advantage -= advantage.mean(axis=-1, keepdims=True)
    return self._value(features) + advantage

  def __call__(self, inputs, state):
    outputs, state = self._core(self._embed(inputs), state)
    return self._head(outputs), state

  def initial_state(self, batch_size):
    return self._core.initial_state(batch_size)

  def unroll(self, inputs, state):
    embeddings = hk.BatchApply(self._embed)(inputs)
    outputs, state = hk.static_unroll(self._core, embeddings, state)
    return hk.BatchApply(self._head)(outputs), state


def actor(
  task: tasks.Task, network: str, stack: contextlib.ExitStack
) -> tuple[Callable[[], None], int]:
  """Acts in one environment; a `crowd.Make`."""
  return Agent(task, network, stack).act, 1


class Agent:
  """Acme's R2D2 in an environment.

  Attributes:
    learner: Learns nothing unless given a dataset.
  """

  def __init__(
    self,
    task: tasks.Task,
    size: str,
    stack: contextlib.ExitStack,
    **config: Any,
  ):
    """Starts its replay.

    Args:
      task: To play.
      size: Of the network, as ours are called.
      stack: Ends the replay and the environment.
      **config: Fields of Acme's config.
    """
    self._environment = wrappers.ObservationActionRewardWrapper(task.make(0))
    stack.callback(self._environment.close)
    spec = specs.make_environment_spec(self._environment)
    config = {
      "samples_per_insert": 0,  # nobody is held up
      "min_replay_size": 1,
      "max_replay_size": 500,
      **config,
    }
    self._config = r2d2.R2D2Config(**config)
    self._networks = _make_networks(
      spec, networks_lib.SIZES[size], self._config.batch_size
    )
    self._builder = r2d2.R2D2Builder(
      self._networks, self._config, loggers.NoOpLogger
    )
    server = reverb.Server(self._builder.make_replay_tables(spec))
    stack.callback(server.stop)
    self._client = reverb.Client(f"localhost:{server.port}")
    self.learner = self.make_learner(iter(()))
    self._actor = self._builder.make_actor(
      jax.random.PRNGKey(1),
      r2d2.make_behavior_policy(self._networks, self._config),
      self._builder.make_adder(self._client),
      self.learner,
    )
    self._timestep: dm_env.TimeStep | None = None

  def act(self):
    """One step, as `acme.EnvironmentLoop` takes it."""
    if self._timestep is None or self._timestep.last():
      self._timestep = self._environment.reset()
      self._actor.observe_first(self._timestep)
    action = self._actor.select_action(self._timestep.observation)
    self._timestep = self._environment.step(action)
    self._actor.observe(action, next_timestep=self._timestep)
    self._actor.update()

  def sample(self) -> reverb.ReplaySample:
    """A batch of what it has written."""
    return next(self._builder.make_dataset_iterator(self._client))

  def make_learner(
    self, dataset: Iterator[reverb.ReplaySample]
  ) -> acme.Learner:
    """A learner that writes no priorities."""
    return self._builder.make_learner(
      jax.random.PRNGKey(0), self._networks, dataset
    )


def _make_networks(
  spec: Any, config: networks_lib.NetworkConfig, batch_size: int
) -> Any:
  def make() -> _Network:
    return _Network(spec.actions.num_values, config)

  return r2d2.make_networks(
    env_spec=spec,
    forward_fn=lambda inputs, state: make()(inputs, state),
    initial_state_fn=lambda batch_size: make().initial_state(batch_size),
    unroll_fn=lambda inputs, state: make().unroll(inputs, state),
    batch_size=batch_size,
  )
