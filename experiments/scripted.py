"""A policy written by hand, to transfer from or to compare with.

It is a function for `--pretrained`: (observation, previous action, state, rng)
-> (action, state). Action numbers are ALE's, the same in every game.
"""

from typing import NamedTuple

import numpy as np

_DOWN, _RIGHT_FIRE, _LEFT_FIRE = 5, 11, 12


class Walk(NamedTuple):
  """An action under way, and the steps that it will still be held."""

  action: int
  remaining: int


def hero(
  observation: np.ndarray,
  previous_action: int,
  state: Walk | None,
  rng: np.random.Generator,
) -> tuple[int, Walk]:
  """Walks left and right through Hero's shafts, shooting.

  It lets gravity take it down and now and then holds the joystick down, which
  lays dynamite where it stands. It sees nothing: what it has over a random
  policy is that it keeps at what it does.
  """
  del observation, previous_action
  if state is None or state.remaining == 0:
    action = rng.choice((_LEFT_FIRE, _RIGHT_FIRE, _DOWN), p=(0.45, 0.45, 0.1))
    state = Walk(int(action), int(rng.integers(5, 30)))
  return state.action, state._replace(remaining=state.remaining - 1)
