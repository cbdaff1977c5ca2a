"""What the agents' configs share, and how they are declared and checked."""

import dataclasses
import numbers
from typing import Any, NamedTuple

import numpy as np

_R2D2 = "R2D2 (Kapturowski et al., ICLR 2019)"
_APEX = "Ape-X (Horgan et al., 2018), to which R2D2 defers"
_EZ = "temporally extended exploration (Dabney et al., 2021)"


_KINDS: dict[type, Any] = {
  bool: bool | np.bool_,
  int: numbers.Integral,
  float: numbers.Real,
  str: str,
}
_ARTICLES = {int: "an integer", float: "a number"}


class Range(NamedTuple):
  """Numbers that a field may be, both ends included, and whether None is one.

  The ends of integers keep what is counted in int32 and what is allocated in
  any memory; those of floats keep them from being 0 or infinite in float32.
  """

  low: float
  high: float
  optional: bool = False

  def __str__(self) -> str:
    ends = (
      f"{x:,}" if isinstance(x, int) else f"{x:.7g}"
      for x in (self.low, self.high)
    )
    return " to ".join(ends) + (", or None" if self.optional else "")


COUNT = Range(1, 2**31 - 1)
LENGTH = Range(1, 10_000)
SIZE = Range(1, 65_536)
REPLAY_SIZE = Range(1, 10_000_000)
SHARE = Range(0.0, 1.0)
BELOW_ONE = Range(0.0, 1.0 - 2**-24)
POSITIVE = Range(1e-30, 1e30)
NOT_NEGATIVE = Range(0.0, 1e30)
SWITCH = (False, True)
ANY = ()

# Beside it, temporally extended: a random action is repeated.
EXPLORATIONS = ("epsilon_greedy", "ez_greedy")


def field(
  default: Any, description: str, source: str, allowed: Range | tuple
) -> Any:
  """A config field that carries what it means and where its default is from.

  Args:
    default: also says of what type values are.
    description: its help.
    source: of the default.
    allowed: a range of numbers, or all values that there are, `ANY` of them.
  """
  return dataclasses.field(
    default=default,
    metadata={"help": description, "source": source, "allowed": allowed},
  )


def check(
  config: Any, field_name: str, allowed: bool, requirement: str
) -> None:
  """Refuses a value in one line: the field, what was given, what is allowed."""
  if not allowed:
    value = getattr(config, field_name)
    raise ValueError(f"{field_name} is {value!r}; it must be {requirement}")


def _check_field(config: Any, field_: dataclasses.Field) -> None:
  """NumPy's numbers are as good as Python's, which they become."""
  default: Any = field_.default
  name, kind = field_.name, type(default)
  allowed, value = field_.metadata["allowed"], getattr(config, name)
  is_range = isinstance(allowed, Range)
  if value is None and is_range and allowed.optional:
    return
  fits = isinstance(value, _KINDS[kind])
  if kind is not bool:
    fits = fits and not isinstance(value, bool)  # which is an integer, too
  if is_range:
    requirement = f"{_ARTICLES[kind]} from {allowed}"
    fits = fits and allowed.low <= value <= allowed.high
  else:
    requirement = " or ".join(map(str, allowed)) or "a string"
    fits = fits and (not allowed or value in allowed)
  check(config, name, fits, requirement)
  object.__setattr__(config, name, kind(value))


@dataclasses.dataclass(frozen=True)
class AgentConfig:
  """What all agents of this zoo share: recurrent Q-learning on sequences.

  Defaults are those of R2D2's paper where that gives a number.

  Raises:
    ValueError: naming the field, what was given and what is allowed.
  """

  # Sequences
  burn_in: int = field(
    40, "Agent steps that only warm up the LSTM", _R2D2, Range(0, 10_000)
  )
  trace_length: int = field(
    80, "Agent steps of a sequence that are learned on", _R2D2, LENGTH
  )
  sequence_period: int = field(
    40, "Agent steps from the start of one sequence to the next", _R2D2, LENGTH
  )

  # Targets and loss
  discount: float = field(0.997, "Discount per agent step", _R2D2, SHARE)
  n_step: int = field(
    5, "Agent steps before bootstrapping", _R2D2, Range(1, 1000)
  )
  rescale_epsilon: float = field(
    1e-3, "epsilon of the value rescaling h", _R2D2, POSITIVE
  )
  value_scale: float = field(
    1.0,
    "Action values, in units of the network's outputs; above 1, large ones are"
    " learned in fewer updates",
    f"ours; {_R2D2} has none",
    POSITIVE,
  )
  target_update_period: int = field(
    2500, "Learner steps between copies to the target network", _R2D2, COUNT
  )
  averaging_period: int = field(
    1, "Learner steps whose mean parameters act; 1: the newest", _R2D2, COUNT
  )
  learning_rate: float = field(1e-4, "Adam's step size", _R2D2, POSITIVE)
  adam_epsilon: float = field(1e-3, "Adam's epsilon", _R2D2, POSITIVE)
  max_gradient_norm: float = field(
    40.0, "Global norm to which gradients are clipped", "NGU, Table 6", POSITIVE
  )
  batch_size: int = field(64, "Sequences in a learner step", _R2D2, SIZE)

  # Replay
  max_replay_size: int = field(
    100_000, "Sequences that replay holds", _R2D2, REPLAY_SIZE
  )
  min_replay_size: int = field(
    6_250,
    "Sequences inserted before learning starts",
    "NGU, Table 6",
    REPLAY_SIZE,
  )
  replay_ratio: float | None = field(
    0.8,
    "Steps learned on per step inserted; None leaves it to whoever runs the "
    "learner",
    "R2D2, sec. 2.3",
    Range(1e-30, 10_000, optional=True),
  )
  priority_exponent: float = field(
    0.9, "Exponent of the priorities", _R2D2, Range(0.0, 10.0)
  )
  importance_sampling_exponent: float = field(
    0.6, "Exponent of the importance weights", _R2D2, SHARE
  )
  max_priority_weight: float = field(
    0.9, "eta: weight of the largest TD error in a priority", _R2D2, SHARE
  )
  replay_table_name: str = field(
    "replay", "Name of the Reverb table", "ours", ANY
  )

  # Acting
  num_environments: int = field(
    256, "Rungs of the ladder of exploration rates", _R2D2, SIZE
  )
  epsilon_base: float = field(0.4, "Largest exploration rate", _APEX, SHARE)
  epsilon_alpha: float = field(
    7.0, "Smallest exploration rate is base^(1 + alpha)", _APEX, NOT_NEGATIVE
  )
  eval_epsilon: float = field(
    0.01, "Exploration rate at evaluation", "NGU, App. A", SHARE
  )
  exploration: str = field(
    "epsilon_greedy",
    "epsilon_greedy, or ez_greedy: a random action is repeated for a "
    "zeta-distributed number of steps",
    f"{_R2D2}; {_EZ}",
    EXPLORATIONS,
  )
  zeta_exponent: float = field(
    2.0,
    "mu of the flight lengths, P(n) ~ n^-mu",
    "BT, sec. 3; Dabney et al.",
    POSITIVE,
  )
  max_flight_length: int = field(
    10_000,
    "Longest flight, in agent steps",
    f"{_EZ}; BT names none",
    Range(1, 1_000_000),
  )
  actor_update_period: int = field(
    400, "Agent steps between an actor's parameter updates", _R2D2, COUNT
  )

  @property
  def learns_the_task(self) -> bool:
    """Whether it is the task's reward that it learns from."""
    return True

  @property
  def backup_steps(self) -> int:
    """Agent steps that a target looks ahead before it bootstraps, at most."""
    return self.n_step

  @property
  def memory_bytes(self) -> int:
    """Of what an agent remembers of each environment, beside its replay."""
    return 0

  def __new__(cls, *arguments, **fields):
    """Names what is unknown, as `ValueError`s do, before Python does."""
    known = [field.name for field in dataclasses.fields(cls)]
    for name in fields.keys() - set(known):
      raise ValueError(
        f"{cls.__name__} has no field {name!r}; it has {', '.join(known)}"
      )
    return super().__new__(cls)

  def __post_init__(self):
    for each in dataclasses.fields(self):
      _check_field(self, each)
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
