"""Recorded play, decoded: what the tests of decoders are made of."""

import functools

import numpy as np
import replay

from behavior_transfer import envs


@functools.cache
def recorded(game):
  """The frames of the game's recording."""
  ale = replay.console(game)
  return list(replay.frames(ale, replay.recording(game)))


def native(decoder, events):
  """What the events are worth to the game."""
  return sum(n * decoder.native_value(event) for event, n in events.items())


def check(decoder, frame):
  """The events of a frame, which account for what it paid and a lost life."""
  events = decoder.decode(frame.before, frame.after)
  assert native(decoder, events) == frame.native_reward, events
  assert all(count > 0 for count in events.values()), events
  life_lost = frame.lives_after < frame.lives_before
  assert events.get("life_lost", 0) == life_lost
  return events


def frames_with(game, event):
  """Numbers and frames of the recording in which an event is."""
  decoder = envs.decoder(game)
  return [
    (index, frame)
    for index, frame in enumerate(recorded(game))
    if event in decoder.decode(frame.before, frame.after)
  ]


def decoded(game):
  """RAM before, RAM after and events of each recorded frame."""
  decoder = envs.decoder(game)
  for frame in recorded(game):
    events = decoder.decode(frame.before, frame.after)
    yield frame.before, frame.after, events


def poked(game, index, **values):
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


def bits(cells):
  """How many are set."""
  return int(np.unpackbits(np.atleast_1d(cells)).sum())
