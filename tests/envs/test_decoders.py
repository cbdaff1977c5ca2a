"""Decoders: every frame's events account for what ALE pays.

The recorded play was found by `record_play.py`, and the frames around each
kind of event were looked at. What only one game has is tested in a file of its
own.
"""

import collections
import dataclasses

import accounts
import numpy as np
import pytest
import rare_play
import replay
from ale_py import roms

from behavior_transfer import envs
from behavior_transfer.envs.decoders import base

# How many kinds of events come up in 20,000 frames of random play, and how
# often some of them, each time at the least.
RANDOM_PLAY = {
  "hero": (4, {"life_lost": 5}),
  "ms_pacman": (4, {"life_lost": 5}),
  "pong": (4, {"point_lost": 50, "opponent_hit": 10, "hit": 5}),
  "freeway": (2, {"hit": 50}),
  "montezuma_revenge": (2, {"life_lost": 50}),
  "space_invaders": (6, {"life_lost": 20, "invader_5": 10}),
  "asterix": (2, {"life_lost": 20, "object_50": 20}),
  "frostbite": (3, {"life_lost": 20}),
  "gravitar": (6, {"life_lost": 10, "fight": 2, "out_of_fuel": 2}),
  "venture": (3, {"life_lost": 5, "room_entered": 2}),
  "pitfall": (3, {"fall": 1, "log": 10}),
  "private_eye": (6, {"pothole": 50, "spared": 50}),
}
GAMES = tuple(RANDOM_PLAY)


def _random_actions(rng, frames):
  """Random actions, each held for one to thirty frames."""
  actions = rng.integers(18, size=frames)
  return np.repeat(actions, rng.integers(1, 31, size=frames))[:frames]


@pytest.mark.parametrize(
  "frames_at_least", [20_000, pytest.param(200_000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("game", GAMES)
def test_random_play_is_accounted_for(game, frames_at_least):
  """Half of it from the start, half from places along the recording."""
  rng, decoder = np.random.default_rng(0), envs.decoder(game)
  ale = replay.console(game)
  states, actions = [ale.cloneState()], replay.recording(game)
  for stretch in np.array_split(actions, 20):
    assert len(list(replay.frames(ale, stretch))) > 0
    states.append(ale.cloneState())
  total, frames, turn = collections.Counter(), 0, 0
  kinds, at_least = RANDOM_PLAY[game]
  while frames < frames_at_least:
    ale.restoreState(states[turn // 2 % len(states) if turn % 2 else 0])
    turn += 1
    for frame in replay.frames(ale, _random_actions(rng, 2_000)):
      total.update(accounts.check(decoder, frame))
      frames += 1
  assert all(total[event] > count for event, count in at_least.items()), total
  assert len(total) >= kinds


GOLDEN = {
  "frostbite": {
    "floe": 17,
    "floe_points": 170,
    "igloo": 1,
    "block_points": 160,
    "temperature_points": 280,
    "level_up": 1,
    "life_lost": 2,
  },
  "hero": {
    "miner": 4,
    "wall": 8,
    "creature": 10,
    "power_bonus": 8600,
    "dynamite_bonus": 450,
    "laser_wall": 2,
    "life_lost": 1,
    "level_up": 4,
  },
  "montezuma_revenge": {"key": 1, "door": 1, "life_lost": 2},
  "ms_pacman": {
    "dot": 255,
    "energy_pill": 7,
    "ghost_200": 6,
    "ghost_400": 2,
    "ghost_800": 2,
    "ghost_1600": 2,
    "fruit": 300,  # a cherry and, in the second maze, a strawberry
    "extra_life": 1,
    "life_lost": 2,
    "maze_cleared": 1,
  },
  "pong": {
    "point_won": 2,
    "point_lost": 6,
    "hit": 12,
    "opponent_hit": 13,
  },
  "freeway": {"crossing": 3, "hit": 4},
  "space_invaders": {
    "invader_5": 9,
    "invader_10": 9,
    "invader_15": 9,
    "invader_20": 8,
    "invader_25": 8,
    "invader_30": 7,
    "saucer": 2,
    "life_lost": 2,
    "wave_cleared": 1,
  },
  "asterix": {
    "object_50": 50,
    "object_100": 50,
    "object_200": 14,
    "next_kind": 2,
    "extra_life": 1,
    "life_lost": 2,
  },
  "gravitar": {
    "fight": 1,
    "saucer": 1,
    "reactor_entered": 1,
    "planet_entered": 1,
    "fuel": 1,
    "bunker": 1,
    "life_lost": 2,
  },
  "venture": {
    "room_entered": 4,
    "treasure_1": 1,
    "treasure_2": 1,
    "treasure_points": 400,
    "monster": 8,
    "monster_points": 100,  # the others were shot before the treasure was taken
    "room_cleared": 2,
    "hall_monster": 3,
    "life_lost": 2,
  },
  "pitfall": {"fall": 2, "log": 74, "life_lost": 2},
  "private_eye": {
    "suspect": 3,
    "clue_found": 1,
    "pothole": 40,
    "brick": 1,
    "flower_pot": 3,
    "rat": 3,
    "bird": 2,
    "spared": 1140,
  },
}


@pytest.mark.parametrize("game", GAMES)
def test_recorded_play_is_accounted_for(game):
  total, decoder = collections.Counter(), envs.decoder(game)
  for frame in accounts.recorded(game):
    total.update(accounts.check(decoder, frame))
  assert total == GOLDEN[game]


@pytest.mark.parametrize(("game", "lowest"), [("hero", 57), ("ms_pacman", 120)])
def test_a_wrong_address_breaks_the_account(game, lowest):
  decoder = envs.decoder(game)
  order = np.arange(128)
  order[lowest - 2 : lowest + 3] = np.roll(order[lowest - 2 : lowest + 3], 1)
  broken = sum(
    accounts.native(
      decoder, decoder.decode(frame.before[order], frame.after[order])
    )
    != frame.native_reward
    for frame in accounts.recorded(game)[:5_000]
  )
  assert broken > 10


@pytest.mark.parametrize(
  ("game", "event", "values", "expected"),
  [(game, *poke) for game, pokes in rare_play.POKES.items() for poke in pokes],
)
def test_poked_play_is_accounted_for(game, event, values, expected):
  decoder = envs.decoder(game)
  for frame in rare_play.after_a_poke(game, event, values):
    events = accounts.check(decoder, frame)
  assert events == expected


# Cells that events are read from, where those are not all.
_READ = {
  # The room keeps a wall that is left behind from counting as cut down in the
  # frame in which the laser's heat wraps, which no play here has.
  "hero": (
    "wall",
    "laser_heat",
    "dynamite",
    "lives",
    "score_high",
    "score_mid",
    "score_low",
    "level_over",
    "level",
  ),
  "ms_pacman": (
    "maze",
    "timer",
    "eaten",
    "dots",
    "score_low",
    "score_mid",
    "score_high",
    "lives",
  ),
  "frostbite": (
    "value",
    "score_high",
    "score_mid",
    "score_low",
    "level",
    "lives",
    "blocks",
    "pause",
    "state",
    "sound",
    "landed",
  ),
  "montezuma_revenge": (
    "score_high",
    "score_mid",
    "score_low",
    "object",
    "lives",
    "stack",
  ),
  "gravitar": (
    "screen",
    "lives",
    "score_high",
    "score_mid",
    "score_low",
    "fuel_high",
    "fuel_low",
    "thing_0",
    "thing_6",
    "hit",
  ),
  "venture": (
    "kept",
    "taken",
    "monster_1",
    "monster_4",
    "state",
    "lives",
    "score_high",
    "score_low",
    "wait",
    "level",
    "hall_monster",
    "room",
  ),
  "pitfall": (
    "lives",
    "shaft",
    "pause",
    "score_high",
    "score_mid",
    "score_low",
    "minutes",
    "seconds",
    "y",
    "treasures",
  ),
  "private_eye": (
    "kind_0",
    "held",
    "over",
    "minutes",
    "seconds",
    "score_high",
    "score_mid",
    "score_low",
    "done",
    "stunned",
    "found",
  ),
}


@pytest.mark.parametrize(
  ("game", "cell", "by"),
  [
    (game, cell, by)
    for game in GAMES
    for cell in _READ.get(game, envs.decoder(game).cells)
    for by in (-1, 1)
    if 0 <= envs.decoder(game).cells[cell] + by < 128
  ],
)
def test_a_cell_that_is_off_by_one_is_found_out(game, cell, by):
  """A wrong address breaks the account, or at least changes the events."""
  decoder = envs.decoder(game)
  order = np.arange(128)
  order[decoder.cells[cell]] += by
  for frame in rare_play.all_frames(game):
    events = decoder.decode(frame.before, frame.after)
    try:
      if events != decoder.decode(frame.before[order], frame.after[order]):
        return
    except KeyError as unknown:  # an amount that nothing pays
      assert cell.startswith("score_") and type(unknown.args[0]) is int
      return
  pytest.fail(f"{cell} may be at {decoder.cells[cell] + by} as well")


@pytest.mark.parametrize("game", GAMES)
def test_decoding_is_pure_and_takes_arrays_or_bytes(game):
  decoder = envs.decoder(game)
  for frame in accounts.recorded(game)[:2_000]:
    before, after = frame.before.copy(), frame.after.copy()
    events = decoder.decode(before, after)
    assert events == decoder.decode(before.tobytes(), after.tobytes())
    np.testing.assert_array_equal(before, frame.before)
    np.testing.assert_array_equal(after, frame.after)
    assert decoder.decode(after, after) == {}


@pytest.mark.parametrize("game", GAMES)
def test_a_decoder_is_tied_to_its_rom(game):
  decoder = envs.decoder(game)
  decoder.check_rom(roms.get_rom_path(game))
  other = dataclasses.replace(decoder, rom_md5="0" * 32)
  with pytest.raises(ValueError, match=r"^rom: got .* allowed: 0000"):
    envs.AtariEnvironment(game, seed=0, decoder=other)
  with pytest.raises(ValueError, match=r"^rom: got .*breakout"):
    envs.AtariEnvironment("breakout", seed=0, decoder=decoder)


def test_an_unknown_event_has_no_value():
  with pytest.raises(ValueError, match=r"^event: got 'ghost'.*ghost_200"):
    envs.decoder("ms_pacman").native_value("ghost")


def test_a_game_without_a_decoder():
  with pytest.raises(
    ValueError, match=r"^game: got 'breakout'.*frostbite, gravitar, hero, mont"
  ):
    envs.decoder("breakout")


def test_decimal_reads_as_ale_does():
  assert base.decimal(b"\x12\x34\x56") == 123_456
  assert base.decimal(b"\xbb\xbb\xbb") == 1_222_221
