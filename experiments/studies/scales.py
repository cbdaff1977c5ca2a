"""How large the runs of a study are."""

import dataclasses

from .arms import Flags


@dataclasses.dataclass(frozen=True)
class Scale:
  """Budgets, and the flags that all programs get.

  Attributes:
    name: As in `--scale`.
    suits: What it is meant for.
    frames: Of learning a task.
    pretraining_frames: Of pre-training, at a study's full share.
    seeds: At most.
    frames_per_second: Of a run, roughly, for the estimate of what a study
      costs; measured where the scale says so, else None.
    flags: Of all programs.
  """

  name: str
  suits: str
  frames: int
  pretraining_frames: int
  seeds: int
  frames_per_second: float | None
  flags: Flags


SCALES = {
  scale.name: scale
  for scale in (
    Scale(
      name="miniature",
      suits="the maze on two CPU cores",
      frames=112_000,
      pretraining_frames=240_000,
      seeds=5,
      frames_per_second=None,
      flags={"preset": "miniature"},
    ),
    Scale(
      name="laptop",
      suits="two CPU cores, an evening for a game",
      frames=1_000_000,
      pretraining_frames=6_000_000,
      seeds=5,
      frames_per_second=750.0,  # a run on each of two cores: twice that
      flags={"preset": "small"},
    ),
    Scale(
      name="hours",
      suits="two CPU cores, hours for a run",
      frames=10_000_000,
      pretraining_frames=40_000_000,
      seeds=2,
      frames_per_second=1_500.0,  # a run on each of two cores: twice that
      flags={
        "preset": "small",
        "envs_per_actor": 8,
        "replay_ratio": 4.0,
        "evaluation_period": 800_000,
        "checkpoint_period": 200_000,
      },
    ),
    Scale(
      name="gpu",
      suits="one GPU and sixteen cores, some hours for a game",
      frames=200_000_000,
      pretraining_frames=500_000_000,
      seeds=3,
      frames_per_second=37_000.0,  # BT on an H200 and 16 cores
      flags={
        "preset": "paper",
        "envs_per_actor": 256,
        "evaluation_period": 4_000_000,  # 50 of them
        # The paper's 0.8 would make 7,773 updates and three targets of these
        # frames.
        "replay_ratio": 4.0,
        "target_update_period": 400,
      },
    ),
    Scale(
      name="paper",
      suits="a cluster; BT, sec. 5",
      frames=5_000_000_000,
      pretraining_frames=16_000_000_000,
      seeds=3,
      frames_per_second=None,
      flags={
        "preset": "paper",
        "launch": "ray",
        "num_actors": 256,
        "envs_per_actor": 1,
      },
    ),
  )
}
