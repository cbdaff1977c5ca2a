"""Private Eye: what only overwritten cells bring about, and where hits show."""

import collections

import accounts
import numpy as np
import pytest
import scenes

from behavior_transfer import envs

GAME = "private_eye"
HITS = ("brick", "flower_pot", "rat", "bird", "thug")


@pytest.mark.parametrize(("values", "expected"), scenes.EYE_AT_HOME)
def test_private_eye_pays_for_what_is_brought_back(values, expected):
  frames = scenes.private_eye_at_home(values)
  assert _total(frames) == expected


@pytest.mark.parametrize(("values", "expected"), scenes.EYE_THUGS)
def test_private_eye_loses_to_thugs(values, expected):
  frame = scenes.private_eye_thug(values)
  assert accounts.check(envs.decoder(GAME), frame) == {"thug": 1, **expected}


def test_private_eye_case_ends_the_game():
  *_, last = scenes.private_eye_at_home({"held": 28})
  assert last.after[envs.decoder(GAME).cells["over"]] == 255


def test_private_eye_things_leave_their_traces_in_ram():
  """Cells that are not read confirm each event."""
  cells = envs.decoder(GAME).cells
  kinds = slice(cells["kind_0"], cells["kind_0"] + 3)
  for before, after, events in accounts.decoded(GAME):
    hits = sum(events.get(event, 0) for event in HITS)
    assert (after[cells["stunned"]] == 160) == (hits > 0)
    spared = events.get("spared", 0)
    score = after[cells["score_high"] : cells["score_low"] + 1]
    assert not spared or not score.any()
    if "pothole" in events:
      assert 10 in before[kinds]
    same_room = before[cells["room"]] == after[cells["room"]]
    if same_room and ("suspect" in events or "clue_found" in events):
      gone = (before[kinds] >= 30) & (after[kinds] == 0)
      assert gone.sum() == 1


def test_private_eye_suspect_of_another_room_is_not_caught():
  """Nor is who waited there what the car met; no play has such a frame."""
  decoder = envs.decoder(GAME)
  cells = decoder.cells
  before, after = np.zeros((2, 128), np.uint8)
  before[cells["kind_0"] : cells["kind_0"] + 2] = 30, 14
  before[cells["score_mid"]] = 3
  after[cells["stunned"]] = 160
  stayed = decoder.decode(before, after)
  assert stayed == {"suspect": 1, "bird": 1}
  after[cells["room"]] = 1
  assert decoder.decode(before, after) == {"rat": 1}


def _total(frames):
  total, decoder = collections.Counter(), envs.decoder(GAME)
  for frame in frames:
    total.update(accounts.check(decoder, frame))
  return total
