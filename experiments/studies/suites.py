"""Sets of games that the paper reports on."""

from . import atari57

# Behavior Transfer (arXiv 2102.13515), sec. 5.
ATARI_57 = tuple(sorted(atari57.SCORES))
HARD_EXPLORATION = (
  "gravitar",
  "montezuma_revenge",
  "pitfall",
  "private_eye",
  "solaris",
  "venture",
)
# The 12 games of the ablation, ibid., footnote 2.
ABLATION = (
  "asterix",
  "bank_heist",
  "frostbite",
  "gravitar",
  "jamesbond",
  "montezuma_revenge",
  "ms_pacman",
  "pong",
  "private_eye",
  "space_invaders",
  "tennis",
  "up_n_down",
)
# Ibid., figure 5: the standard task beside the two re-defined ones.
MODDED = (
  "hero",
  "hero_easy",
  "hero_hard",
  "ms_pacman",
  "ms_pacman_easy",
  "ms_pacman_hard",
)
MAZE = ("maze_far", "maze_deceptive", "maze_dense")
