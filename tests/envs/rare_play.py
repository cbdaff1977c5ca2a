"""Events too rare for a recording, brought about by overwritten cells.

Thus the ROM itself pays for what a search hardly finds.
"""

import functools
import itertools

import accounts
import scenes

from behavior_transfer import envs

# Cells overwritten shortly before an event of recorded play, and what comes
# instead.
_SWORD = 1 << 5
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
      {**scenes.MILLION, "score_low": 0x90},
      {"floe": 1, "floe_points": 10, "extra_life": 1, "score_rollover": 1},
    ),
  ],
  "gravitar": [
    ("saucer", {"score_mid": 0x99}, {"saucer": 1, "extra_life": 1}),
    (
      "bunker",
      {**scenes.MILLION, "score_low": 0x80},
      {"bunker": 1, "extra_life": 1, "score_rollover": 1},
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
    ("key", scenes.MILLION, {"key": 1, "extra_life": 1, "score_rollover": 1}),
    ("life_lost", {"lives": 0}, {"life_lost": 1}),
  ],
  "venture": [
    ("life_lost", {"lives": 0}, {"life_lost": 1}),
    (
      "monster_points",
      {"value": 9, "score_high": 0x99, "score_low": 0x92},
      {"monster": 1, "monster_points": 900, "score_rollover": 1},
    ),
  ],
  "ms_pacman": [("life_lost", {"lives": 0}, {"life_lost": 1})],
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


# Frames with events that are too rare for a recording.
RARE_FRAMES = {
  "frostbite": scenes.frostbite_rare,
  "gravitar": scenes.gravitar_rare,
  "pitfall": scenes.pitfall_rare,
  "pong": scenes.pong_time_out,
  "private_eye": scenes.private_eye_rare,
  "space_invaders": scenes.invaders_land,
  "asterix": scenes.asterix_dies_for_good,
  "venture": scenes.venture_dungeon_ends,
}


@functools.cache
def all_frames(game):
  """Recorded play, what a poke makes of it, and what is too rare for either."""
  frames = [*accounts.recorded(game), *RARE_FRAMES.get(game, list)()]
  for event, values, _ in POKES.get(game, ()):
    frames += after_a_poke(game, event, values)
  return frames
