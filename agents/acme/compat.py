"""The one place that knows that there are two Acmes.

Builders are written once, to the signatures of later Acme, on a base class that
is abstract and subscriptable in both. What the two spell differently stands
here: the type of a logger factory, and an adapter that shows such a builder to
dm-acme 0.4.0's `LocalLayout` and `DistributedLayout`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import reverb
from acme import adders, core, specs
from acme.agents.jax import builders
from acme.utils import counting, loggers

# (label, steps_key, instance) -> Logger; later Acme's `loggers.LoggerFactory`.
LoggerFactory = Callable[..., loggers.Logger]


class Acme040Builder(
  builders.GenericActorLearnerBuilder[Any, Any, reverb.ReplaySample]
):
  """Presents a builder of this zoo with dm-acme 0.4.0's five methods.

  Pass it as `builder` to a layout. The `policy_network` of `LocalLayout` is
  `policy`; that of `DistributedLayout` is a function from networks to it.
  `LocalLayout` acts and learns in one thread and blocks for ever on a replay
  that limits the ratio between the two: give the builder a config with
  `replay_ratio=None`.
  """

  def __init__(
    self,
    builder: Any,
    environment_spec: specs.EnvironmentSpec,
    networks: Any,
    logger_factory: LoggerFactory = loggers.make_default_logger,
  ):
    self._builder = builder
    self._environment_spec = environment_spec
    self._logger_factory = logger_factory
    self.policy = builder.make_policy(networks, environment_spec)

  def make_replay_tables(
    self, environment_spec: specs.EnvironmentSpec
  ) -> list[reverb.Table]:
    return self._builder.make_replay_tables(environment_spec, self.policy)

  def make_dataset_iterator(
    self, replay_client: reverb.Client
  ) -> Iterator[reverb.ReplaySample]:
    return self._builder.make_dataset_iterator(replay_client)

  def make_adder(self, replay_client: reverb.Client) -> adders.Adder | None:
    return self._builder.make_adder(
      replay_client, self._environment_spec, self.policy
    )

  def make_actor(
    self,
    random_key: Any,
    policy_network: Any,
    adder: adders.Adder | None = None,
    variable_source: core.VariableSource | None = None,
  ) -> core.Actor:
    return self._builder.make_actor(
      random_key,
      policy_network,
      self._environment_spec,
      variable_source,
      adder,
    )

  def make_learner(
    self,
    random_key: Any,
    networks: Any,
    dataset: Iterator[reverb.ReplaySample],
    replay_client: reverb.Client | None = None,
    counter: counting.Counter | None = None,
  ) -> core.Learner:
    return self._builder.make_learner(
      random_key,
      networks,
      dataset,
      self._logger_factory,
      self._environment_spec,
      replay_client,
      counter,
    )
