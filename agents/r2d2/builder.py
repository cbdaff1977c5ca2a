"""R2D2 as an Acme builder, to the signatures of later Acme."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import reverb
from acme import adders, core, specs
from acme.agents.jax import builders
from acme.jax import variable_utils
from acme.utils import counting

from .. import acme_compat, learning, policies, replay, sequences
from .. import actor as actor_lib
from .. import learner as learner_lib
from . import acting, losses
from . import config as config_lib


class R2D2Builder(
  builders.GenericActorLearnerBuilder[Any, policies.Policy, reverb.ReplaySample]
):
  """Builds the parts of an R2D2 agent."""

  def __init__(self, config: config_lib.R2D2Config):
    self._config = config

  def make_replay_tables(
    self, environment_spec: specs.EnvironmentSpec, policy: policies.Policy
  ) -> list[reverb.Table]:
    return [replay.make_table(environment_spec, policy, self._config)]

  def make_dataset_iterator(
    self, replay_client: reverb.Client
  ) -> Iterator[reverb.ReplaySample]:
    return replay.make_dataset_iterator(replay_client, self._config)

  def make_adder(
    self,
    replay_client: reverb.Client,
    environment_spec: specs.EnvironmentSpec,
    policy: policies.Policy,
  ) -> adders.Adder:
    spec = self._item_spec(environment_spec, policy)
    return replay.SequenceAdder(replay_client, spec, self._config)

  def make_actor(
    self,
    random_key: jax.Array,
    policy: policies.Policy,
    environment_spec: specs.EnvironmentSpec,
    variable_source: core.VariableSource | None = None,
    adder: adders.Adder | None = None,
  ) -> core.Actor:
    return actor_lib.Actor(
      self.make_batched_actor(
        random_key, policy, environment_spec, variable_source, [adder]
      )
    )

  def make_batched_actor(
    self,
    random_key: jax.Array,
    policy: policies.Policy,
    environment_spec: specs.EnvironmentSpec,
    variable_source: core.VariableSource | None,
    adders: Sequence[adders.Adder | None],
    first_environment: int = 0,
    num_environments: int = 1,
  ) -> actor_lib.BatchedActor:
    """An actor for several environments at once, which Acme has not.

    Args:
      random_key: the same for all batches of a run.
      policy: what `make_policy` gives.
      environment_spec: of each environment.
      variable_source: gives the policy's parameters.
      adders: one for each environment of the batch; None records nothing.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    del environment_spec
    return actor_lib.BatchedActor(
      policy,
      random_key,
      self._variable_client(variable_source, "policy"),
      adders,
      first_environment,
      num_environments,
    )

  def make_learner(
    self,
    random_key: jax.Array,
    networks: Any,
    dataset: Iterator[reverb.ReplaySample],
    logger_fn: acme_compat.LoggerFactory,
    environment_spec: specs.EnvironmentSpec,
    replay_client: reverb.Client | None = None,
    counter: counting.Counter | None = None,
  ) -> core.Learner:
    del environment_spec
    return learner_lib.Learner(
      self._make_learner_core(networks),
      self._initial_params(networks, random_key),
      self._config.batch_size,
      dataset,
      logger_fn("learner", steps_key="learner_steps"),
      counter,
      replay_client,
      self._config.replay_table_name,
    )

  def make_policy(
    self,
    networks: Any,
    environment_spec: specs.EnvironmentSpec,
    evaluation: bool = False,
  ) -> policies.Policy:
    del environment_spec
    return acting.make_policy(networks, self._config, evaluation)

  def _item_spec(
    self, environment_spec: specs.EnvironmentSpec, policy: policies.Policy
  ) -> sequences.Sequences:
    length = sequences.sequence_length(self._config)
    return sequences.item_spec(environment_spec, policy, length)

  def _make_learner_core(self, networks: Any) -> learning.LearnerCore:
    loss = losses.make_loss(networks, self._config)
    return learning.make_learner_core(loss, self._config)

  def _initial_params(self, networks: Any, random_key: jax.Array) -> Any:
    return networks.init(random_key)

  def _variable_client(
    self, source: core.VariableSource | None, names: str | list[str]
  ) -> variable_utils.VariableClient:
    return variable_utils.VariableClient(
      source,
      names,
      update_period=self._config.actor_update_period,
      device="cpu",
    )
