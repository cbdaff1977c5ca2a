"""Decoders: every frame's events account for what ALE pays.

The recorded play was found by `record_play.py`, and the frames around each
kind of event were looked at.
"""

import collections
import dataclasses
import functools
import itertools

import numpy as np
import pytest
import replay
from ale_py import roms

from behavior_transfer import envs
from behavior_transfer.envs.decoders import base

# Frames of random play, how many kinds of events come up in it, and how often
# some of them, each time at the least.
RANDOM_PLAY = {
  "hero": (200_000, 6, {"life_lost": 50}),
  "ms_pacman": (200_000, 6, {"life_lost": 50}),
  "pong": (20_000, 4, {"point_lost": 50, "opponent_hit": 10, "hit": 5}),
  "freeway": (20_000, 2, {"hit": 50}),
  "montezuma_revenge": (20_000, 2, {"life_lost": 50}),
  "space_invaders": (20_000, 6, {"life_lost": 20, "invader_5": 10}),
  "asterix": (20_000, 2, {"life_lost": 20, "object_50": 20}),
  "frostbite": (20_000, 3, {"life_lost": 20}),
}
GAMES = tuple(RANDOM_PLAY)

# Hero's points for a unit of power left, by the level, and Ms. Pac-Man's for a
# fruit, by its kind.
POWER_TICKS = [20, 40, 60, 80, 90, 100, 120, 160, 200, 240]
POWER_TICKS += [280, 320, 360, 400, 420, 440, 500, 540, 600, 1000]
FRUITS = [100, 200, 500, 700, 1000, 2000, 5000]
_NOOP, _LEFT = 0, 4
PILLS = np.uint8(0b111100)  # their bits within the cell


@functools.cache
def _recorded(game):
  ale = replay.console(game)
  return list(replay.frames(ale, replay.recording(game)))


def _native(decoder, events):
  return sum(n * decoder.native_value(event) for event, n in events.items())


def _assert_accounts(decoder, frame):
  events = decoder.decode(frame.before, frame.after)
  assert _native(decoder, events) == frame.native_reward, events
  assert all(count > 0 for count in events.values()), events
  life_lost = frame.lives_after < frame.lives_before
  assert events.get("life_lost", 0) == life_lost
  return events


def _random_actions(rng, frames):
  """Random actions, each held for one to thirty frames."""
  actions = rng.integers(18, size=frames)
  return np.repeat(actions, rng.integers(1, 31, size=frames))[:frames]


@pytest.mark.parametrize("game", GAMES)
def test_random_play_is_accounted_for(game):
  """Half of it from the start, half from places along the recording."""
  rng, decoder = np.random.default_rng(0), envs.decoder(game)
  ale = replay.console(game)
  states, actions = [ale.cloneState()], replay.recording(game)
  for stretch in np.array_split(actions, 20):
    assert len(list(replay.frames(ale, stretch))) > 0
    states.append(ale.cloneState())
  total, frames, turn = collections.Counter(), 0, 0
  enough, kinds, at_least = RANDOM_PLAY[game]
  while frames < enough:
    ale.restoreState(states[turn // 2 % len(states) if turn % 2 else 0])
    turn += 1
    for frame in replay.frames(ale, _random_actions(rng, 2_000)):
      total.update(_assert_accounts(decoder, frame))
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
}


@pytest.mark.parametrize("game", GAMES)
def test_recorded_play_is_accounted_for(game):
  total, decoder = collections.Counter(), envs.decoder(game)
  for frame in _recorded(game):
    total.update(_assert_accounts(decoder, frame))
  assert total == GOLDEN[game]


@pytest.mark.parametrize(("game", "lowest"), [("hero", 57), ("ms_pacman", 120)])
def test_a_wrong_address_breaks_the_account(game, lowest):
  decoder = envs.decoder(game)
  order = np.arange(128)
  order[lowest - 2 : lowest + 3] = np.roll(order[lowest - 2 : lowest + 3], 1)
  broken = sum(
    _native(decoder, decoder.decode(frame.before[order], frame.after[order]))
    != frame.native_reward
    for frame in _recorded(game)[:5_000]
  )
  assert broken > 10


# Cells overwritten shortly before an event of recorded play, and what comes
# instead. Thus the ROM itself pays for what a search hardly finds.
_SWORD = 1 << 5
_MILLION = {"score_high": 0x99, "score_mid": 0x99}
POKES = {
  "frostbite": [
    ("floe", {"level": 4}, {"floe": 1, "floe_points": 50}),
    ("floe", {"level": 20}, {"floe": 1, "floe_points": 90}),
    (
      "floe",
      {"score_mid": 0x49, "score_low": 0x90},
      {"floe": 1, "floe_points": 10, "extra_life": 1},
    ),
    (
      "floe",
      {**_MILLION, "score_low": 0x90},
      {"floe": 1, "floe_points": 10, "extra_life": 1, "score_rollover": 1},
    ),
  ],
  "montezuma_revenge": [
    ("key", {"object": 1}, {"jewel": 1}),
    ("key", {"object": 2}, {"sword": 1}),
    ("key", {"object": 3}, {"amulet": 1}),
    ("key", {"object": 6}, {"torch": 1}),
    ("key", {"object": 5, "inventory": _SWORD}, {"skull": 1}),
    ("key", {"object": 10, "inventory": _SWORD}, {"spider": 1}),
    ("key", {"object": 5}, {"life_lost": 1}),
    ("key", {"object": 8, "inventory": _SWORD}, {"life_lost": 1}),
    ("key", {"score_mid": 0x99}, {"key": 1, "extra_life": 1}),
    ("key", _MILLION, {"key": 1, "extra_life": 1, "score_rollover": 1}),
    ("life_lost", {"lives": 0}, {"life_lost": 1}),
  ],
}


def _after_a_poke(game, event, values):
  """The frames from a poke to the first event."""
  index, _ = _frames_with(game, event)[0]
  decoder = envs.decoder(game)
  for frame in itertools.islice(_poked(game, index - 8, **values), 100):
    yield frame
    if decoder.decode(frame.before, frame.after):
      break


@pytest.mark.parametrize(
  ("game", "event", "values", "expected"),
  [(game, *poke) for game, pokes in POKES.items() for poke in pokes],
)
def test_poked_play_is_accounted_for(game, event, values, expected):
  decoder = envs.decoder(game)
  for frame in _after_a_poke(game, event, values):
    events = _assert_accounts(decoder, frame)
  assert events == expected


def _pong_time_out():
  """A game that nobody has won when the clock runs out, at 5:0."""
  ale, decoder = replay.console("pong"), envs.decoder("pong")
  for _ in range(700):
    ale.act(0)
  clock = 9  # in 256 frames
  ale.setRAM(clock, 255)
  return [
    frame
    for frame in replay.frames(ale, [0] * 500)
    if "game_number" in decoder.decode(frame.before, frame.after)
  ]


def test_pong_ends_by_its_clock():
  """The opponent's five points give way to the number of the game."""
  (frame,) = _pong_time_out()
  events = _assert_accounts(envs.decoder("pong"), frame)
  assert events == {"game_number": 1, "point_struck": 5}
  assert frame.native_reward == 4


def _invaders_land():
  """They are sent down by a poke, while the player waits."""
  ale, decoder = (
    replay.console("space_invaders"),
    envs.decoder("space_invaders"),
  )
  for _ in range(300):
    ale.act(0)
  descent = 16
  ale.setRAM(descent, 60)
  return [
    frame
    for frame in replay.frames(ale, [0] * 2_000)
    if "invaders_landed" in decoder.decode(frame.before, frame.after)
  ]


def test_space_invaders_land():
  (frame,) = _invaders_land()
  events = _assert_accounts(envs.decoder("space_invaders"), frame)
  assert events == {"invaders_landed": 1, "life_lost": 1}
  assert frame.lives_before == 3


def _asterix_dies_for_good():
  """It waits for a lyre, with its lives taken away by a poke."""
  ale, decoder = replay.console("asterix"), envs.decoder("asterix")
  for _ in range(100):
    ale.act(0)
  ale.setRAM(decoder.cells["lives"], 1)
  ale.act(0)
  return list(replay.frames(ale, [0] * 5_000))[-200:]


def test_asterix_last_life_is_lost_where_the_game_ends():
  *frames, last = _asterix_dies_for_good()
  decoder = envs.decoder("asterix")
  assert _assert_accounts(decoder, last) == {"life_lost": 1}
  for frame in frames:
    assert "life_lost" not in _assert_accounts(decoder, frame)


def _frostbite_fish():
  """As he reaches a floe, the hero touches a fish that is not there."""
  game = "frostbite"
  ale, cells = replay.console(game), envs.decoder(game).cells
  index, _ = _frames_with(game, "floe")[0]
  for action in replay.recording(game)[:index]:
    ale.act(int(action))
  ale.setRAM(cells["touched"], 0)
  ale.setRAM(cells["kind_0"], int(ale.getRAM()[cells["kind_0"]]) & 0xFC | 1)
  yield from replay.frames(ale, [_NOOP] * 50)


def _frostbite_tick_and_floe():
  """A floe while a fish is paid for."""
  index, _ = _frames_with("frostbite", "floe")[0]
  yield from itertools.islice(_poked("frostbite", index - 8, sound=0x5B), 30)


def test_frostbite_fish_pays_in_ticks():
  decoder, total = envs.decoder("frostbite"), collections.Counter()
  for frame in _frostbite_fish():
    events = _assert_accounts(decoder, frame)
    assert events.get("fish_points", 10) == 10
    total.update(events)
  assert total == {"floe": 1, "floe_points": 10, "fish": 1, "fish_points": 200}


def test_frostbite_tick_and_floe_of_one_frame_are_told_apart():
  decoder = envs.decoder("frostbite")
  events = [_assert_accounts(decoder, f) for f in _frostbite_tick_and_floe()]
  assert {"floe": 1, "floe_points": 10, "fish_points": 10} in events


def _frostbite_rare():
  return [*_frostbite_fish(), *_frostbite_tick_and_floe()]


# Frames with events that are too rare for a recording.
RARE_FRAMES = {
  "frostbite": _frostbite_rare,
  "pong": _pong_time_out,
  "space_invaders": _invaders_land,
  "asterix": _asterix_dies_for_good,
}


@functools.cache
def _all_frames(game):
  """Recorded play, what a poke makes of it, and what is too rare for either."""
  frames = [*_recorded(game), *RARE_FRAMES.get(game, list)()]
  for event, values, _ in POKES.get(game, ()):
    frames += _after_a_poke(game, event, values)
  return frames


# Cells that events are read from, where those are not all.
_READ = {
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
}


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(
  ("game", "cell"),
  [
    (game, cell)
    for game in GAMES[2:]
    for cell in _READ.get(game, envs.decoder(game).cells)
  ],
)
def test_a_cell_that_is_off_by_one_is_found_out(game, cell, by):
  """A wrong address breaks the account, or at least changes the events."""
  decoder = envs.decoder(game)
  order = np.arange(128)
  order[decoder.cells[cell]] += by
  for frame in _all_frames(game):
    events = decoder.decode(frame.before, frame.after)
    try:
      if events != decoder.decode(frame.before[order], frame.after[order]):
        return
    except KeyError:  # a wrong amount has no name
      return
  pytest.fail(f"{cell} may be at {decoder.cells[cell] + by} as well")


@pytest.mark.parametrize("level", range(3))
def test_montezuma_pays_for_the_end_of_a_level_but_the_third(level):
  """The room beside the treasure is poked, and left as by the left door."""
  game = "montezuma_revenge"
  decoder, total = envs.decoder(game), collections.Counter()
  cells = decoder.cells
  ale, ((door, _),) = replay.console(game), _frames_with(game, "door")
  for action in replay.recording(game)[:door]:
    ale.act(int(action))
  for cell, value in {"room": 16, "x": 8, "level": level}.items():
    ale.setRAM(cells[cell], value)
  ale.act(_LEFT)
  for frame in replay.frames(ale, [_LEFT] * 240 + [_NOOP] * 700):
    total.update(_assert_accounts(decoder, frame))
  assert total == ({"level_up": 1, "extra_life": 1} if level < 2 else {})
  assert ale.getRAM()[cells["room"]] == 1


def _frames_with(game, event):
  decoder = envs.decoder(game)
  return [
    (index, frame)
    for index, frame in enumerate(_recorded(game))
    if event in decoder.decode(frame.before, frame.after)
  ]


def test_hero_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  cells = envs.decoder("hero").cells
  dying = [cells["dying_0"], cells["dying_1"]]
  for before, after, events in _decoded("hero"):
    over = before[cells["level_over"]], after[cells["level_over"]]
    assert (over == (0, 255)) == ("miner" in events)
    if "wall" in events:
      assert before[cells["wall"]] > 0 == after[cells["wall"]]
      assert before[cells["wall_hit"]] == 0
      assert after[cells["wall_hit"]] == 0x75
    if "laser_wall" in events:
      assert after[cells["wall_hit"]] == 0
    deaths = (before[dying] == 0) & (after[dying] > 0)
    assert deaths.sum() == events.get("creature", 0)
    if "power_bonus" in events:
      tick = POWER_TICKS[before[cells["level"]]]
      assert events["power_bonus"] == tick


def test_ms_pacman_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  cells = envs.decoder("ms_pacman").cells
  ghosts = slice(cells["ghost_0"], cells["ghost_3"] + 1)
  dot_map = slice(cells["dot_map"], cells["dot_map"] + 42)
  for before, after, events in _decoded("ms_pacman"):
    dots, pills = events.get("dot", 0), events.get("energy_pill", 0)
    eaten = int(after[cells["dots"]]) - int(before[cells["dots"]])
    assert max(eaten, 0) == dots + pills
    if dots:
      assert _bits(before[dot_map]) - _bits(after[dot_map]) == 1
    if pills:
      was, now = (ram[cells["pill_map"]] & PILLS for ram in (before, after))
      assert _bits(was) - _bits(now) == 1
    edible, eyes = before[ghosts] >= 0x80, after[ghosts] >> 4 == 4
    eaten = sum(events.get(f"ghost_{n}", 0) for n in (200, 400, 800, 1600))
    assert eaten == (edible & eyes).sum()
    if "fruit" in events:
      assert before[cells["fruit_x"]] > 0 == after[cells["fruit_x"]]
      assert events["fruit"] == FRUITS[before[cells["lives"]] >> 4]


def _decoded(game):
  decoder = envs.decoder(game)
  for frame in _recorded(game):
    events = decoder.decode(frame.before, frame.after)
    yield frame.before, frame.after, events


def _bits(cells):
  return int(np.unpackbits(np.atleast_1d(cells)).sum())


def _poked(game, index, **values):
  """Recorded play from a frame on, with cells of RAM overwritten before it.

  The cells change one frame earlier, for ALE takes a poked score for paid.
  """
  ale, decoder = replay.console(game), envs.decoder(game)
  actions = replay.recording(game)
  for action in actions[: index - 1]:
    ale.act(int(action))
  for cell, value in values.items():
    ale.setRAM(decoder.cells[cell], value)
  ale.act(int(actions[index - 1]))
  yield from replay.frames(ale, actions[index:])


def test_hero_events_of_one_frame_are_told_apart():
  """All that can be paid at once, in play, in one sum."""
  decoder = envs.decoder("hero")
  before, after = np.zeros((2, 128), np.uint8)
  after[decoder.cells["score_mid"]] = 0x11
  after[decoder.cells["score_low"]] = 0x75
  events = decoder.decode(before, after)
  assert events == {"miner": 1, "wall": 1, "creature": 2}


def test_hero_score_overflows():
  """Beyond 999,999 the game shows six blocks and counts no more."""
  index, _ = _frames_with("hero", "creature")[0]
  decoder, total = envs.decoder("hero"), collections.Counter()
  score = {"score_high": 0x99, "score_mid": 0x99, "score_low": 0x70}
  for frame in _poked("hero", index, **score):
    total.update(_assert_accounts(decoder, frame))
  assert total["score_overflow"] == 1_222_221 - 999_970
  assert "creature" not in total


@pytest.mark.parametrize("level", [0, 4, 13, 18, 19])
def test_hero_power_bonus_is_no_miner_on_any_level(level):
  """On the twentieth level a tick pays as much as a miner."""
  index, _ = _frames_with("hero", "power_bonus")[5]
  decoder, ticks = envs.decoder("hero"), set()
  for frame in _poked("hero", index, level=level):
    events = _assert_accounts(decoder, frame)
    assert "miner" not in events
    if "level_up" in events:
      break
    ticks.add(events.get("power_bonus", 0))
  assert "level_up" in events
  assert ticks == {0, POWER_TICKS[level]}


@pytest.mark.parametrize("kind", range(7))
def test_ms_pacman_fruit_of_every_kind(kind):
  index, frame = _frames_with("ms_pacman", "fruit")[0]
  decoder = envs.decoder("ms_pacman")
  lives = int(frame.before[decoder.cells["lives"]]) & 15
  frame = next(_poked("ms_pacman", index, lives=kind << 4 | lives))
  assert _assert_accounts(decoder, frame)["fruit"] == FRUITS[kind]


@pytest.mark.parametrize("low", [0x90, 0x91])
def test_ms_pacman_score_rolls_over(low):
  index, _ = _frames_with("ms_pacman", "dot")[0]
  score = {"score_high": 0x99, "score_mid": 0x99, "score_low": low}
  frame = next(_poked("ms_pacman", index, **score))
  events = _assert_accounts(envs.decoder("ms_pacman"), frame)
  assert events == {"dot": 1, "score_rollover": 1}


def test_ms_pacman_extra_life_pays_a_point():
  index, _ = _frames_with("ms_pacman", "dot")[0]
  score = {"score_high": 0x00, "score_mid": 0x99, "score_low": 0x90}
  frame = next(_poked("ms_pacman", index, **score))
  events = _assert_accounts(envs.decoder("ms_pacman"), frame)
  assert events == {"dot": 1, "extra_life": 1}
  assert frame.lives_after == frame.lives_before + 1


@pytest.mark.parametrize(
  ("score", "events"), [(0x09, {"crossing": 1}), (0x99, {})]
)
def test_freeway_score_is_decimal_and_ale_pays_nothing_past_99(score, events):
  index, _ = _frames_with("freeway", "crossing")[0]
  frame = next(_poked("freeway", index, score=score))
  assert _assert_accounts(envs.decoder("freeway"), frame) == events


def test_freeway_hits_push_the_chicken_back():
  """Unless it is hit again, for 24 frames; it walks on when no longer stunned.

  That is until the countdown, which has begun by then, is at 0x4f and 0x40.
  """
  y, state = 14, envs.decoder("freeway").cells["state"]
  recorded = _recorded("freeway")
  for index, frame in _frames_with("freeway", "hit"):
    assert frame.before[state] in range(0x50)
    assert frame.after[state] in (0x5B, 0x5C)
    pushed = [int(later.after[y]) for later in recorded[index : index + 23]]
    assert np.all(np.diff(pushed) == -1) or min(pushed) == 6


def test_space_invaders_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  rows = slice(18, 24)  # six invaders each, a bit for one that is left
  saucer_x, none = 30, 180
  explosion, of_saucer = 72, 0x39
  for before, after, events in _decoded("space_invaders"):
    if "saucer" in events:
      assert before[saucer_x] != none
      assert before[explosion] & of_saucer != of_saucer
      assert after[explosion] & of_saucer == of_saucer
    was, now = (
      [_bits(row) for row in ram[rows]] if ram[17] else [0] * 6
      for ram in (before, after)
    )
    if sum(was):
      shot = [events.get(f"invader_{n}", 0) for n in range(5, 35, 5)]
      assert np.all(np.subtract(was, now) == shot)


def test_space_invaders_score_rolls_over():
  index, frame = _frames_with("space_invaders", "invader_10")[0]
  score = {"score_high": 0x99, "score_low": 0x95}
  frame = next(_poked("space_invaders", index, **score))
  events = _assert_accounts(envs.decoder("space_invaders"), frame)
  assert events == {"invader_10": 1}
  assert frame.native_reward == 10


OBJECTS = [50, 100, 200, 300, 400] + 20 * [500]


def test_asterix_events_leave_their_traces_in_ram():
  """The objects' kind and number confirm each event that an amount told."""
  kind, taken = envs.decoder("asterix").cells["kind"], 66
  for before, after, events in _decoded("asterix"):
    objects = {e: n for e, n in events.items() if e.startswith("object")}
    number = (int(after[taken]) - int(before[taken])) % 50
    assert number == sum(objects.values())
    if objects:
      assert objects == {f"object_{OBJECTS[before[kind]]}": 1}
    assert (number and after[taken] == 0) == events.get("next_kind", 0)


@pytest.mark.parametrize("kind", range(25))
def test_asterix_objects_of_every_kind(kind):
  """Kinds differ in speed and form: the recording's actions may miss some."""
  decoder, taken = envs.decoder("asterix"), {f"object_{OBJECTS[kind]}": 1}
  for index, _ in _frames_with("asterix", "object_50")[:4]:
    frames = itertools.islice(_poked("asterix", index, kind=kind), 300)
    seen = [_assert_accounts(decoder, frame) for frame in frames]
    assert all(events in ({}, taken, {"life_lost": 1}) for events in seen)
    if taken in seen:
      return
  pytest.fail("none was taken")


def test_asterix_score_rolls_over():
  index, _ = _frames_with("asterix", "object_50")[0]
  score = {"score_high": 0x99, "score_mid": 0x99, "score_low": 0x50}
  frame = next(_poked("asterix", index, **score))
  events = _assert_accounts(envs.decoder("asterix"), frame)
  assert events.pop("object_50") == events.pop("score_rollover") == 1
  assert events.keys() <= {"extra_life"}


@pytest.mark.parametrize("game", GAMES)
def test_decoding_is_pure_and_takes_arrays_or_bytes(game):
  decoder = envs.decoder(game)
  for frame in _recorded(game)[:2_000]:
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
    ValueError, match=r"^game: got 'breakout'.*frostbite, hero, mont"
  ):
    envs.decoder("breakout")


def test_decimal_reads_as_ale_does():
  assert base.decimal(b"\x12\x34\x56") == 123_456
  assert base.decimal(b"\xbb\xbb\xbb") == 1_222_221
