"""Frozen policies: from a checkpoint of this zoo, or from any callable."""

import collections
import dataclasses
import importlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from . import checkpoints, policies
from . import networks as networks_lib

# (observation, prev_action, state, rng) -> (action, state)
PolicyFunction = Callable[..., tuple[int, Any]]

# Episodes of a callable whose Python state is kept; the least recently used
# goes first. Far above the environments that one process steps.
_MAX_LIVE_EPISODES = 4096


class CallableState(NamedTuple):
  """State of a callable's episode, as far as arrays can hold it.

  Attributes:
    episode: uint32 `[]`, names the Python state of this episode and seeds it.
    step: int32 `[]`, agent steps so far.
    prev_action: int32 `[]`, executed last.
  """

  episode: chex.Array
  step: chex.Array
  prev_action: chex.Array


class _Episodes:
  """Calls a Python function, keeping each episode's own state for it."""

  def __init__(self, name: str, function: PolicyFunction, num_actions: int):
    self._name = name
    self._function = function
    self._num_actions = num_actions
    self._live: collections.OrderedDict[int, tuple[Any, Any]] = (
      collections.OrderedDict()
    )

  def step(self, observation, prev_action, episode, step) -> np.int32:
    episode = int(episode)
    if step == 0:
      self._live[episode] = (None, np.random.default_rng(episode))
      if len(self._live) > _MAX_LIVE_EPISODES:
        self._live.popitem(last=False)
    if episode not in self._live:
      raise RuntimeError(
        f"{self._name}: more than {_MAX_LIVE_EPISODES} episodes at once"
      )
    state, rng = self._live[episode]
    action, state = self._function(
      np.asarray(observation), int(prev_action), state, rng
    )
    self._live[episode] = (state, rng)
    self._live.move_to_end(episode)
    if not 0 <= action < self._num_actions:
      raise ValueError(
        f"{self._name} returned action {action!r}; it must be in "
        f"0..{self._num_actions - 1}"
      )
    return np.int32(action)


def from_callable(
  name: str, function: PolicyFunction, num_actions: int
) -> policies.PretrainedPolicy:
  """Wraps a plain Python function, which need not know JAX.

  Args:
    name: for messages and manifests.
    function: (observation uint8 array, prev_action int, state, rng) ->
      (action, state). `state` is None at the first step of an episode and
      whatever the function returned after that; `rng` is the episode's own
      `np.random.Generator`. It is called at every step, also when another
      policy acts; `prev_action` is the executed action, NO_ACTION at first.
    num_actions: of the task.
  """
  episodes = _Episodes(name, function, num_actions)

  def init(key):
    return CallableState(
      jax.random.bits(key, dtype=jnp.uint32),
      jnp.int32(0),
      jnp.int32(networks_lib.NO_ACTION),
    )

  def select_action(observation, state: CallableState):
    action = io_callback(
      episodes.step,
      jax.ShapeDtypeStruct((), jnp.int32),
      observation,
      state.prev_action,
      state.episode,
      state.step,
    )
    return action, state._replace(step=state.step + 1, prev_action=action)

  return policies.PretrainedPolicy(name, init, select_action)


class UniformState(NamedTuple):
  """State of the uniform policy."""

  rng: chex.PRNGKey
  prev_action: chex.Array


def uniform(environment_spec: Any) -> policies.PretrainedPolicy:
  """A policy that knows nothing: uniform over the primitive actions."""
  num_actions = environment_spec.actions.num_values

  def init(key):
    return UniformState(key, jnp.int32(networks_lib.NO_ACTION))

  def select_action(observation, state):
    del observation
    rng, key = jax.random.split(state.rng)
    action = jax.random.randint(key, (), 0, num_actions)
    return action, UniformState(rng, action)

  return policies.PretrainedPolicy("uniform", init, select_action)


def load(
  name: str,
  environment_spec: Any,
  *,
  action_set: Sequence[str] | None = None,
) -> policies.PretrainedPolicy:
  """Loads a frozen policy for an environment.

  Args:
    name: a checkpoint or workdir of this zoo, or `module:function`.
    environment_spec: of the task.
    action_set: names of the task's actions; compared with the checkpoint's.

  Raises:
    ValueError: in one line, when there is no such policy, it is damaged, or it
      does not fit the environment.
  """
  if ":" in name and not pathlib.Path(name).exists():
    num_actions = environment_spec.actions.num_values
    return from_callable(name, _import_function(name), num_actions)
  return _from_checkpoint(name, environment_spec, action_set)


def _import_function(name: str) -> PolicyFunction:
  module_name, _, function_name = name.partition(":")
  try:
    module = importlib.import_module(module_name)
  except ModuleNotFoundError as error:
    raise ValueError(
      f"policy {name!r} cannot be imported ({error}); it must be a "
      "checkpoint, or module:function"
    ) from error
  function = getattr(module, function_name, None)
  if not callable(function):
    raise ValueError(
      f"policy {name!r}: module {module_name} has no function {function_name!r}"
    )
  return function


def _from_checkpoint(
  name: str, environment_spec: Any, action_set: Sequence[str] | None
) -> policies.PretrainedPolicy:
  path = checkpoints.resolve(name)
  manifest = checkpoints.read_manifest(path)
  _check_fits(path, manifest, environment_spec, action_set)
  params = checkpoints.load_params(path)
  make = {"r2d2": _r2d2_policy, "bt": _bt_policy}.get(manifest["agent"])
  if make is None:
    raise ValueError(
      f"{path} holds a policy of agent {manifest['agent']!r}, which this "
      "version does not know"
    )
  policy = make(path, manifest, environment_spec, action_set)
  return policies.PretrainedPolicy(
    name=name,
    init=policy.init,
    select_action=lambda observation, state: policy.select_action(
      params, observation, state
    ),
    telemetry=policy.telemetry,
    params=params,
    network_config=_network_config(manifest),
  )


def _check_fits(path, manifest, environment_spec, action_set) -> None:
  observed = manifest["observation"]
  spec = environment_spec.observations
  if (tuple(observed["shape"]), np.dtype(observed["dtype"])) != (
    tuple(spec.shape),
    np.dtype(spec.dtype),
  ):
    raise ValueError(
      f"{path} observes {observed['dtype']} {tuple(observed['shape'])}; the "
      f"task gives {np.dtype(spec.dtype)} {tuple(spec.shape)}"
    )
  actions = manifest["action_set"]
  if len(actions) != environment_spec.actions.num_values:
    raise ValueError(
      f"{path} has {len(actions)} actions; the task has "
      f"{environment_spec.actions.num_values}"
    )
  if action_set is not None and list(action_set) != list(actions):
    raise ValueError(
      f"{path} has the actions {', '.join(actions)}; the task has "
      f"{', '.join(action_set)}"
    )


def _network_config(manifest) -> networks_lib.NetworkConfig:
  return networks_lib.NetworkConfig.from_dict(manifest["network"])


def _r2d2_policy(path, manifest, environment_spec, action_set):
  from . import r2d2

  del path, action_set
  config = _config(r2d2.R2D2Config, manifest)
  networks = networks_lib.make_networks(
    environment_spec, _network_config(manifest)
  )
  return r2d2.make_policy(networks, config, evaluation=True)


def _bt_policy(path, manifest, environment_spec, action_set):
  # bt imports this module for its default policy.
  from . import bt

  config = _config(bt.BTConfig, manifest)
  pretrained = []
  for k, name in enumerate(manifest["pretrained"]):
    copy = path / f"pretrained_{k}"
    source = str(copy) if copy.exists() else name
    pretrained.append(load(source, environment_spec, action_set=action_set))
  networks = bt.make_networks(
    environment_spec,
    _network_config(manifest),
    pretrained=pretrained,
    use_extra_action=config.use_extra_action,
  )
  return bt.make_policy(
    networks.q_network, networks.pretrained, config, evaluation=True
  )


def _config(config_class, manifest):
  """The agent's config; fields that this version lacks are an error."""
  known = {field.name for field in dataclasses.fields(config_class)}
  unknown = sorted(set(manifest["config"]) - known)
  if unknown:
    raise ValueError(
      f"the checkpoint's config has unknown fields: {', '.join(unknown)}"
    )
  return config_class(**manifest["config"])
