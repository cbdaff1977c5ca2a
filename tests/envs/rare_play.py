"""Events too rare for a recording, brought about by overwritten cells.

Thus the ROM itself pays for what a search hardly finds.
"""

import functools
import itertools

import accounts
import replay

from behavior_transfer import envs

_NOOP, _RIGHT = 0, 3

# Cells overwritten shortly before an event of recorded play, and what comes
# instead.
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
  "pitfall": [
    (
      "fall",
      {"score_mid": 0, "score_low": 0x50},
      {"fall": 1, "spared": 50},
    ),
    ("fall", {"score_mid": 0, "score_low": 1}, {"fall": 1, "spared": 99}),
    ("fall", {"minutes": 0, "seconds": 0x30}, {"fall": 1}),
  ],
  "private_eye": [
    (
      "suspect",
      {"score_high": 0x79, "score_mid": 0x99, "score_low": 0x05},
      {"suspect": 1, "score_reset": 800_005},
    ),
    (
      "flower_pot",
      {"score_mid": 1, "score_low": 0},
      {"flower_pot": 1, "spared": 100},
    ),
    ("brick", {"score_mid": 0, "score_low": 0}, {"brick": 1, "spared": 100}),
    ("rat", {"score_mid": 0, "score_low": 0x19}, {"rat": 1, "spared": 281}),
    ("suspect", {"clue": 2}, {"clue_found": 1}),
    ("suspect", {"loot": 2}, {"loot_found": 1}),
    ("suspect", {"loot": 2, "found": 16}, {}),
    (
      "suspect",
      {"culprit": 2, "clue": 0, "loot": 0},
      {"culprit_caught": 1},
    ),
    ("bird", {"score_mid": 5, "score_low": 0}, {"bird": 1}),
  ],
}


def after_a_poke(game, event, values):
  """The frames from a poke to the first event."""
  index, _ = accounts.frames_with(game, event)[0]
  decoder = envs.decoder(game)
  for frame in itertools.islice(accounts.poked(game, index - 8, **values), 100):
    yield frame
    if decoder.decode(frame.before, frame.after):
      break


def pong_time_out():
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


def invaders_land():
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


def asterix_dies_for_good():
  """It waits for a lyre, with its lives taken away by a poke."""
  ale, decoder = replay.console("asterix"), envs.decoder("asterix")
  for _ in range(100):
    ale.act(0)
  ale.setRAM(decoder.cells["lives"], 1)
  ale.act(0)
  return list(replay.frames(ale, [0] * 5_000))[-200:]


def frostbite_fish():
  """As he reaches a floe, the hero touches a fish that is not there."""
  game = "frostbite"
  ale, cells = replay.console(game), envs.decoder(game).cells
  index, _ = accounts.frames_with(game, "floe")[0]
  for action in replay.recording(game)[:index]:
    ale.act(int(action))
  ale.setRAM(cells["touched"], 0)
  ale.setRAM(cells["kind_0"], int(ale.getRAM()[cells["kind_0"]]) & 0xFC | 1)
  yield from replay.frames(ale, [_NOOP] * 50)


def frostbite_tick_and_floe():
  """A floe while a fish is paid for."""
  index, _ = accounts.frames_with("frostbite", "floe")[0]
  yield from itertools.islice(
    accounts.poked("frostbite", index - 8, sound=0x5B), 30
  )


def _frostbite_rare():
  return [*frostbite_fish(), *frostbite_tick_and_floe()]


# Cells overwritten beside a gold bar.
TREASURES = [
  ({}, {"gold": 1}),
  ({"object": 4}, {"money_bag": 1}),
  ({"object": 5}, {"silver": 1}),
  ({"object": 7}, {"ring": 1}),
  ({"treasures": 0}, {"gold": 1, "all_found": 1}),
  (_MILLION, {"gold": 1, "score_rollover": 1}),
]


def pitfall_treasure(values):
  """Harry is sent to the sixth screen on the right, and past its tar."""
  ale, cells = replay.console("pitfall"), envs.decoder("pitfall").cells
  ale.setRAM(cells["screen"], 0x97)
  ale.setRAM(cells["x"], 146)
  for _ in range(10):
    ale.act(_RIGHT)
  for cell, value in {"x": 112, **values}.items():
    ale.setRAM(cells[cell], value)
  ale.act(_NOOP)
  return list(replay.frames(ale, [_RIGHT] * 40))


def pitfall_times_out():
  """Harry waits while the last second goes by."""
  ale, cells = replay.console("pitfall"), envs.decoder("pitfall").cells
  ale.act(_NOOP)
  ale.setRAM(cells["minutes"], 0)
  ale.setRAM(cells["seconds"], 1)
  return list(replay.frames(ale, [_NOOP] * 70))


def pitfall_dies_for_good():
  """The lives are taken away on the way to a death, and most of the time."""
  index, _ = accounts.frames_with("pitfall", "life_lost")[0]
  return [
    *accounts.poked("pitfall", index - 150, lives=0),
    *accounts.poked("pitfall", index - 150, lives=0, minutes=0),
    *accounts.poked("pitfall", index - 150, lives=0, score_mid=0, score_low=0),
  ]


def _pitfall_rare():
  return [
    *(f for values, _ in TREASURES for f in pitfall_treasure(values)),
    *pitfall_times_out(),
    *pitfall_dies_for_good(),
  ]


# Cells overwritten at the start, in front of the police.
EYE_AT_HOME = [
  ({"location": 16, "held": 20}, {"clue_returned": 1}),
  ({"location": 19, "held": 23}, {"clue_returned": 1}),
  ({"location": 20, "held": 24}, {"loot_returned": 1}),
  ({"location": 23, "held": 27}, {"loot_returned": 1}),
  ({"held": 28}, {"case_closed": 1}),
  ({"held": 28, "minutes": 0, "seconds": 0x30}, {"case_closed": 1}),
  ({"minutes": 0, "seconds": 1}, {"time_out": 1}),
]


def private_eye_at_home(values):
  """What comes of it within a second and a half, while nothing is done."""
  ale, cells = replay.console("private_eye"), envs.decoder("private_eye").cells
  for cell, value in values.items():
    ale.setRAM(cells[cell], value)
  return list(replay.frames(ale, [_NOOP] * 90))


# Cells overwritten after something was brought back, when thugs come out.
EYE_THUGS = [
  ({}, {"spared": 640}),
  ({"score_high": 1}, {}),
  ({"score_high": 1, "held": 20, "hideout": 5}, {"thing_stolen": 1}),
  ({"score_high": 3, "held": 28, "hideout": 5}, {"culprit_freed": 1}),
  (
    {"score_high": 1, "held": 28, "hideout": 5},
    {"culprit_freed": 1, "spared": 14_640},
  ),
]


def private_eye_thug(values):
  """The frame in which one is met in the room behind that of the brick."""
  index, _ = accounts.frames_with("private_eye", "brick")[0]
  decoder = envs.decoder("private_eye")
  return next(
    frame
    for frame in accounts.poked("private_eye", index + 60, done=1, **values)
    if "thug" in decoder.decode(frame.before, frame.after)
  )


def _private_eye_rare():
  return [
    *(f for values, _ in EYE_AT_HOME for f in private_eye_at_home(values)),
    *(private_eye_thug(values) for values, _ in EYE_THUGS),
  ]


# Frames with events that are too rare for a recording.
RARE_FRAMES = {
  "frostbite": _frostbite_rare,
  "pitfall": _pitfall_rare,
  "pong": pong_time_out,
  "private_eye": _private_eye_rare,
  "space_invaders": invaders_land,
  "asterix": asterix_dies_for_good,
}


@functools.cache
def all_frames(game):
  """Recorded play, what a poke makes of it, and what is too rare for either."""
  frames = [*accounts.recorded(game), *RARE_FRAMES.get(game, list)()]
  for event, values, _ in POKES.get(game, ()):
    frames += after_a_poke(game, event, values)
  return frames
