"""Actors for several environments, of any of Acme's builders."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import dm_env
import jax
import numpy as np
from acme import adders, core, specs

from . import lockstep


@runtime_checkable
class BatchedActorBuilder(Protocol):
  """A builder that can do more than Acme asks of one.

  Attributes:
    make_batched_actor: Takes what `make_batched_actor` below takes beside the
      builder, in that order.
  """

  make_batched_actor: Callable[..., lockstep.BatchedActor]


class SingleActors:
  """Presents single actors of any builder as one that acts in a batch."""

  def __init__(self, actors: Sequence[core.Actor]):
    self._actors = actors

  @property
  def telemetry(self) -> list[dict[str, float]]:
    return [{} for _ in self._actors]  # Acme's actors tell nothing

  def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
    self._actors[index].observe_first(timestep)

  def select_actions(self, observations: Sequence[Any]) -> np.ndarray:
    pairs = zip(self._actors, observations, strict=True)
    return np.stack([actor.select_action(seen) for actor, seen in pairs])

  def observe(
    self, actions: np.ndarray, timesteps: Sequence[dm_env.TimeStep]
  ) -> None:
    triples = zip(self._actors, actions, timesteps, strict=True)
    for actor, action, timestep in triples:
      actor.observe(action, timestep)

  def update(self, wait: bool = False) -> None:
    for actor in self._actors:
      actor.update(wait)


def make_batched_actor(
  builder: Any,
  random_key: jax.Array,
  policy: Any,
  environment_spec: specs.EnvironmentSpec,
  variable_source: core.VariableSource,
  adders: Sequence[adders.Adder | None],
  first_environment: int = 0,
  num_environments: int = 1,
) -> lockstep.BatchedActor:
  """An actor for as many environments as there are adders.

  Args:
    builder: Of any agent. One that cannot make batched actors makes single
      ones, which decide one after the other.
    random_key: Consumed.
    policy: What the builder made as such.
    environment_spec: Of each environment.
    variable_source: Gives the parameters.
    adders: Where each environment's transitions go; None records nothing.
    first_environment: Number of the first one among all of the run.
    num_environments: How many the run has.
  """
  if isinstance(builder, BatchedActorBuilder):
    return builder.make_batched_actor(
      random_key,
      policy,
      environment_spec,
      variable_source,
      adders,
      first_environment,
      num_environments,
    )
  # The run's actors are given one key among them.
  random_key = jax.random.fold_in(random_key, first_environment)
  keys = jax.random.split(random_key, len(adders))
  return SingleActors(
    [
      builder.make_actor(key, policy, environment_spec, variable_source, adder)
      for key, adder in zip(keys, adders, strict=True)
    ]
  )
