"""The 57 Atari games and their reference scores.

Random and human scores as in DQN Zoo's `atari_data.py`
(github.com/google-deepmind/dqn_zoo, commit 45061f4): no-op starts, the human
column being a games tester's (Mnih et al., 2015; Wang et al., 2016). DQN Zoo
warns that the random score of video_pinball is high.
"""

import csv
import pathlib
from typing import NamedTuple


class Reference(NamedTuple):
  """Mean episode returns by which others are normalised."""

  random: float
  human: float


with pathlib.Path(__file__).with_suffix(".csv").open() as _file:
  SCORES = {
    row["game"]: Reference(float(row["random"]), float(row["human"]))
    for row in csv.DictReader(_file)
  }


def human_normalised(game: str, score: float) -> float:
  """0 for a random policy, 1 for a person.

  Raises:
    KeyError: the game is none of the 57, or its reward is another.
  """
  random, human = SCORES[game]
  return (score - random) / (human - random)
