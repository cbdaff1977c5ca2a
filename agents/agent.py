"""What an agent is, for whichever engine runs it.

Each agent has a `make_agent(networks, environment_spec, config)`. The embedded
engine takes what it gives as it is; `agents.acme.builder` makes the parts of an
Acme agent of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import chex

from . import configs, learning, policies, sequences


class EnvironmentSpec(Protocol):
  """What an agent is told of its environment; Acme's has more."""

  @property
  def observations(self) -> Any: ...
  @property
  def actions(self) -> Any: ...


class Agent(NamedTuple):
  """An agent as pure functions.

  Attributes:
    config: its settings.
    policy: acts in training; it says what replay keeps of each step, with which
      priority a sequence enters, and whether the agent pays itself.
    evaluation_policy: acts at evaluation.
    learner_core: learns.
    initial_params: key -> what the core's `init` takes.
    item_spec: shapes and dtypes of one sequence; see `sequences.item_spec`.
  """

  config: configs.AgentConfig
  policy: policies.Policy
  evaluation_policy: policies.Policy
  learner_core: learning.LearnerCore
  initial_params: Callable[[chex.PRNGKey], Any]
  item_spec: sequences.Sequences
