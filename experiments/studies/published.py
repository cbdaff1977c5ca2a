"""Published scores, drawn beside ours."""

# Means of final scores, from NGU (arXiv 2002.06038): after 35 billion frames,
# where nothing here is to be measured but where the road leads.
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

# Mean returns of Dopamine's agents after so many frames, with sticky actions
# (github.com/google/dopamine, baselines/atari/data). DQN takes an update of 32
# each four steps.
_FRAMES = (1_000_000, 10_000_000, 50_000_000)
_DQN = {
  "pong": (-20.2, 1.1, 18.2),
  "breakout": (1.8, 52, 100),
  "ms_pacman": (480, 2_051, 2_524),
  "hero": (908, 3_089, 12_417),
  "space_invaders": (164, 690, 1_648),
  "montezuma_revenge": (0, 0, 0),
}
_RAINBOW = {
  "pong": (-20.5, 12.4, 19.7),
  "breakout": (1.7, 44, 50),
  "ms_pacman": (480, 2_227, 3_452),
  "hero": (1_403, 10_010, 33_995),
  "space_invaders": (180, 723, 1_905),
  "montezuma_revenge": (0, 0, 580),
}


def curves(game: str) -> dict[str, list[tuple[int, float]]]:
  """Points (frames, mean return) of others' agents, by name."""
  return {
    name: list(zip(_FRAMES, scores[game], strict=True))
    for name, scores in (("DQN", _DQN), ("Rainbow", _RAINBOW))
    if game in scores
  }
