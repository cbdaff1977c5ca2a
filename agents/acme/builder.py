"""An agent of this zoo as an Acme builder, to the signatures of later Acme."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import reverb
from acme import adders, core, specs
from acme.agents.jax import builders
from acme.utils import counting

from .. import agent as agent_lib
from .. import configs, policies, sequences
from . import actor as actor_lib
from . import compat, replay
from . import learner as learner_lib


class Builder(
  builders.GenericActorLearnerBuilder[Any, policies.Policy, reverb.ReplaySample]
):
  """Builds the parts of an agent."""

  def __init__(
    self,
    config: configs.AgentConfig,
    make_agent: Callable[
      [Any, agent_lib.EnvironmentSpec, Any], agent_lib.Agent
    ],
  ):
    """Initialises the builder.

    Args:
      config: the agent's.
      make_agent: (networks, environment spec, config) -> its description.
    """
    self._config = config
    self._make_agent = make_agent

  def make_replay_tables(
    self, environment_spec: specs.EnvironmentSpec, policy: policies.Policy
  ) -> list[reverb.Table]:
    spec = sequences.item_spec(environment_spec, policy, self._config)
    return [replay.make_table(spec, self._config)]

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
    spec = sequences.item_spec(environment_spec, policy, self._config)
    return replay.SequenceAdder(replay_client, spec, policy, self._config)

  def make_actor(
    self,
    random_key: jax.Array,
    policy: policies.Policy,
    environment_spec: specs.EnvironmentSpec,
    variable_source: core.VariableSource | None = None,
    adder: adders.Adder | None = None,
  ) -> core.Actor:
    return actor_lib.Actor(
      self.make_batched_actor(random_key, policy, variable_source, [adder])
    )

  def make_batched_actor(
    self,
    random_key: jax.Array,
    policy: policies.Policy,
    variable_source: core.VariableSource | None,
    record_to: Sequence[adders.Adder | None],
    first_environment: int = 0,
    num_environments: int = 1,
  ) -> actor_lib.BatchedActor:
    """An actor for several environments at once, which Acme has not.

    Args:
      random_key: the same for all batches of a run.
      policy: what `make_policy` gives.
      variable_source: gives the policy's parameters.
      record_to: one for each environment of the batch; None records nothing.
      first_environment: number, in the run, of the first one of the batch.
      num_environments: of the run.
    """
    return actor_lib.BatchedActor(
      policy,
      random_key,
      variable_source,
      self._config.actor_update_period,
      record_to,
      first_environment,
      num_environments,
    )

  def make_learner(
    self,
    random_key: jax.Array,
    networks: Any,
    dataset: Iterator[reverb.ReplaySample],
    logger_fn: compat.LoggerFactory,
    environment_spec: specs.EnvironmentSpec,
    replay_client: reverb.Client | None = None,
    counter: counting.Counter | None = None,
  ) -> core.Learner:
    agent = self._make_agent(networks, environment_spec, self._config)
    return learner_lib.Learner(
      agent.learner_core,
      agent.initial_params(random_key),
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
    agent = self._make_agent(networks, environment_spec, self._config)
    return agent.evaluation_policy if evaluation else agent.policy
