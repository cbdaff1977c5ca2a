"""Actions that stick (Machado et al., 2018)."""

from typing import Any

import numpy as np


class StickyActions:
  """Takes, now and then, the previous action instead of the one asked for.

  ALE can do so, too, but saves no previous action with its state.
  """

  def __init__(self, probability: float, seed: int | np.random.SeedSequence):
    """The previous action is 0, which does nothing.

    Args:
      probability: Of taking the previous action again.
      seed: From which all choices follow.
    """
    self._probability = probability
    self._rng = np.random.default_rng(seed)
    self._previous = 0

  def __call__(self, action: int) -> int:
    """The action that is taken."""
    if not self._probability or self._rng.random() >= self._probability:
      self._previous = action
    return self._previous

  def forget(self):
    """Makes the previous action 0 again, as in a new game."""
    self._previous = 0

  def save(self) -> dict[str, Any]:
    """What choices to come depend on, as JSON values."""
    return {"rng": self._rng.bit_generator.state, "previous": self._previous}

  def restore(self, saved: dict[str, Any]):
    """Goes on from where `save` was called."""
    self._rng.bit_generator.state = saved["rng"]
    self._previous = saved["previous"]
