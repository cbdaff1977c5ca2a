"""Pong: what its decoder says of a game that the clock ends."""

import accounts
import scenes

from behavior_transfer import envs


def test_pong_ends_by_its_clock():
  """The opponent's five points give way to the number of the game."""
  (frame,) = scenes.pong_time_out()
  events = accounts.check(envs.decoder("pong"), frame)
  assert events == {"game_number": 1, "point_struck": 5}
  assert frame.native_reward == 4
