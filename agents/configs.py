"""What the agents' configs share, and how they are declared and checked."""

import dataclasses
from typing import Any

_R2D2 = "R2D2 (Kapturowski et al., ICLR 2019)"
_APEX = "Ape-X (Horgan et al., 2018), to which R2D2 defers"
_EZ = "temporally extended exploration (Dabney et al., 2021)"


def field(default: Any, description: str, source: str) -> Any:
  """A config field that carries what it means and where its default is from."""
  return dataclasses.field(
    default=default, metadata={"help": description, "source": source}
  )


def check(
  config: Any, field_name: str, allowed: bool, requirement: str
) -> None:
  """Refuses a value in one line: the field, what was given, what is allowed."""
  if not allowed:
    value = getattr(config, field_name)
    raise ValueError(f"{field_name} is {value!r}; it must be {requirement}")


@dataclasses.dataclass(frozen=True)
class AgentConfig:
  """What all agents of this zoo share: recurrent Q-learning on sequences.

  Defaults are those of R2D2's paper where that gives a number.

  Raises:
    ValueError: naming the field, what was given and what is allowed.
  """

  # Sequences
  burn_in: int = field(40, "Agent steps that only warm up the LSTM", _R2D2)
  trace_length: int = field(
    80, "Agent steps of a sequence that are learned on", _R2D2
  )
  sequence_period: int = field(
    40, "Agent steps from the start of one sequence to the next", _R2D2
  )

  # Targets and loss
  discount: float = field(0.997, "Discount per agent step", _R2D2)
  n_step: int = field(5, "Agent steps before bootstrapping", _R2D2)
  rescale_epsilon: float = field(
    1e-3, "epsilon of the value rescaling h", _R2D2
  )
  target_update_period: int = field(
    2500, "Learner steps between copies to the target network", _R2D2
  )
  learning_rate: float = field(1e-4, "Adam's step size", _R2D2)
  adam_epsilon: float = field(1e-3, "Adam's epsilon", _R2D2)
  max_gradient_norm: float = field(
    40.0, "Global norm to which gradients are clipped", "NGU, Table 6"
  )
  batch_size: int = field(64, "Sequences in a learner step", _R2D2)

  # Replay
  max_replay_size: int = field(100_000, "Sequences that replay holds", _R2D2)
  min_replay_size: int = field(
    6_250, "Sequences inserted before learning starts", "NGU, Table 6"
  )
  replay_ratio: float | None = field(
    0.8,
    "Steps learned on per step inserted; None leaves it to whoever runs the "
    "learner",
    "R2D2, sec. 2.3",
  )
  priority_exponent: float = field(0.9, "Exponent of the priorities", _R2D2)
  importance_sampling_exponent: float = field(
    0.6, "Exponent of the importance weights", _R2D2
  )
  max_priority_weight: float = field(
    0.9, "eta: weight of the largest TD error in a priority", _R2D2
  )
  replay_table_name: str = field("replay", "Name of the Reverb table", "ours")

  # Acting
  num_environments: int = field(
    256, "Rungs of the ladder of exploration rates", _R2D2
  )
  epsilon_base: float = field(0.4, "Largest exploration rate", _APEX)
  epsilon_alpha: float = field(
    7.0, "Smallest exploration rate is base^(1 + alpha)", _APEX
  )
  eval_epsilon: float = field(
    0.01, "Exploration rate at evaluation", "NGU, App. A"
  )
  exploration: str = field(
    "epsilon_greedy",
    "epsilon_greedy, or ez_greedy: a random action is repeated for a "
    "zeta-distributed number of steps",
    f"{_R2D2}; {_EZ}",
  )
  zeta_exponent: float = field(
    2.0, "mu of the flight lengths, P(n) ~ n^-mu", "BT, sec. 3; Dabney et al."
  )
  max_flight_length: int = field(
    10_000, "Longest flight, in agent steps", f"{_EZ}; BT names none"
  )
  actor_update_period: int = field(
    400, "Agent steps between an actor's parameter updates", _R2D2
  )

  @property
  def learns_the_task(self) -> bool:
    """Whether it is the task's reward that it learns from."""
    return True

  @property
  def backup_steps(self) -> int:
    """Agent steps that a target looks ahead before it bootstraps, at most."""
    return self.n_step

  def __post_init__(self):
    for name in (
      "trace_length",
      "sequence_period",
      "n_step",
      "target_update_period",
      "batch_size",
      "max_replay_size",
      "min_replay_size",
      "num_environments",
      "max_flight_length",
      "actor_update_period",
    ):
      check(self, name, getattr(self, name) >= 1, "at least 1")
    for name in (
      "rescale_epsilon",
      "learning_rate",
      "adam_epsilon",
      "max_gradient_norm",
      "zeta_exponent",
    ):
      check(self, name, getattr(self, name) > 0, "above 0")
    check(
      self,
      "replay_ratio",
      self.replay_ratio is None or self.replay_ratio > 0,
      "above 0, or None",
    )
    for name in (
      "discount",
      "importance_sampling_exponent",
      "max_priority_weight",
      "epsilon_base",
      "eval_epsilon",
    ):
      value = getattr(self, name)
      check(self, name, 0 <= value <= 1, "between 0 and 1")
    for name in ("burn_in", "priority_exponent", "epsilon_alpha"):
      check(self, name, getattr(self, name) >= 0, "at least 0")
    check(
      self,
      "sequence_period",
      self.sequence_period <= self.trace_length,
      f"at most trace_length ({self.trace_length}), or steps are skipped",
    )
    check(
      self,
      "min_replay_size",
      self.min_replay_size <= self.max_replay_size,
      f"at most max_replay_size ({self.max_replay_size})",
    )
    check(
      self,
      "exploration",
      self.exploration in ("epsilon_greedy", "ez_greedy"),
      "epsilon_greedy or ez_greedy",
    )
