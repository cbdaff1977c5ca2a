"""Frozen policies: from a checkpoint of this zoo, or from any callable."""

import collections
import dataclasses
import importlib
import inspect
import operator
import pathlib
import reprlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from . import bt, checkpoints, ngu, policies, r2d2
from . import networks as networks_lib

# The policy that knows nothing; acts in any task.
RANDOM = "random"

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
  """Calls a Python function, keeping each episode's own state for it.

  No checkpoint holds that state. In an episode that a run goes on with, the
  function begins anew; what it draws is the same as without the interruption.
  """

  def __init__(self, name: str, function: PolicyFunction, num_actions: int):
    self._name = name
    self._function = function
    self._num_actions = num_actions
    self._live: collections.OrderedDict[int, Any] = collections.OrderedDict()
    self._has_dropped = False

  def step(self, observation, prev_action, episode, step) -> np.int32:
    # Plain integers: JAX must not be called from within its own callback.
    episode, step = int(episode), int(step)
    if step and episode not in self._live and self._has_dropped:
      raise RuntimeError(
        f"{self._name}: more than {_MAX_LIVE_EPISODES} episodes at once"
      )
    answer = self._function(
      np.asarray(observation),
      int(prev_action),
      self._live.get(episode) if step else None,
      np.random.default_rng((episode, step)),
    )
    action, state = self._checked(answer)
    self._live[episode] = state
    self._live.move_to_end(episode)
    if len(self._live) > _MAX_LIVE_EPISODES:
      self._live.popitem(last=False)
      self._has_dropped = True
    return np.int32(action)

  def _checked(self, answer: Any) -> tuple[int, Any]:
    try:
      action, state = answer
      if 0 <= operator.index(action) < self._num_actions:
        return operator.index(action), state
    except (TypeError, ValueError):  # no pair; no integer
      pass
    raise ValueError(
      f"{self._name} returned {reprlib.repr(answer)}; it must be a pair of an"
      f" action, an integer in 0..{self._num_actions - 1}, and a state"
    )

  def step_all(self, *columns) -> np.ndarray:
    """`step` in each of several environments, one after another."""
    rows = zip(*(np.asarray(column) for column in columns), strict=True)
    return np.array([self.step(*row) for row in rows], np.int32)


def from_callable(
  name: str, function: PolicyFunction, num_actions: int
) -> policies.PretrainedPolicy:
  """Wraps a plain Python function, which need not know JAX.

  Args:
    name: for messages and manifests.
    function: (observation uint8 array, prev_action int, state, rng) ->
      (action, state). `state` is None at the first step of an episode and
      whatever the function returned after that, or again None where a run was
      started again within the episode; `rng` is an `np.random.Generator` of the
      step's own. It is called at every step, also when another policy acts;
      `prev_action` is the executed action, NO_ACTION at first.
    num_actions: of the task.
  """
  episodes = _Episodes(name, function, num_actions)

  @jax.custom_batching.custom_vmap
  def call(*arguments):
    action = jax.ShapeDtypeStruct((), jnp.int32)
    return io_callback(episodes.step, action, *arguments)

  @call.def_vmap
  def call_all(axis_size, in_batched, *arguments):
    # By itself, JAX would call Python anew for each environment, which takes
    # longer than a network does.
    columns = [
      x if batched else jnp.broadcast_to(x, (axis_size, *x.shape))
      for x, batched in zip(arguments, in_batched, strict=True)
    ]
    actions = jax.ShapeDtypeStruct((axis_size,), jnp.int32)
    return io_callback(episodes.step_all, actions, *columns), True

  def init(key):
    return CallableState(
      jax.random.bits(key, dtype=jnp.uint32),
      jnp.int32(0),
      jnp.int32(networks_lib.NO_ACTION),
    )

  def select_action(observation, state: CallableState):
    action = call(observation, state.prev_action, state.episode, state.step)
    return action, state._replace(step=state.step + 1, prev_action=action)

  return policies.PretrainedPolicy(name, init, select_action)


def load(
  name: str,
  environment_spec: Any,
  *,
  action_set: Sequence[str] | None = None,
) -> policies.PretrainedPolicy:
  """Loads a frozen policy for an environment.

  Args:
    name: a checkpoint or workdir of this zoo, `module:function`, or `RANDOM`.
    environment_spec: of the task.
    action_set: names of the task's actions; compared with the checkpoint's.

  Raises:
    ValueError: in one line, when there is no such policy, it is damaged, or it
      does not fit the environment.
  """
  if name == RANDOM:
    return policies.uniform(environment_spec)
  if is_function_name(name):
    num_actions = environment_spec.actions.num_values
    return from_callable(name, _import_function(name), num_actions)
  return _from_checkpoint(name, environment_spec, action_set)


def try_out(name: str, observation: np.ndarray, num_actions: int) -> None:
  """Asks a function once, so that what its answers lack is told early.

  Args:
    name: `module:function`.
    observation: the first one of an episode.
    num_actions: of the task.

  Raises:
    ValueError: in one line, when it fails, or answers with something else.
  """
  episodes = _Episodes(name, _import_function(name), num_actions)
  try:
    episodes.step(observation, networks_lib.NO_ACTION, 0, 0)
  except Exception as error:  # whatever the user's function does
    raise ValueError(
      f"policy {name!r} fails at the start of an episode"
      f" ({type(error).__name__}: {error})"
    ) from error


def is_function_name(name: str) -> bool:
  """Whether a policy's name is `module:function` and not a path."""
  return ":" in name and not pathlib.Path(name).exists()


def is_path(name: str) -> bool:
  """Whether a policy's name is that of a checkpoint or a workdir."""
  return name != RANDOM and not is_function_name(name)


def _import_function(name: str) -> PolicyFunction:
  module_name, _, function_name = name.partition(":")
  try:
    function = getattr(importlib.import_module(module_name), function_name)
    inspect.signature(function).bind(
      "observation", "prev_action", "state", "rng"
    )
  except Exception as error:  # whatever the user's module does
    raise ValueError(
      f"policy {name!r} cannot be used ({type(error).__name__}: {error}); it "
      "must be a checkpoint, or module:function with a function of "
      "(observation, prev_action, state, rng)"
    ) from error
  return function


def _from_checkpoint(
  name: str, environment_spec: Any, action_set: Sequence[str] | None
) -> policies.PretrainedPolicy:
  path = checkpoints.resolve(name)
  manifest = checkpoints.read_manifest(path)
  _check_fits(path, manifest, environment_spec, action_set)
  params = checkpoints.load_params(path)
  if not manifest["config"].get("unsupervised", True):
    # Of a mixture, the first policy acts at evaluation.
    first = jax.nn.one_hot(0, manifest["config"]["num_mixtures"])
    params = networks_lib.fold_context(params, first)
  # Checkpoints from before there was such a scale have none.
  scale = manifest["config"].get("value_scale", 1.0)
  params = networks_lib.scale_values(params, scale)
  policy = _evaluation_policy(path, manifest, environment_spec, action_set)
  return policies.PretrainedPolicy(
    name=name,
    init=policy.init,
    select_action=lambda observation, state: policy.select_action(
      params, observation, state
    ),
    telemetry=policy.telemetry,
    params=params,
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


def _evaluation_policy(
  path: pathlib.Path,
  manifest: dict[str, Any],
  environment_spec: Any,
  action_set: Sequence[str] | None,
) -> policies.Policy:
  size = networks_lib.NetworkConfig.from_dict(manifest["network"])
  if manifest["agent"] in ("r2d2", "ngu"):
    # NGU acts at evaluation as R2D2 does.
    config_class = {"r2d2": r2d2.R2D2Config, "ngu": ngu.NGUConfig}
    q_config = _config(config_class[manifest["agent"]], manifest)
    q_network = r2d2.make_networks(environment_spec, size)
    return r2d2.make_policy(q_network, q_config, evaluation=True)
  if manifest["agent"] != "bt":
    raise ValueError(
      f"{path} holds a policy of agent {manifest['agent']!r}, which this "
      "version does not know"
    )
  config = _config(bt.BTConfig, manifest)
  pretrained = []
  for k, name in enumerate(manifest["pretrained"]):
    copy = path / f"pretrained_{k}"
    source = str(copy) if copy.exists() else name
    pretrained.append(load(source, environment_spec, action_set=action_set))
  networks = bt.make_networks(
    environment_spec,
    size,
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
