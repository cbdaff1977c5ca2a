"""Scenes of games that no search finds, set by overwriting cells.

Each is a function to the frames that follow.
"""

import itertools

import accounts
import replay

from behavior_transfer import envs

_NOOP, _RIGHT, _DOWN = 0, 3, 5

# Of the score's digits, so that the next points make it roll over.
MILLION = {"score_high": 0x99, "score_mid": 0x99}


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


def frostbite_rare():
  return [*frostbite_fish(), *frostbite_tick_and_floe()]


def venture_treasure(room):
  """In another room, called this one, the hero is put upon its treasure."""
  ale, cells = replay.console("venture"), envs.decoder("venture").cells
  _, (entered, _), *_ = accounts.frames_with("venture", "room_entered")
  for action in replay.recording("venture")[: entered + 80]:
    ale.act(int(action))
  thing = 3 if room == 3 else 2 if room < 5 else 1
  x, y = (int(ale.getRAM()[cells[axis] + thing]) for axis in "xy")
  drawn_from = 0x4F - y
  for cell, value in (
    *((cells["x"], x), (cells["y"], y), (0, drawn_from)),
    (cells["room"], room),
  ):
    ale.setRAM(cell, value)
  yield from replay.frames(ale, [_NOOP] * 10)


def venture_dungeon_ends():
  """The treasure in hand is told to be the last."""
  index, frame = accounts.frames_with("venture", "room_cleared")[0]
  room = frame.before[envs.decoder("venture").cells["room"]]
  kept = 0b1111 & ~(1 << room % 4)
  frames = accounts.poked("venture", index - 8, kept=kept)
  yield from itertools.islice(frames, 600)


def _gravitar(event, later, **values):
  """A console some frames after the event, with cells overwritten."""
  ale, cells = replay.console("gravitar"), envs.decoder("gravitar").cells
  index, _ = accounts.frames_with("gravitar", event)[0]
  for action in replay.recording("gravitar")[: index + later]:
    ale.act(int(action))
  for cell, value in values.items():
    ale.setRAM(cells[cell], value)
  return ale


def gravitar_planet_is_left(last):
  """At the top, with nothing left on it."""
  ale, cells = (
    _gravitar("planet_entered", 8, y=7),
    envs.decoder("gravitar").cells,
  )
  nothing = 0x8C
  for thing in range(cells["thing_0"], cells["thing_6"] + 1):
    ale.setRAM(thing, nothing)
  if last:
    ale.setRAM(
      cells["planets_left"], 1 << int(ale.getRAM()[cells["planet"]] & 3)
    )
  yield from replay.frames(ale, [_NOOP] * 2)


def gravitar_last_thing_is_fuel():
  """The two below the planet are pulled up; a beam seeks them from the left."""
  cells = envs.decoder("gravitar").cells
  ale = _gravitar("planet_entered", 8, thing_6=0x38, fuel_high=9)
  top, bottom, column = 80, 88, 73
  for thing, y in ((5, 133), (6, 145)):
    for cell, value in ((top, y), (bottom, y + 8), (column, 0x15)):
      ale.setRAM(cell + thing, value)
  for x in range(4, 152, 2):
    ale.setRAM(cells["x"], x)
    ale.setRAM(cells["y"], 137)
    for frame in replay.frames(ale, [_DOWN] * 8):
      yield frame
      if frame.after[cells["thing_6"]] == 0x46:
        return


def gravitar_reactor_is_left(hit):
  """Where it is hit, by two shots that are put on it."""
  ale, cells = _gravitar("reactor_entered", 8), envs.decoder("gravitar").cells
  if hit:
    heading, left, y, x = 96, 100, 104, 108
    for cell, value in ((heading, 0), (left, 31), (y, 86), (x, 93)):
      for shot in range(2):
        ale.setRAM(cell + shot, value)
  yield from replay.frames(ale, [_NOOP] * 4)
  ale.setRAM(cells["y"], 5)
  yield from replay.frames(ale, [_NOOP] * 2)


def gravitar_runs_out_of_fuel():
  ale = _gravitar("bunker", 8, fuel_high=0, fuel_low=0)
  yield from replay.frames(ale, [_NOOP])


def gravitar_dies_for_good(fuel_high, fuel_low):
  """The ship falls, on its last life."""
  ale = _gravitar("bunker", 8, lives=0, fuel_high=fuel_high, fuel_low=fuel_low)
  ale.act(_NOOP)
  yield from replay.frames(ale, [_NOOP] * 2_000)


def gravitar_rare():
  return [
    *gravitar_last_thing_is_fuel(),
    *gravitar_planet_is_left(last=False),
    *gravitar_planet_is_left(last=True),
    *gravitar_reactor_is_left(hit=False),
    *gravitar_reactor_is_left(hit=True),
    *gravitar_runs_out_of_fuel(),
    *gravitar_dies_for_good(fuel_high=1, fuel_low=0),
    *gravitar_dies_for_good(fuel_high=0, fuel_low=0x90),
  ]


# Cells overwritten beside a gold bar.
TREASURES = [
  ({}, {"gold": 1}),
  ({"object": 4}, {"money_bag": 1}),
  ({"object": 5}, {"silver": 1}),
  ({"object": 7}, {"ring": 1}),
  ({"treasures": 0}, {"gold": 1, "all_found": 1}),
  (MILLION, {"gold": 1, "score_rollover": 1}),
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


def pitfall_rare():
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


def private_eye_rare():
  return [
    *(f for values, _ in EYE_AT_HOME for f in private_eye_at_home(values)),
    *(private_eye_thug(values) for values, _ in EYE_THUGS),
  ]
