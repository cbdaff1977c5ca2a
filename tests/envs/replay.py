"""Plain play on the emulator, without the package's environment."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import ale_py
import numpy as np

from behavior_transfer.envs import console as consoles
from behavior_transfer.envs import recordings

console = consoles.switch_on


class Frame(NamedTuple):
  """One emulator frame: RAM and lives on both sides, and what was paid."""

  before: np.ndarray  # uint8 (128,)
  after: np.ndarray  # uint8 (128,)
  native_reward: int
  lives_before: int
  lives_after: int


def recording(game: str) -> np.ndarray:
  """Recorded actions, uint8, one per emulator frame, from a fresh console."""
  path = recordings.bundled(game)
  assert path is not None
  return recordings.load(path, game)


def frames(ale: ale_py.ALEInterface, actions: Iterable[int]) -> Iterator[Frame]:
  """Takes one action per emulator frame, until the game is over."""
  after, lives_after = ale.getRAM(), ale.lives()
  for action in actions:
    if ale.game_over():
      return
    before, lives_before = after, lives_after
    native_reward = ale.act(int(action))
    after, lives_after = ale.getRAM(), ale.lives()
    yield Frame(before, after, native_reward, lives_before, lives_after)
