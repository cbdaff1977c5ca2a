"""NGU's configuration."""

import dataclasses

from .. import configs
from ..configs import (
  BELOW_ONE,
  COUNT,
  LENGTH,
  NOT_NEGATIVE,
  POSITIVE,
  SHARE,
  SIZE,
  SWITCH,
  Range,
  field,
)
from ..r2d2 import config as r2d2_config

_NGU = "NGU (Badia et al., arXiv 2002.06038)"
_TABLE = "NGU, Table 6"
INTRINSIC_REWARDS = ("ngu", "rnd", "constant")


@dataclasses.dataclass(frozen=True)
class NGUConfig(r2d2_config.R2D2Config):
  """Settings of R2D2 and of Never Give Up on top of it.

  Raises:
    ValueError: naming the field, what was given and what is allowed.
  """

  # Where NGU's numbers are not R2D2's
  discount: float = field(
    0.997,
    "Discount per agent step",
    "R2D2 (Kapturowski et al., ICLR 2019)",
    BELOW_ONE,
  )
  adam_epsilon: float = field(1e-4, "Adam's epsilon", _TABLE, POSITIVE)
  target_update_period: int = field(
    1500, "Learner steps between copies to the target network", _TABLE, COUNT
  )
  actor_update_period: int = field(
    100, "Agent steps between an actor's parameter updates", _TABLE, COUNT
  )

  # What is learned
  unsupervised: bool = field(
    True,
    "One policy that learns from the intrinsic reward alone; otherwise a "
    "mixture that learns from the task's and the intrinsic one",
    "BT (Campos et al., arXiv 2102.13515), sec. 4; the mixture is NGU's",
    SWITCH,
  )
  intrinsic_reward: str = field(
    "ngu",
    "ngu, rnd (random network distillation alone) or constant (1 each step)",
    "BT (Campos et al., arXiv 2102.13515), sec. 5",
    INTRINSIC_REWARDS,
  )
  num_mixtures: int = field(
    32, "N: policies of the mixture", _TABLE, Range(2, 1024)
  )
  max_beta: float = field(
    0.3,
    "Weight of the intrinsic reward in the last policy, and in the one without "
    "a task reward",
    f"{_TABLE}; BT gives none",
    NOT_NEGATIVE,
  )
  intrinsic_discount: float = field(
    0.99,
    "Discount of the last policy, and of the one without a task reward",
    f"{_TABLE}; BT gives none",
    BELOW_ONE,
  )
  retrace_lambda: float = field(0.95, "lambda of Retrace", _TABLE, SHARE)
  target_epsilon: float = field(
    0.01, "Exploration rate of the policy that Retrace evaluates", _TABLE, SHARE
  )

  # Episodic reward
  memory_capacity: int = field(
    30_000,
    "Observations that the episodic memory holds",
    _TABLE,
    Range(1, 1_000_000),
  )
  num_neighbors: int = field(
    10, "k: nearest neighbours", _TABLE, Range(1, 1_000_000)
  )
  kernel_epsilon: float = field(
    1e-4, "epsilon of the kernel", f"{_TABLE}; its sec. 2 has 1e-3", POSITIVE
  )
  cluster_distance: float = field(
    0.008, "xi: normalised distance that counts as none", _TABLE, NOT_NEGATIVE
  )
  pseudo_count_constant: float = field(
    0.001, "c: added to the similarity", _TABLE, POSITIVE
  )
  max_similarity: float = field(
    8.0, "Similarity beyond which the reward is 0", _TABLE, POSITIVE
  )
  statistics_horizon: int = field(
    10_000,
    "Agent steps over which the running means of distances and of prediction "
    "errors reach back",
    "ours: NGU names running means without a rate",
    COUNT,
  )

  # Lifelong novelty
  max_novelty: float = field(
    5.0, "L: largest factor on the episodic reward", _TABLE, Range(1.0, 1e30)
  )
  rnd_discount: float = field(
    0.99,
    "Discount of the sum whose deviation scales the reward rnd",
    "RND (Burda et al., arXiv 1810.12894)",
    BELOW_ONE,
  )

  # Their networks
  embedding_size: int = field(32, "Features of the embedding", _NGU, SIZE)
  inverse_model_size: int = field(
    128, "Hidden units of the model of the action", _NGU, SIZE
  )
  rnd_size: int = field(128, "Features that the predictor predicts", _NGU, SIZE)
  intrinsic_learning_rate: float = field(
    5e-4,
    "Adam's step size for the networks of the intrinsic reward",
    _TABLE,
    POSITIVE,
  )
  intrinsic_adam_epsilon: float = field(
    1e-4, "Adam's epsilon for these networks", _TABLE, POSITIVE
  )
  inverse_model_decay: float = field(
    1e-5,
    "L2 weight on the embedding and the model of the action",
    _TABLE,
    NOT_NEGATIVE,
  )
  intrinsic_steps: int = field(
    5,
    "Last steps of each sequence that train these networks",
    f"{_NGU}, App.",
    LENGTH,
  )

  @property
  def learns_the_task(self) -> bool:
    return not self.unsupervised

  @property
  def backup_steps(self) -> int:
    """Those of Retrace, which looks ahead until its traces are cut."""
    return self.trace_length

  @property
  def memory_bytes(self) -> int:
    """Those of the episodic memory."""
    return 4 * self.embedding_size * (self.memory_capacity + 1)

  def __post_init__(self):
    super().__post_init__()
    configs.check(
      self,
      "memory_capacity",
      self.memory_capacity >= self.num_neighbors,
      f"at least num_neighbors ({self.num_neighbors})",
    )
    configs.check(
      self,
      "intrinsic_steps",
      self.intrinsic_steps <= self.trace_length,
      f"at most trace_length ({self.trace_length})",
    )
    # Retrace needs the probability of each action, which repeats have not.
    configs.check(
      self,
      "exploration",
      self.exploration == "epsilon_greedy",
      "epsilon_greedy",
    )
