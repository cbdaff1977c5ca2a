"""What the paper says, as comparisons that a study can put to the test."""

import dataclasses
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


def _compare_all(
  games: Sequence[str], better: str, worse: str, measure: str = "overall"
) -> tuple[Comparison, ...]:
  return tuple(Comparison(game, better, worse, measure) for game in games)


# Behavior Transfer (arXiv 2102.13515), sec. 5.
MINIATURE = (
  Claim(
    "Behavior Transfer beats ε-greedy and εz-greedy where exploration is hard",
    (
      *_compare_all(("maze_far", "maze_deceptive"), "bt_ngu", "r2d2"),
      *_compare_all(("maze_far", "maze_deceptive"), "bt_ngu", "r2d2_ez"),
    ),
  ),
  Claim(
    "Without either of its parts it is worse",
    (
      Comparison("maze_far", "bt_ngu", "bt_no_flights"),
      Comparison("maze_far", "bt_ngu", "bt_no_extra_action"),
    ),
  ),
  Claim(
    "Partial initialisation is quicker early on",
    _compare_all(("maze_far", "maze_dense"), "partial", "r2d2", "early"),
  ),
  Claim(
    "Partial initialisation combines with Behavior Transfer",
    (
      Comparison("maze_far", "bt_partial", "partial"),
      Comparison("maze_far", "bt_partial", "bt_ngu", "early"),
    ),
  ),
  Claim(
    "Full initialisation suffers where the pre-training is misaligned",
    (Comparison("maze_deceptive", "partial", "full"),),
  ),
  Claim(
    "One pre-trained policy serves several tasks",
    _compare_all(
      ("maze_far", "maze_deceptive", "maze_dense"), "bt_ngu", "r2d2"
    ),
  ),
  Claim(
    "The use of the extra action rises, then falls",
    (
      Comparison("maze_far", "bt_ngu", None, "extra_action_rise"),
      Comparison("maze_far", "bt_ngu", None, "extra_action_fall"),
    ),
  ),
)
_HERO = ("hero_easy", "hero_hard")
HERO = (
  Claim(
    "Behavior Transfer learns the re-defined tasks better than R2D2",
    (
      *_compare_all(_HERO, "bt_hero", "r2d2"),
      *_compare_all(_HERO, "bt_hero", "r2d2_ez"),
    ),
  ),
  Claim(
    "Without either of its parts it is worse",
    (
      *_compare_all(_HERO, "bt_hero", "bt_hero_no_flights"),
      *_compare_all(_HERO, "bt_hero", "bt_hero_no_extra"),
    ),
  ),
  Claim(
    "The use of the extra action rises, then falls",
    tuple(
      Comparison(game, "bt_hero", None, measure)
      for game in _HERO
      for measure in ("extra_action_rise", "extra_action_fall")
    ),
  ),
)
