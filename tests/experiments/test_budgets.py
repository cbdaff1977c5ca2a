"""Budgets are counted right, and those that cannot teach are told."""

import re

import pytest

from behavior_transfer.agents import ngu, r2d2
from behavior_transfer.experiments import budgets, studies
from behavior_transfer.experiments.studies import scales
from behavior_transfer.experiments.studies import study as study_lib

_SHORT = dict(
  burn_in=10,
  trace_length=40,
  sequence_period=20,
  batch_size=16,
  min_replay_size=200,
  replay_ratio=4.0,
)


# By hand: the first is (50,000,000 / 40 - 6,250) * 0.8 * 40 / 80 / 64.
@pytest.mark.parametrize(
  "config, num_steps, expected",
  [
    (r2d2.R2D2Config(), 50_000_000, (7_773, 3, 20)),
    (r2d2.R2D2Config(), 1_250_000_000, (195_273, 78, 395)),
    (r2d2.R2D2Config(), 100_000, (0, 0, 5)),
    (
      r2d2.R2D2Config(**_SHORT, target_update_period=200),
      100_000,
      (600, 3, 20),
    ),
    (ngu.NGUConfig(**_SHORT, target_update_period=100), 100_000, (600, 6, 280)),
  ],
)
def test_updates_copies_and_reach(config, num_steps, expected):
  assert budgets.of(config, num_steps) == expected


@pytest.mark.parametrize(
  "fields, num_steps, num_environments, named",
  [
    ({"min_replay_size": 5_000}, 400, 1, "--min_replay_size of 5,000"),
    ({"min_replay_size": 400}, 4_000, 1, "at most 401 sequences"),
    ({"replay_ratio": 1e-9}, 10**6, 1, "--replay_ratio of 1e-09"),
    ({"batch_size": 65_536}, 10**4, 16, "--batch_size of 65,536"),
    ({}, 400, 1_000, "less than one in each of 1,000 environments"),
  ],
)
def test_what_can_never_learn_is_refused(
  fields, num_steps, num_environments, named
):
  config = r2d2.R2D2Config(**{**_SHORT, **fields})
  with pytest.raises(ValueError, match=re.escape(named)) as error:
    budgets.check(config, num_steps, num_environments)
  assert "\n" not in str(error.value)


def test_what_may_learn_a_little_is_not_refused():
  # 401 sequences where each episode lasts a sequence period, and no longer.
  config = r2d2.R2D2Config(**{**_SHORT, "min_replay_size": 393})
  budgets.check(config, 4_000, 1)


def test_what_can_teach_is_said_without_a_warning():
  config = r2d2.R2D2Config(n_step=100)  # reaches 400 steps
  (line,) = budgets.lines(config, 50_000_000, "frostbite")
  assert line == (
    "learns by 7,773 updates, 3 copies to the target network; a reward can"
    " travel back 400 steps"
  )


def test_rewards_that_are_too_far_off_are_warned_of():
  config = r2d2.R2D2Config(n_step=10)  # reaches 40
  _, warning = budgets.lines(config, 50_000_000, "hero_easy")
  assert warning.startswith(
    "warning: the first reward of hero_easy can be 125 "
  )
  _, warning = budgets.lines(config, 50_000_000, "frostbite")
  assert warning.startswith(
    "warning: the first reward of frostbite can be 300 "
  )
  assert len(budgets.lines(config, 50_000_000, "maze_far")) == 1  # 35 away


def test_few_updates_are_warned_of():
  config = r2d2.R2D2Config(n_step=400)
  _, warning = budgets.lines(config, 5_000_000, "hero_easy")
  assert warning.startswith("warning: less than 1,000 updates ")


def test_what_learns_without_the_task_needs_none_of_its_rewards():
  config = ngu.NGUConfig()
  assert budgets.of(config, 10_000_000) == (1_523, 1, 160)
  assert len(budgets.lines(config, 10_000_000, "frostbite")) == 1
  mixture = ngu.NGUConfig(unsupervised=False)
  assert "300 steps" in budgets.lines(mixture, 10_000_000, "frostbite")[1]


def test_a_command_has_the_config_that_its_program_reads():
  paper = {"preset": "paper", "game": "hero"}
  assert budgets.config_of("run_r2d2.py", paper) == r2d2.R2D2Config()
  config = budgets.config_of(
    "run_ngu.py",
    {**paper, "unsupervised": False, "batch_size": 8},
  )
  assert config == ngu.NGUConfig(
    unsupervised=False,
    batch_size=8,
  )


@pytest.mark.parametrize("name", sorted(studies.STUDIES))
def test_every_study_can_teach(name):
  for scale in scales.SCALES.values():
    for run in study_lib.plan(studies.STUDIES[name], scale):
      config = budgets.config_of(run.program, run.flags)
      if scale.name != "miniature" or studies.STUDIES[name].scale == scale.name:
        assert len(budgets.lines(config, run.frames // 4, run.game)) == 1, run
