"""What the paper says, as comparisons that a study can put to the test."""

import dataclasses
import itertools
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Comparison:
  """One arm's measure less another's on a game, said to be above 0.

  Attributes:
    game: That both play.
    better: Name of an arm.
    worse: Name of another; None where the measure itself is the difference.
    measure: Name of one of `results.MEASURES`.
  """

  game: str
  better: str
  worse: str | None
  measure: str = "overall"


@dataclasses.dataclass(frozen=True)
class Claim:
  """A statement, which holds where each of its comparisons does."""

  text: str
  comparisons: tuple[Comparison, ...]


def _all(
  games: Sequence[str], better: str, *worse: str | None, by: str = "overall"
) -> tuple[Comparison, ...]:
  """One arm with each of some others, on each of some games."""
  pairs = itertools.product(worse, games)
  return tuple(Comparison(game, better, other, by) for other, game in pairs)


def _rise_and_fall(games: Sequence[str], arm: str) -> Claim:
  text = "The use of the extra action rises, then falls"
  measures = ("extra_action_rise", "extra_action_fall")
  pairs = itertools.product(games, measures)
  return Claim(text, tuple(Comparison(g, arm, None, m) for g, m in pairs))


_FAR, _HARD = ("maze_far",), ("maze_far", "maze_deceptive")
# Behavior Transfer (arXiv 2102.13515), sec. 5.
MINIATURE = (
  Claim(
    "Behavior Transfer beats ε-greedy and εz-greedy where exploration is hard",
    _all(_HARD, "bt_ngu", "r2d2", "r2d2_ez"),
  ),
  Claim(
    "Without either of its parts it is worse",
    _all(_FAR, "bt_ngu", "bt_no_flights", "bt_no_extra_action"),
  ),
  Claim(
    "Partial initialisation is quicker early on",
    _all(("maze_far", "maze_dense"), "partial", "r2d2", by="early"),
  ),
  Claim(
    "Partial initialisation combines with Behavior Transfer",
    (
      *_all(_FAR, "bt_partial", "partial"),
      *_all(_FAR, "bt_partial", "bt_ngu", by="early"),
    ),
  ),
  Claim(
    "Full initialisation suffers where the pre-training is misaligned",
    _all(("maze_deceptive",), "partial", "full"),
  ),
  Claim(
    "One pre-trained policy serves several tasks",
    _all((*_HARD, "maze_dense"), "bt_ngu", "r2d2"),
  ),
  _rise_and_fall(_FAR, "bt_ngu"),
)
_HERO = ("hero_easy", "hero_hard")
HERO = (
  Claim(
    "Behavior Transfer learns the re-defined tasks better than R2D2",
    _all(_HERO, "bt_hero", "r2d2", "r2d2_ez"),
  ),
  Claim(
    "Without either of its parts it is worse",
    _all(_HERO, "bt_hero", "bt_hero_no_flights", "bt_hero_no_extra"),
  ),
  _rise_and_fall(_HERO, "bt_hero"),
)
