"""Behavior Transfer's configuration."""

import dataclasses

from .. import configs
from ..configs import SHARE, SWITCH, field
from ..r2d2 import config as r2d2_config

_BT = "BT (Campos et al., arXiv 2102.13515)"
EXTRA_ACTION_TARGETS = ("controlled", "chosen", "agreed")
INITIAL_WEIGHTS = ("none", "partial", "full")


@dataclasses.dataclass(frozen=True)
class BTConfig(r2d2_config.R2D2Config):
  """Settings of R2D2 and of Behavior Transfer on top of it.

  Raises:
    ValueError: naming the field, what was given and what is allowed.
  """

  use_flights: bool = field(
    True,
    "Whether pre-trained policies take over for flights",
    f"{_BT}, sec. 3",
    SWITCH,
  )
  epsilon_levy: float = field(
    0.04,
    "Chance that a flight starts at a step outside one",
    "ours: BT gives no number",
    SHARE,
  )
  use_extra_action: bool = field(
    True,
    "Whether the agent may call each pre-trained policy by an extra action",
    f"{_BT}, sec. 3",
    SWITCH,
  )
  extra_action_targets: str = field(
    "controlled",
    "Steps on which an extra action's value is fitted too: controlled (its "
    "policy acted, by call or in flight), chosen (by call only), agreed (its "
    "policy would have acted the same)",
    f"{_BT}, sec. 3, has one target for both entries; it does not say on "
    "which steps",
    EXTRA_ACTION_TARGETS,
  )
  initial_weights: str = field(
    "none",
    "Weights loaded from the first pre-trained policy: none, partial (torso "
    "and LSTM) or full",
    f"{_BT}, sec. 5",
    INITIAL_WEIGHTS,
  )

  def __post_init__(self):
    super().__post_init__()
    # Random repeats would be flights within flights.
    configs.check(
      self,
      "exploration",
      self.exploration == "epsilon_greedy",
      "epsilon_greedy",
    )
