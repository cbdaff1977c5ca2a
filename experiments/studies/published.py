"""Published scores, drawn beside ours as lines.

From NGU (arXiv 2002.06038): means of final scores after 35 billion frames, at
which nothing here is to be measured but where the road leads.
"""

_R2D2, _NGU = "R2D2 (Retrace), 35B frames", "NGU(32), 35B frames"
_UNSUPERVISED = "NGU without rewards, 35B frames"

# By what is drawn: returns of learners, or scores of those without a reward.
SCORES: dict[str, dict[str, dict[str, float]]] = {
  "episode_return": {
    "hero": {_R2D2: 54_500, _NGU: 69_400},
    "ms_pacman": {_R2D2: 40_300, _NGU: 40_800},
  },
  "native_return": {
    "pong": {_UNSUPERVISED: -8.4},
    "qbert": {_UNSUPERVISED: 28_100},
    "breakout": {_UNSUPERVISED: 383},
    "space_invaders": {_UNSUPERVISED: 5_500},
    "beam_rider": {_UNSUPERVISED: 6_400},
    "montezuma_revenge": {_UNSUPERVISED: 3_400},
    "pitfall": {_UNSUPERVISED: 600},
    "private_eye": {_UNSUPERVISED: 7_500},
  },
}
