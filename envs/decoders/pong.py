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

from . import base

# Every address comes from the disassembly; the scores are also ALE's.
CELLS = {
  "opponent_score": 13,
  "player_score": 14,
  "playing": 16,  # 255 in play, 0 once the clock has run out
  "hits": 17,  # of the ball, by either paddle; 0 when it is served
  "ball_dx": 58,  # pixels a frame to the left, signed; never 0 in play
}
_OPPONENT = CELLS["opponent_score"]
_PLAYER = CELLS["player_score"]
_PLAYING = CELLS["playing"]
_HITS = CELLS["hits"]
_BALL_DX = CELLS["ball_dx"]
# Scores and hits lie side by side.
_BUSY = slice(_OPPONENT, _HITS + 1)

EVENTS = {
  "point_won": base.Event(1, "The ball got past the opponent."),
  "point_lost": base.Event(-1, "The ball got past the player."),
  "game_number": base.Event(-1, "A point of the number shown at time-out."),
  "point_struck": base.Event(1, "A point of the opponent's that it replaces."),
  "hit": base.Event(0, "The player turned the ball."),
  "opponent_hit": base.Event(0, "The opponent turned the ball."),
}


def decode(before: bytes, after: bytes) -> dict[str, int]:
  """{event: count} of one emulator frame; see `base.Decoder.decode`."""
  before, after = bytes(before), bytes(after)
  # In most frames nothing has happened.
  if before[_BUSY] == after[_BUSY]:
    return {}
  counts = {"point_won": after[_PLAYER] - before[_PLAYER]}
  if before[_PLAYING] and not after[_PLAYING]:
    counts["game_number"] = after[_OPPONENT]
    counts["point_struck"] = before[_OPPONENT]
  else:
    counts["point_lost"] = after[_OPPONENT] - before[_OPPONENT]
  if after[_HITS] == (before[_HITS] + 1) % 256:
    was_left, is_left = _flies_left(before), _flies_left(after)
    counts["hit"] = int(is_left and not was_left)
    counts["opponent_hit"] = int(was_left and not is_left)
  return {event: count for event, count in counts.items() if count}


def _flies_left(ram: bytes) -> bool:
  return ram[_BALL_DX] < 128


DECODER = base.Decoder(
  game="pong",
  rom_md5="60e0ea3cbe0913d39803477945e9e5ec",
  cells=CELLS,
  events=EVENTS,
  decode=decode,
  last_events=frozenset(("game_number",)),
)
