"""What presets make of a game."""

import pytest

from behavior_transfer import envs
from behavior_transfer.agents import ngu, r2d2
from behavior_transfer.experiments import presets


@pytest.mark.parametrize(
  ("game", "largest", "scale"),
  [
    ("hero", 1000, 10),  # a miner; sqrt(1001) - 1 is 30.6
    ("hero_hard", 1000, 10),
    ("space_invaders", 200, 4),  # a saucer; sqrt(201) - 1 is 13.2
    ("frostbite_hard", 500, 7),  # sqrt(501) - 1 is 21.4
    ("freeway", 1, 1),
    ("breakout", 1, 1),  # nothing is known of it
    ("private_eye_hard", 20_000, 10),
  ],
)
def test_values_are_scaled_by_what_a_game_pays(game, largest, scale):
  assert envs.variant(game).largest_reward == largest
  fields = presets.PRESETS["small"].fields(r2d2.R2D2Config, game)
  assert fields["value_scale"] == scale


def test_costs_count_and_nothing_is_one():
  assert envs.Variant("x", "hero", {"wall": -300}).largest_reward == 300
  assert envs.Variant("x", "hero", {"wall": 0}).largest_reward == 1


def test_what_pays_nothing_is_not_scaled():
  fields = presets.PRESETS["small"].fields(ngu.NGUConfig, "hero")
  assert fields["value_scale"] == 1
  assert presets.PRESETS["paper"].fields(r2d2.R2D2Config, "hero") == {}
