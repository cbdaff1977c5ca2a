"""Hero: the rules that its decoder follows, one by one."""

import collections

import accounts
import numpy as np
import pytest

from behavior_transfer import envs

# Points for a unit of power left, by the level.
POWER_TICKS = [20, 40, 60, 80, 90, 100, 120, 160, 200, 240]
POWER_TICKS += [280, 320, 360, 400, 420, 440, 500, 540, 600, 1000]


def test_hero_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  cells = envs.decoder("hero").cells
  dying = [cells["dying_0"], cells["dying_1"]]
  for before, after, events in accounts.decoded("hero"):
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
  index, _ = accounts.frames_with("hero", "creature")[0]
  decoder, total = envs.decoder("hero"), collections.Counter()
  score = {"score_high": 0x99, "score_mid": 0x99, "score_low": 0x70}
  for frame in accounts.poked("hero", index, **score):
    total.update(accounts.check(decoder, frame))
  assert total["score_overflow"] == 1_222_221 - 999_970
  assert "creature" not in total


@pytest.mark.parametrize("level", [0, 4, 13, 18, 19])
def test_hero_power_bonus_is_no_miner_on_any_level(level):
  """On the twentieth level a tick pays as much as a miner."""
  index, _ = accounts.frames_with("hero", "power_bonus")[5]
  decoder, ticks = envs.decoder("hero"), set()
  for frame in accounts.poked("hero", index, level=level):
    events = accounts.check(decoder, frame)
    assert "miner" not in events
    if "level_up" in events:
      break
    ticks.add(events.get("power_bonus", 0))
  assert "level_up" in events
  assert ticks == {0, POWER_TICKS[level]}
