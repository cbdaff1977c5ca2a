"""Variants: names, reward tables, and rewards on recorded play."""

import numpy as np
import pytest
import replay
from ale_py import roms

from behavior_transfer import envs
from behavior_transfer.envs import conditions, console, rules

MODDED = [
  f"{game}_{kind}"
  for game in (
    "frostbite",
    "gravitar",
    "hero",
    "montezuma_revenge",
    "ms_pacman",
    "private_eye",
    "space_invaders",
    "venture",
  )
  for kind in ("easy", "hard")
]
MAZES = ["maze", "maze_deceptive", "maze_dense", "maze_far"]


def test_every_rom_and_every_variant_has_a_name():
  games = set(roms.get_all_rom_ids()) - set(console.FOR_TWO_PLAYERS)
  assert len(games) == 104
  assert envs.names() == sorted([*games, *MODDED, *MAZES])


@pytest.mark.parametrize(
  ("name", "near"),
  [
    ("hero_hrad", "hero_hard"),
    ("mspacman_easy", "ms_pacman_easy"),
    ("Breakout", "breakout"),
    ("maze_fra", "maze_far"),
  ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, near):
  for look_up in (envs.variant, lambda name: envs.make(name, seed=0)):
    with pytest.raises(envs.UnknownVariantError, match=near) as error:
      look_up(name)
    assert repr(name) in str(error.value)
    assert "\n" not in str(error.value)
  assert issubclass(envs.UnknownVariantError, ValueError)


def test_a_name_near_to_none():
  with pytest.raises(envs.UnknownVariantError, match=r"see envs\.names\(\)"):
    envs.make("xyzzy!", seed=0)


def test_a_table_with_an_unknown_event_is_refused():
  with pytest.raises(ValueError, match=r"^rewards: got 'minor'.*miner"):
    envs.Variant("mine", "hero", {"minor": 1.0})


def test_a_table_for_a_game_without_events_is_refused():
  with pytest.raises(ValueError, match=r"^game: got 'breakout'.*maze"):
    envs.Variant("mine", "breakout", {"goal": 1.0})


@pytest.mark.parametrize(
  ("name", "events", "reward"),
  [
    ("frostbite_easy", {"igloo": 1, "floe": 16, "block_points": 160}, 500.0),
    ("frostbite_hard", {"igloo": 1, "floe": 16, "floe_points": 160}, 340.0),
    ("gravitar_easy", {"planet": 1, "bunker": 5, "saucer": 1}, 1000.0),
    ("gravitar_hard", {"planet": 1, "bunker": 5, "system": 1}, 500.0),
    ("hero_easy", {"miner": 2, "wall": 3, "creature": 1}, 2000.0),
    ("hero_hard", {"miner": 2, "wall": 3, "laser_wall": 1}, 1100.0),
    ("hero_hard", {"power_bonus": 70, "dynamite_bonus": 50}, 0.0),
    ("hero_hard", {}, 0.0),
    ("hero", {"miner": 1, "wall": 1, "power_bonus": 40}, 1115.0),
    ("montezuma_revenge_easy", {"door": 2, "key": 2, "jewel": 1}, 600.0),
    ("montezuma_revenge_hard", {"door": 2, "key": 3, "skull": 1}, 300.0),
    ("ms_pacman_easy", {"dot": 7, "ghost_1600": 1, "ghost_200": 1}, 1800.0),
    ("ms_pacman_hard", {"dot": 7, "ghost_400": 1, "energy_pill": 1}, 330.0),
    ("ms_pacman_hard", {"fruit": 200, "extra_life": 1}, 0.0),
    ("ms_pacman", {"ghost_800": 1, "fruit": 200, "dot": 1}, 1010.0),
    ("private_eye_easy", {"clue_found": 1, "clue_returned": 1}, 10_000.0),
    ("private_eye_hard", {"loot_found": 1, "loot_returned": 1}, 5000.0),
    ("private_eye_hard", {"clue_found": 1, "suspect": 2, "rat": 1}, -5200.0),
    ("space_invaders_easy", {"saucer": 1, "invader_30": 2}, 200.0),
    ("space_invaders_hard", {"saucer": 1, "invader_30": 2}, 190.0),
    ("space_invaders_hard", {"invader_5": 1, "life_lost": 1}, -5.0),
    ("venture_easy", {"room_cleared": 1, "treasure_0": 2}, 200.0),
    ("venture_hard", {"room_cleared": 1, "treasure_7": 2, "monster": 1}, 0.0),
  ],
)
def test_rewards_are_linear_in_the_events(name, events, reward):
  assert envs.variant(name).reward(events) == reward
  doubled = {event: 2 * count for event, count in events.items()}
  assert envs.variant(name).reward(doubled) == 2 * reward


def _returns(name):
  """Return and native return of the recorded play, through the environment."""
  environment = envs.make(name, seed=0, noop_max=0, action_repeat=4)
  environment.reset()
  total = native = 0.0
  for action in replay.recording(environment.game)[::4]:
    step = environment.step(action)
    assert not step.first()
    total += step.reward
    native += environment.native_reward
  return total, native


@pytest.mark.parametrize(
  ("name", "reward"),
  [
    ("frostbite", 610),
    ("frostbite_easy", 500),
    ("frostbite_hard", 500 - 17 * 10),
    ("gravitar", 350),
    ("gravitar_easy", 0),
    ("gravitar_hard", -100),
    ("hero", 14_150),
    ("hero_easy", 4_000),
    ("hero_hard", 4_000 - 8 * 300),
    ("montezuma_revenge", 400),
    ("montezuma_revenge_easy", 300),
    ("montezuma_revenge_hard", 200),
    ("ms_pacman", 10_001),
    ("ms_pacman_easy", 6_800),
    ("ms_pacman_hard", 6_800 - 255 * 10),
    ("private_eye", 4_000),
    ("private_eye_easy", 0),
    ("private_eye_hard", -5_000 - 3 * 100),
    ("space_invaders", 1_240),
    ("space_invaders_easy", 400),
    ("space_invaders_hard", 400 - 50 * 5),
    ("venture", 500),
    ("venture_easy", 2 * 200),
    ("venture_hard", 2 * 200 - 2 * 100),
  ],
)
def test_returns_of_recorded_play(name, reward):
  """Worked out by hand from the golden counts of `test_decoders.py`."""
  native = {
    "frostbite": 610,
    "gravitar": 350,
    "hero": 14_150,
    "montezuma_revenge": 400,
    "ms_pacman": 10_001,
    "private_eye": 4_000,
    "space_invaders": 1_240,
    "venture": 500,
  }
  assert _returns(name) == (reward, native[envs.variant(name).game])


def _recorded(variant, num_actions=1500):
  """Rewards, native ones and events of recorded play of Hero; its last step."""
  environment = envs.make(variant, seed=0, noop_max=0)
  environment.reset()
  rows = []
  for action in replay.recording("hero")[::4][:num_actions]:
    step = environment.step(action)
    rows.append((step.reward, environment.native_reward, environment.events))
    if step.last():
      break
  return rows, step


def test_the_native_score_takes_ends_of_ones_own():
  ends = conditions.Conditions(ends_on=["wall"])
  rows, last = _recorded(envs.Variant("mine", "hero", None, ends))
  assert last.last()
  assert last.discount == 0
  assert "wall" in rows[-1][2]
  assert not any("wall" in events for *_, events in rows[:-1])
  assert all(reward == native for reward, native, _ in rows)
  assert sum(reward for reward, *_ in rows) >= 75


def test_the_native_score_takes_caps():
  """A wall pays 75, the first two alone; all else pays what it does."""
  caps = conditions.Conditions(caps={"wall": 2})
  rows, _ = _recorded(envs.Variant("mine", "hero", None, caps))
  walls = sum(events.get("wall", 0) for *_, events in rows)
  paid = sum(reward for reward, *_ in rows)
  assert walls > 3
  assert paid == sum(native for _, native, _ in rows) - 75 * (walls - 2)


def test_the_native_score_takes_shaping_and_visits():
  extra = conditions.Conditions(
    visits={"level": 5}, shaping=conditions.Shaping("level", 2, 1)
  )
  rows, _ = _recorded(envs.Variant("mine", "hero", None, extra))
  levels = sum(events.get("miner", 0) for *_, events in rows)
  assert levels > 0
  extra = sum(reward - native for reward, native, _ in rows)
  assert extra == 5 * levels + 2 * levels


@pytest.mark.parametrize("weight", [1.0, -0.5, 0])
def test_events_are_added_to_a_share_of_the_native_score(weight):
  table = {"native": weight, "wall": -7}
  rows, _ = _recorded(envs.Variant("mine", "hero", table))
  assert any(events.get("wall") for *_, events in rows)
  for reward, native, events in rows:
    assert reward == weight * native - 7 * events.get("wall", 0)
    assert reward == envs.Variant("mine", "hero", table).reward(events)


@pytest.mark.parametrize("game", ["breakout", "hero", "maze"])
def test_an_empty_table_pays_nothing(game):
  environment = envs.make(envs.Variant("mine", game, {}), seed=0)
  environment.reset()
  rng, native = np.random.default_rng(0), 0.0
  for action in rng.integers(5, size=400):
    step = environment.step(action)
    assert step.first() or step.reward == 0
    native += environment.native_reward
  assert native or game == "hero"


def test_a_game_without_a_decoder_adds_its_score_to_events():
  """Of events by rules, it is not known what they are worth in the score."""
  mine = rules.Rules(
    {"lives": 57}, {"lost": "lives falls"}, console.rom_md5("breakout")
  )
  variant = envs.Variant(
    "mine", "breakout", {"native": 2, "lost": -3}, rules=mine
  )
  environment = envs.make(variant, seed=0)
  environment.reset()
  lost = native = 0
  for action in np.random.default_rng(0).integers(18, size=500):
    step = environment.step(action)
    if step.first():
      continue
    expected = 2 * environment.native_reward
    expected -= 3 * environment.events.get("lost", 0)
    assert step.reward == expected
    lost += environment.events.get("lost", 0)
    native += environment.native_reward
  assert lost > 1
  assert native > 0
  caps = conditions.Conditions(caps={"lost": 1})
  with pytest.raises(ValueError, match=r"^caps\.lost: got 1; allowed: none"):
    envs.Variant("mine", "breakout", None, caps, mine)


@pytest.mark.parametrize("name", [*MODDED, "hero"])
def test_rewards_are_float32_scalars(name):
  environment = envs.make(name, seed=0)
  environment.reset()
  reward = environment.step(0).reward
  assert isinstance(reward, np.float32)


def test_options_reach_the_environment():
  environment = envs.make("hero_hard", seed=0, num_stacked=2)
  assert environment.observation_spec().shape == (84, 84, 2)
