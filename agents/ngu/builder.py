"""NGU as an Acme builder: R2D2's, where the two do not differ."""

from collections.abc import Sequence

import jax
from acme import adders, core, specs

from .. import actor as actor_lib
from .. import learning, policies
from ..r2d2 import builder as r2d2_builder
from . import acting
from . import actor as ngu_actor
from . import config as config_lib
from . import learning as ngu_learning
from . import networks as ngu_networks


class NGUBuilder(r2d2_builder.R2D2Builder):
  """Builds the parts of a Never Give Up agent."""

  _config: config_lib.NGUConfig

  def __init__(self, config: config_lib.NGUConfig):
    super().__init__(config)

  def make_policy(
    self,
    networks: ngu_networks.NGUNetworks,
    environment_spec: specs.EnvironmentSpec,
    evaluation: bool = False,
  ) -> policies.Policy:
    del environment_spec
    return acting.make_policy(networks, self._config, evaluation)

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
    # An intrinsic reward is of use to replay alone.
    if all(adder is None for adder in adders):
      return super().make_batched_actor(
        random_key,
        policy,
        environment_spec,
        variable_source,
        adders,
        first_environment,
        num_environments,
      )
    return ngu_actor.NGUActor(
      policy,
      random_key,
      self._variable_client(variable_source, ["policy", "intrinsic"]),
      adders,
      self._config,
      first_environment,
      num_environments,
    )

  def _make_learner_core(
    self, networks: ngu_networks.NGUNetworks
  ) -> learning.LearnerCore:
    return ngu_learning.make_learner_core(networks, self._config)

  def _initial_params(
    self, networks: ngu_networks.NGUNetworks, random_key: jax.Array
  ) -> ngu_learning.NGUParams:
    policy_key, intrinsic_key = jax.random.split(random_key)
    return ngu_learning.NGUParams(
      networks.q_network.init(policy_key),
      networks.intrinsic.init(intrinsic_key),
    )
