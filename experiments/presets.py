"""Sizes of a run: the paper's, one for two CPU cores, one for the maze."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from behavior_transfer import envs
from behavior_transfer.agents import configs, ngu


def value_scale(game: str) -> float:
  """A third of what the game's largest reward is after rescaling, 1 to 10.

  So that what the network gives is of the size of 1 to 3, whatever a game pays.
  In smaller units values take tens of thousands of updates to reach, in larger
  ones each update shakes them (docs/tuning.md). Above 10 nothing was tried.
  """
  largest = envs.variant(game).largest_reward
  return float(np.clip(round((math.sqrt(1 + largest) - 1) / 3), 1, 10))


@dataclasses.dataclass(frozen=True)
class Preset:
  """Defaults that go together.

  Attributes:
    network: Size of the network.
    frames: Emulator frames of a run.
    max_episode_frames: Emulator frames after which an episode is cut.
    evaluation_period: Emulator frames between evaluations.
    evaluation_episodes: Episodes of each.
    checkpoint_period: Emulator frames between checkpoints.
    configs: Fields of agents' configs that differ from the paper's, by class;
      those of a class hold for what derives from it, too. A function makes the
      value from the name of the game.
  """

  network: str
  frames: int
  max_episode_frames: int
  evaluation_period: int
  evaluation_episodes: int
  checkpoint_period: int
  configs: Mapping[type, Mapping[str, Any]]

  def fields(self, config_class: type, game: str) -> dict[str, Any]:
    """Those of an agent's config that differ from the paper's."""
    fields: dict[str, Any] = {}
    for kind in reversed(config_class.__mro__):
      fields.update(self.configs.get(kind, {}))
    return {k: v(game) if callable(v) else v for k, v in fields.items()}


DEFAULT = "small"
PRESETS = {
  "paper": Preset(
    network="paper",
    frames=5_000_000_000,  # BT, sec. 5
    max_episode_frames=108_000,  # R2D2, NGU
    evaluation_period=50_000_000,
    evaluation_episodes=10,
    checkpoint_period=5_000_000,
    configs={},
  ),
  # A reward is to travel back some hundred steps within a tenth of a run: many
  # small updates, of short sequences, and many target networks. See
  # docs/tuning.md.
  "small": Preset(
    network="small",
    frames=400_000,
    max_episode_frames=12_000,  # 16 environments shall see some ends
    evaluation_period=100_000,
    evaluation_episodes=3,
    checkpoint_period=40_000,
    configs={
      configs.AgentConfig: {
        "burn_in": 5,
        "trace_length": 20,
        "sequence_period": 10,
        "discount": 0.99,
        "n_step": 10,
        "value_scale": value_scale,
        "batch_size": 8,
        "max_replay_size": 15_000,  # 150,000 agent steps
        "min_replay_size": 500,
        "replay_ratio": 8.0,
        "target_update_period": 50,
        "averaging_period": 200,
        "actor_update_period": 25,
        "adam_epsilon": 1e-5,
      },
      # The settings with which the bundled policies were made, but for twice
      # the updates. Values are to be reached by thousands of learner steps:
      # while they are far off, all weights grow together, until the LSTM is
      # saturated and blind. The reward is only as good as its embedding, which
      # is to be of use after thousands of steps.
      ngu.NGUConfig: {
        "burn_in": 10,
        "trace_length": 40,
        "sequence_period": 20,
        "discount": 0.997,
        "value_scale": 1.0,
        "batch_size": 16,
        "max_replay_size": 5_000,
        "min_replay_size": 200,
        "target_update_period": 100,
        "averaging_period": 1,
        "actor_update_period": 100,
        "learning_rate": 5e-4,
        "adam_epsilon": 1e-4,
        "max_beta": 0.01,
        "epsilon_alpha": 4.0,
        "eval_epsilon": 0.05,
        "intrinsic_steps": 10,
      },
    },
  ),
  # A maze is seen through in thousands of agent steps. The learner is cheaper
  # than they are scarce, so each step is learned on again and again.
  "miniature": Preset(
    network="tiny",
    frames=112_000,
    max_episode_frames=108_000,  # a walk in the maze is shorter
    evaluation_period=8_000,
    evaluation_episodes=2,
    checkpoint_period=32_000,
    configs={
      configs.AgentConfig: {
        "burn_in": 10,
        "trace_length": 20,
        "sequence_period": 10,
        "batch_size": 8,
        "discount": 0.97,  # the goal is 35 steps away
        "max_replay_size": 3_000,  # 30,000 agent steps
        "min_replay_size": 50,
        "replay_ratio": 40.0,
        "target_update_period": 50,
        "actor_update_period": 20,
        "learning_rate": 1e-3,
        "epsilon_alpha": 1.0,  # 0.16 to 0.4: one actor is to find what 256 find
        # Nothing else would end a walk in circles.
        "eval_epsilon": 0.05,
      },
      # What is new lies a few steps away.
      ngu.NGUConfig: {
        "batch_size": 16,
        "replay_ratio": 80.0,
        "intrinsic_discount": 0.9,
        "max_beta": 0.03,
        "epsilon_alpha": 2.0,
        "memory_capacity": 1_000,  # above the steps of an episode
      },
    },
  ),
}
