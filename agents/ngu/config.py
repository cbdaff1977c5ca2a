"""NGU's configuration."""

import dataclasses

from .. import configs
from ..configs import field
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
  adam_epsilon: float = field(1e-4, "Adam's epsilon", _TABLE)
  target_update_period: int = field(
    1500, "Learner steps between copies to the target network", _TABLE
  )
  actor_update_period: int = field(
    100, "Agent steps between an actor's parameter updates", _TABLE
  )

  # What is learned
  unsupervised: bool = field(
    True,
    "One policy that learns from the intrinsic reward alone; otherwise a "
    "mixture that learns from the task's and the intrinsic one",
    "BT (Campos et al., arXiv 2102.13515), sec. 4; the mixture is NGU's",
  )
  intrinsic_reward: str = field(
    "ngu",
    "ngu, rnd (random network distillation alone) or constant (1 each step)",
    "BT (Campos et al., arXiv 2102.13515), sec. 5",
  )
  num_mixtures: int = field(32, "N: policies of the mixture", _TABLE)
  max_beta: float = field(
    0.3,
    "Weight of the intrinsic reward in the last policy, and in the one without "
    "a task reward",
    f"{_TABLE}; BT gives none",
  )
  intrinsic_discount: float = field(
    0.99,
    "Discount of the last policy, and of the one without a task reward",
    f"{_TABLE}; BT gives none",
  )
  retrace_lambda: float = field(0.95, "lambda of Retrace", _TABLE)
  target_epsilon: float = field(
    0.01, "Exploration rate of the policy that Retrace evaluates", _TABLE
  )

  # Episodic reward
  memory_capacity: int = field(
    30_000, "Observations that the episodic memory holds", _TABLE
  )
  num_neighbors: int = field(10, "k: nearest neighbours", _TABLE)
  kernel_epsilon: float = field(
    1e-4, "epsilon of the kernel", f"{_TABLE}; its sec. 2 has 1e-3"
  )
  cluster_distance: float = field(
    0.008, "xi: normalised distance that counts as none", _TABLE
  )
  pseudo_count_constant: float = field(
    0.001, "c: added to the similarity", _TABLE
  )
  max_similarity: float = field(
    8.0, "Similarity beyond which the reward is 0", _TABLE
  )
  statistics_horizon: int = field(
    10_000,
    "Agent steps over which the running means of distances and of prediction "
    "errors reach back",
    "ours: NGU names running means without a rate",
  )

  # Lifelong novelty
  max_novelty: float = field(
    5.0, "L: largest factor on the episodic reward", _TABLE
  )
  rnd_discount: float = field(
    0.99,
    "Discount of the sum whose deviation scales the reward rnd",
    "RND (Burda et al., arXiv 1810.12894)",
  )

  # Their networks
  embedding_size: int = field(32, "Features of the embedding", _NGU)
  inverse_model_size: int = field(
    128, "Hidden units of the model of the action", _NGU
  )
  rnd_size: int = field(128, "Features that the predictor predicts", _NGU)
  intrinsic_learning_rate: float = field(
    5e-4, "Adam's step size for the networks of the intrinsic reward", _TABLE
  )
  intrinsic_adam_epsilon: float = field(
    1e-4, "Adam's epsilon for these networks", _TABLE
  )
  inverse_model_decay: float = field(
    1e-5, "L2 weight on the embedding and the model of the action", _TABLE
  )
  intrinsic_steps: int = field(
    5, "Last steps of each sequence that train these networks", f"{_NGU}, App."
  )

  @property
  def learns_the_task(self) -> bool:
    return not self.unsupervised

  @property
  def backup_steps(self) -> int:
    """Those of Retrace, which looks ahead until its traces are cut."""
    return self.trace_length

  def __post_init__(self):
    super().__post_init__()
    for name in (
      "num_neighbors",
      "statistics_horizon",
      "embedding_size",
      "inverse_model_size",
      "rnd_size",
      "intrinsic_steps",
    ):
      configs.check(self, name, getattr(self, name) >= 1, "at least 1")
    for name in (
      "kernel_epsilon",
      "pseudo_count_constant",
      "max_similarity",
      "intrinsic_learning_rate",
      "intrinsic_adam_epsilon",
    ):
      configs.check(self, name, getattr(self, name) > 0, "above 0")
    for name in ("max_beta", "cluster_distance", "inverse_model_decay"):
      configs.check(self, name, getattr(self, name) >= 0, "at least 0")
    for name in ("retrace_lambda", "target_epsilon"):
      value = getattr(self, name)
      configs.check(self, name, 0 <= value <= 1, "between 0 and 1")
    for name in ("discount", "intrinsic_discount", "rnd_discount"):
      value = getattr(self, name)
      configs.check(self, name, 0 <= value < 1, "at least 0 and below 1")
    configs.check(
      self, "num_mixtures", self.num_mixtures >= 2, "at least 2 policies"
    )
    configs.check(self, "max_novelty", self.max_novelty >= 1, "at least 1")
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
    configs.check(
      self,
      "intrinsic_reward",
      self.intrinsic_reward in INTRINSIC_REWARDS,
      " or ".join(INTRINSIC_REWARDS),
    )
    # Retrace needs the probability of each action, which repeats have not.
    configs.check(
      self,
      "exploration",
      self.exploration == "epsilon_greedy",
      "epsilon_greedy",
    )
