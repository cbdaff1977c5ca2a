"""Ms. Pac-Man: the rules that its decoder follows, one by one."""

import accounts
import numpy as np
import pytest

from behavior_transfer import envs

# Points, by the kind.
FRUITS = [100, 200, 500, 700, 1000, 2000, 5000]
PILLS = np.uint8(0b111100)  # their bits within the cell


def test_ms_pacman_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  cells = envs.decoder("ms_pacman").cells
  ghosts = slice(cells["ghost_0"], cells["ghost_3"] + 1)
  dot_map = slice(cells["dot_map"], cells["dot_map"] + 42)
  for before, after, events in accounts.decoded("ms_pacman"):
    dots, pills = events.get("dot", 0), events.get("energy_pill", 0)
    eaten = int(after[cells["dots"]]) - int(before[cells["dots"]])
    assert max(eaten, 0) == dots + pills
    if dots:
      assert accounts.bits(before[dot_map]) - accounts.bits(after[dot_map]) == 1
    if pills:
      was, now = (ram[cells["pill_map"]] & PILLS for ram in (before, after))
      assert accounts.bits(was) - accounts.bits(now) == 1
    edible, eyes = before[ghosts] >= 0x80, after[ghosts] >> 4 == 4
    eaten = sum(events.get(f"ghost_{n}", 0) for n in (200, 400, 800, 1600))
    assert eaten == (edible & eyes).sum()
    if "fruit" in events:
      assert before[cells["fruit_x"]] > 0 == after[cells["fruit_x"]]
      assert events["fruit"] == FRUITS[before[cells["lives"]] >> 4]


@pytest.mark.parametrize("kind", range(7))
def test_ms_pacman_fruit_of_every_kind(kind):
  index, frame = accounts.frames_with("ms_pacman", "fruit")[0]
  decoder = envs.decoder("ms_pacman")
  lives = int(frame.before[decoder.cells["lives"]]) & 15
  frame = next(accounts.poked("ms_pacman", index, lives=kind << 4 | lives))
  assert accounts.check(decoder, frame)["fruit"] == FRUITS[kind]


@pytest.mark.parametrize("low", [0x90, 0x91])
def test_ms_pacman_score_rolls_over(low):
  index, _ = accounts.frames_with("ms_pacman", "dot")[0]
  score = {"score_high": 0x99, "score_mid": 0x99, "score_low": low}
  frame = next(accounts.poked("ms_pacman", index, **score))
  events = accounts.check(envs.decoder("ms_pacman"), frame)
  assert events == {"dot": 1, "score_rollover": 1}


def test_ms_pacman_extra_life_pays_a_point():
  index, _ = accounts.frames_with("ms_pacman", "dot")[0]
  score = {"score_high": 0x00, "score_mid": 0x99, "score_low": 0x90}
  frame = next(accounts.poked("ms_pacman", index, **score))
  events = accounts.check(envs.decoder("ms_pacman"), frame)
  assert events == {"dot": 1, "extra_life": 1}
  assert frame.lives_after == frame.lives_before + 1
