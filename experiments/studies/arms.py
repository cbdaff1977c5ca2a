"""What the paper compares: pre-trainings without rewards, and learners.

Behavior Transfer (arXiv 2102.13515), sec. 5: "BT(pi)" transfers from a policy
that was pre-trained by pi's reward; weights are loaded from the policy by NGU.
"""

import dataclasses
from collections.abc import Mapping

Flags = Mapping[str, str | int | float | bool]


@dataclasses.dataclass(frozen=True)
class Pretraining:
  """A way to pre-train.

  Attributes:
    name: In folders and tables.
    label: In figures.
    flags: Of `run_ngu.py`.
  """

  name: str
  label: str
  flags: Flags


@dataclasses.dataclass(frozen=True)
class Arm:
  """A way to learn a task.

  Attributes:
    name: In folders and tables.
    label: In figures.
    program: That trains it.
    flags: Of the program, beside those that all arms of a study share.
    pretraining: What it transfers from, the name of a `Pretraining`; None for
      those that transfer nothing.
  """

  name: str
  label: str
  program: str
  flags: Flags
  pretraining: str | None = None

  @property
  def has_extra_action(self) -> bool:
    """Whether it may call a pre-trained policy."""
    flag = self.flags.get("use_extra_action", True)
    return self.program == "run_bt.py" and bool(flag)


PRETRAININGS = {
  pretraining.name: pretraining
  for pretraining in (
    Pretraining("ngu", "π NGU", {"intrinsic_reward": "ngu"}),
    Pretraining("rnd", "π RND", {"intrinsic_reward": "rnd"}),
    Pretraining(
      "constant", "π constant reward", {"intrinsic_reward": "constant"}
    ),
  )
}


def _r2d2(name: str, label: str, exploration: str) -> Arm:
  return Arm(name, label, "run_r2d2.py", {"exploration": exploration})


def _bt(name: str, label: str, pretraining: str = "ngu", **flags) -> Arm:
  return Arm(name, label, "run_bt.py", flags, pretraining)


def _bt_hero(name: str, label: str, **flags) -> Arm:
  return Arm(name, label, "run_bt.py", {"pretrained": "hero_ngu", **flags})


def _weights(name: str, label: str, initial_weights: str) -> Arm:
  """R2D2 from pre-trained weights: BT without either of its parts."""
  return _bt(
    name,
    label,
    initial_weights=initial_weights,
    use_flights=False,
    use_extra_action=False,
  )


ARMS = {
  arm.name: arm
  for arm in (
    _r2d2("r2d2", "R2D2, ε-greedy", "epsilon_greedy"),
    _r2d2("r2d2_ez", "R2D2, εz-greedy", "ez_greedy"),
    _bt("bt_ngu", "BT(π NGU)"),
    _bt("bt_rnd", "BT(π RND)", "rnd"),
    _bt("bt_constant", "BT(π constant reward)", "constant"),
    _bt("bt_no_flights", "BT without flights", use_flights=False),
    _bt("bt_no_extra_action", "BT without a⁺", use_extra_action=False),
    _weights("partial", "R2D2, partial init", "partial"),
    _weights("full", "R2D2, full init", "full"),
    _bt("bt_partial", "BT, partial init", initial_weights="partial"),
    _bt("bt_full", "BT, full init", initial_weights="full"),
    # No pre-training of the study's: the policy comes with the repository.
    _bt_hero("bt_hero", "BT(hero_ngu)"),
    _bt_hero("bt_hero_no_flights", "BT without flights", use_flights=False),
    _bt_hero("bt_hero_no_extra", "BT without a⁺", use_extra_action=False),
  )
}
LABELS = {name: pretraining.label for name, pretraining in PRETRAININGS.items()}
LABELS.update({name: arm.label for name, arm in ARMS.items()})
