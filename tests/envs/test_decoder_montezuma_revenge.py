"""Montezuma's Revenge: what the end of a level pays."""

import collections

import accounts
import pytest
import replay

from behavior_transfer import envs

_NOOP, _LEFT = 0, 4


@pytest.mark.parametrize("level", range(3))
def test_montezuma_pays_for_the_end_of_a_level_but_the_third(level):
  """The room beside the treasure is poked, and left as by the left door."""
  game = "montezuma_revenge"
  decoder, total = envs.decoder(game), collections.Counter()
  cells = decoder.cells
  ale, ((door, _),) = replay.console(game), accounts.frames_with(game, "door")
  for action in replay.recording(game)[:door]:
    ale.act(int(action))
  for cell, value in {"room": 16, "x": 8, "level": level}.items():
    ale.setRAM(cells[cell], value)
  ale.act(_LEFT)
  for frame in replay.frames(ale, [_LEFT] * 240 + [_NOOP] * 700):
    total.update(accounts.check(decoder, frame))
  assert total == ({"level_up": 1, "extra_life": 1} if level < 2 else {})
  assert ale.getRAM()[cells["room"]] == 1
