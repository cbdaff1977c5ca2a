"""What a budget can teach: how far back its updates carry a reward.

A target reaches `backup_steps` ahead and then trusts the target network, which
knows what was learned before its last copy. So a reward is carried back at most
`backup_steps` times one more than there are copies, however good the agent; a
run whose rewards lie further off learns nothing of them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from behavior_transfer import envs
from behavior_transfer.agents import bt, configs, ngu, r2d2, sequences

from . import presets

_LEAST_UPDATES = 1_000
_CONFIGS: dict[str, type[configs.AgentConfig]] = {
  "run_bt.py": bt.BTConfig,
  "run_ngu.py": ngu.NGUConfig,
  "run_r2d2.py": r2d2.R2D2Config,
}


class Budget(NamedTuple):
  """Of a run.

  Attributes:
    updates: Learner steps.
    copies: Of their parameters to the target network.
    reach: Agent steps that a reward can travel back.
  """

  updates: int
  copies: int
  reach: int


def of(config: configs.AgentConfig, num_steps: int) -> Budget:
  """The budget of a run of that many agent steps.

  Sequences that are cut short by the ends of episodes add a little to it.
  """
  inserts = num_steps // config.sequence_period
  samples = max(
    inserts - config.min_replay_size, 0
  ) * sequences.samples_per_insert(config)
  updates = int(samples // config.batch_size)
  copies = updates // config.target_update_period
  return Budget(updates, copies, config.backup_steps * (1 + copies))


def check(config: configs.AgentConfig, num_steps: int, num_environments: int):
  """Refuses a run that is over before anything can be learned.

  Of an episode of n steps there are n / sequence_period + 1 sequences at most.

  Args:
    config: Of the agent.
    num_steps: Agent steps of the run.
    num_environments: Among which they are divided.

  Raises:
    ValueError: There cannot be a single learner step, unless by episodes that
      are shorter than a sequence period.
  """
  if num_environments > num_steps:
    raise ValueError(
      f"--frames are {num_steps:,} agent steps, which is less than one in each"
      f" of {num_environments:,} environments; give more, or a smaller"
      " --envs_per_actor"
    )
  inserts = 2 * num_steps // config.sequence_period + num_environments
  beyond = inserts - config.min_replay_size
  if beyond * sequences.samples_per_insert(config) < config.batch_size:
    raise ValueError(
      f"--frames are {num_steps:,} agent steps, which bring at most {inserts:,}"
      f" sequences; at a --min_replay_size of {config.min_replay_size:,}, a"
      f" --replay_ratio of {config.replay_ratio:g} and a --batch_size of"
      f" {config.batch_size:,}, not one learner step comes of that"
    )


def lines(config: configs.AgentConfig, num_steps: int, game: str) -> list[str]:
  """What to say of a budget, and whether it can hardly teach the task."""
  budget, away = of(config, num_steps), envs.variant(game).steps_to_reward
  said = [
    f"learns by {budget.updates:,} updates, {budget.copies:,} copies to the"
    f" target network; a reward can travel back {budget.reach:,} steps"
  ]
  if config.learns_the_task and budget.reach < away:
    said.append(
      f"warning: the first reward of {game} can be {away} steps away; give more"
      " --frames, a higher --replay_ratio or a shorter --target_update_period"
    )
  elif budget.updates < _LEAST_UPDATES:
    said.append(
      f"warning: less than {_LEAST_UPDATES:,} updates teach little; give more"
      " --frames, a higher --replay_ratio or a smaller --batch_size"
    )
  return said


def config_of(program: str, flags: Mapping[str, Any]) -> configs.AgentConfig:
  """The config that a program with these flags has, `game` among them."""
  kind = _CONFIGS[program]
  preset = presets.PRESETS[flags.get("preset", presets.DEFAULT)]
  fields = {field.name for field in dataclasses.fields(kind)}
  given = {name: flags[name] for name in fields & flags.keys()}
  return kind(**{**preset.fields(kind, flags["game"]), **given})
