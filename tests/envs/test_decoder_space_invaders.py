"""Space Invaders: the rules that its decoder follows, one by one."""

import accounts
import numpy as np
import scenes

from behavior_transfer import envs


def test_space_invaders_land():
  (frame,) = scenes.invaders_land()
  events = accounts.check(envs.decoder("space_invaders"), frame)
  assert events == {"invaders_landed": 1, "life_lost": 1}
  assert frame.lives_before == 3


def test_space_invaders_events_leave_their_traces_in_ram():
  """Cells other than the score confirm each event that an amount told."""
  rows = slice(18, 24)  # six invaders each, a bit for one that is left
  saucer_x, none = 30, 180
  explosion, of_saucer = 72, 0x39
  for before, after, events in accounts.decoded("space_invaders"):
    if "saucer" in events:
      assert before[saucer_x] != none
      assert before[explosion] & of_saucer != of_saucer
      assert after[explosion] & of_saucer == of_saucer
    was, now = (
      [accounts.bits(row) for row in ram[rows]] if ram[17] else [0] * 6
      for ram in (before, after)
    )
    if sum(was):
      shot = [events.get(f"invader_{n}", 0) for n in range(5, 35, 5)]
      assert np.all(np.subtract(was, now) == shot)


def test_space_invaders_score_rolls_over():
  index, frame = accounts.frames_with("space_invaders", "invader_10")[0]
  score = {"score_high": 0x99, "score_low": 0x95}
  frame = next(accounts.poked("space_invaders", index, **score))
  events = accounts.check(envs.decoder("space_invaders"), frame)
  assert events == {"invader_10": 1}
  assert frame.native_reward == 10
