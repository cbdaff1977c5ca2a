"""Pong (Atari's Video Olympics of 1977, as game 1 alone).

Found by disassembling the ROM, and checked on play. The score moves in these
places only, never two of them in one frame:

  the ball gets past a paddle     the other side scores a point
  the clock runs out              after 65,280 frames, if nobody has 21 points
                                  by then, the game stops, and the number of
                                  the game takes the place of the opponent's
                                  score: ALE pays the difference

A paddle that stays in touch with the ball hits it more than once, in the next
frame or some frames later; the ball turns at the first of these hits only.
"""

import operator
import types

from . import base

ROM_MD5 = "60e0ea3cbe0913d39803477945e9e5ec"
# Every address comes from the disassembly; the scores are also ALE's.
CELLS = {
  "opponent_score": 13,
  "player_score": 14,
  "playing": 16,  # 255 in play, 0 once the clock has run out
  "hits": 17,  # of the ball, by either paddle; 0 when it is served
  "ball_dx": 58,  # pixels a frame to the left, signed; never 0 in play
}
at = types.SimpleNamespace(**CELLS)
# Scores and hits lie side by side.

EVENTS = {
  "point_won": base.Event(1, "The ball got past the opponent."),
  "point_lost": base.Event(-1, "The ball got past the player."),
  "game_number": base.Event(-1, "A point of the number shown at time-out."),
  "point_struck": base.Event(1, "A point of the opponent's that it replaces."),
  "hit": base.Event(0, "The player turned the ball."),
  "opponent_hit": base.Event(0, "The opponent turned the ball."),
}


@base.where_changed(operator.itemgetter(slice(at.opponent_score, at.hits + 1)))
def decode(before: bytes, after: bytes) -> dict[str, int]:
  counts = {"point_won": after[at.player_score] - before[at.player_score]}
  theirs = before[at.opponent_score], after[at.opponent_score]
  if before[at.playing] and not after[at.playing]:
    counts["point_struck"], counts["game_number"] = theirs
  else:
    counts["point_lost"] = theirs[1] - theirs[0]
  if after[at.hits] == (before[at.hits] + 1) % 256:
    was_left, is_left = _flies_left(before), _flies_left(after)
    counts["hit"] = is_left and not was_left
    counts["opponent_hit"] = was_left and not is_left
  return counts


def _flies_left(ram: bytes) -> bool:
  return ram[at.ball_dx] < 128


_LAST = frozenset(("game_number",))
DECODER = base.Decoder(
  "pong", ROM_MD5, CELLS, EVENTS, decode, last_events=_LAST
)
