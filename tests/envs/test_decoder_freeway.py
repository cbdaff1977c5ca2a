"""Freeway: the rules that its decoder follows, one by one."""

import accounts
import numpy as np
import pytest

from behavior_transfer import envs


@pytest.mark.parametrize(
  ("score", "events"), [(0x09, {"crossing": 1}), (0x99, {})]
)
def test_freeway_score_is_decimal_and_ale_pays_nothing_past_99(score, events):
  index, _ = accounts.frames_with("freeway", "crossing")[0]
  frame = next(accounts.poked("freeway", index, score=score))
  assert accounts.check(envs.decoder("freeway"), frame) == events


def test_freeway_hits_push_the_chicken_back():
  """Unless it is hit again, for 24 frames; it walks on when no longer stunned.

  That is until the countdown, which has begun by then, is at 0x4f and 0x40.
  """
  y, state = 14, envs.decoder("freeway").cells["state"]
  recorded = accounts.recorded("freeway")
  for index, frame in accounts.frames_with("freeway", "hit"):
    assert frame.before[state] in range(0x50)
    assert frame.after[state] in (0x5B, 0x5C)
    pushed = [int(later.after[y]) for later in recorded[index : index + 23]]
    assert np.all(np.diff(pushed) == -1) or min(pushed) == 6
