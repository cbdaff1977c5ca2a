"""A maze of nine rooms, small enough to be learned on two CPU cores.

It has what the paper asks of a game. The goal lies behind four doors, further
than chance gets in an episode; on each of these lies a trap, and there is no
way around. Coins lie about, the first of them near the start. Which of the
three pays is the variant's affair; no picture differs between variants.

The goal pays 10, a coin 1, a trap -1: the value rescaling of the agents is next
to linear below 1, and squeezes hundreds together. Variants may price them anew.
Whoever goes straight to the goal is well paid for four traps; whoever strays
over them is not.
"""

import collections
from collections.abc import Callable, Mapping

import dm_env
import numpy as np
from dm_env import specs

from . import arguments, states
from .decoders import base
from .game import MOST_STACKED, GameEnvironment, time_step
from .sticky import StickyActions

GAME = "maze"

# S start, G goal, o coin, ^ trap, # wall. All around is wall, too.
LAYOUT = (
  ".....#.....#.....",
  ".###.#.###.^.....",
  ".#o..#...#.#..o..",
  ".###.#.#.#.#.....",
  ".....#.#o..#.....",
  "##.#####^#####^##",
  ".....#.....#.....",
  "...o.#.o...#.#.#.",
  ".......S.o.#..o..",
  ".#.#.#.....#.#.#.",
  ".....#.o...#.....",
  "##.#########^####",
  "..o..#.....#.....",
  ".###.#.###.#.###.",
  ".#o....#.#.#.#G#.",
  ".#.#.#.#.#.#.#.#.",
  ".....#..o..#.....",
)

EVENTS = {
  "goal": base.Event(10, "The goal was reached, which ends the episode."),
  "coin": base.Event(
    1, "A coin was picked up; it is back in the next episode."
  ),
  "trap": base.Event(-1, "A trap was stepped on; it stays where it is."),
}

Square = tuple[int, int]  # row from the top, column from the left

_MAX_STEPS = 400
_ROOM = 6  # squares, both sides of a room with one wall
_EVENT_OF = {"G": "goal", "o": "coin", "^": "trap"}
_MOVES = {
  "NOOP": (0, 0),
  "UP": (-1, 0),
  "DOWN": (1, 0),
  "LEFT": (0, -1),
  "RIGHT": (0, 1),
}
_PLAYER = "@"
# For agents the player stands out, in brightness and in size: embeddings that
# are to tell where it is are learned in half the steps.
_GRAYS = {
  "#": (30,),
  ".": (0,),
  "S": (0,),
  "^": (60,),
  "o": (90,),
  "G": (120,),
  _PLAYER: (255,),
}
_COLOURS = {
  "#": (70, 78, 100),
  ".": (18, 20, 28),
  "S": (18, 20, 28),
  "^": (205, 62, 52),
  "o": (232, 190, 66),
  "G": (72, 184, 92),
  _PLAYER: (240, 240, 240),
}
# Sides of a square, in what agents see and in what people see.
_PIXELS = 2
_PIXELS_IN_COLOUR = 8

_CONTENT: dict[Square, str] = {
  (row, column): content
  for row, line in enumerate(LAYOUT)
  for column, content in enumerate(line)
  if content != "#"
}
(_START,) = (square for square in _CONTENT if _CONTENT[square] == "S")
_COINS = {square for square in _CONTENT if _CONTENT[square] == "o"}


def _neighbour(square: Square, move: Square) -> Square:
  """Where a move leads; whoever walks into a wall stays."""
  target = square[0] + move[0], square[1] + move[1]
  return target if target in _CONTENT else square


# By square and action.
_NEXT = {
  square: [_neighbour(square, move) for move in _MOVES.values()]
  for square in _CONTENT
}


def _window(
  square: Square, pixels: int, margin: int = 0
) -> tuple[slice, slice]:
  """The pixels of a square, and of a margin on each of its sides.

  The wall all around the maze is half a square wide.
  """
  top, left = (pixels // 2 + pixels * number - margin for number in square)
  side = pixels + 2 * margin
  return slice(top, top + side), slice(left, left + side)


def _draw(palette: Mapping[str, tuple[int, ...]], pixels: int) -> np.ndarray:
  """The maze with all coins and without a player."""
  height, width = (pixels * (n + 1) for n in (len(LAYOUT), len(LAYOUT[0])))
  picture = np.empty((height, width, len(palette["#"])), np.uint8)
  picture[:] = palette["#"]
  for square, content in _CONTENT.items():
    picture[_window(square, pixels)] = palette[content]
  return picture


_PICTURE = _draw(_GRAYS, _PIXELS)
_WINDOWS = {square: _window(square, _PIXELS) for square in _CONTENT}
# One pixel of each neighbour remains to be seen.
_PLAYER_WINDOWS = {square: _window(square, _PIXELS, 1) for square in _CONTENT}


class MazeEnvironment(GameEnvironment):
  """The maze, seen from above.

  Observations are uint8 `(36, 36, num_stacked)`, gray, the newest frame last;
  frames from before the episode are zeros. A frame is the whole maze, two
  pixels a square, and shows all there is to know but the clock: where the
  player is, which takes up four pixels by four, and which coins are left.

  Each episode starts in the same square with all coins in place. The goal ends
  it with discount 0. After 400 steps, or at `max_episode_frames`, it is cut and
  ends with discount 1, since it is the clock that ended it and not the maze.

  Nothing is random but sticky actions, which follow from `seed`: the same seed
  and actions give the same bytes.
  """

  def __init__(
    self,
    *,
    seed: int,
    reward: Callable[[Mapping[str, int]], float] | None = None,
    action_repeat: int = 4,
    num_stacked: int = 1,
    noop_max: int = 30,
    max_episode_frames: int = 108_000,
    sticky_action_probability: float = 0.0,
    full_action_set: bool = True,
  ):
    """Lays the maze out.

    The options are those of the Atari games, so that either is played by the
    same command, and with the same budget in frames by as many steps.

    Args:
      seed: Non-negative integer.
      reward: Maps the events of a step, {event: count}, to its reward. None
        means the native reward.
      action_repeat: Frames that a step counts for. However many they are, it
        moves the player by one square.
      num_stacked: Frames of past steps in an observation, the last included.
      noop_max: Has no effect, since nothing moves but the player.
      max_episode_frames: Frames after which an episode is cut.
      sticky_action_probability: Chance, at each step, that the previous action
        is taken again.
      full_action_set: Has no effect, since the maze reads all of its actions.

    Raises:
      ValueError: An argument is out of its range; the message says which.
    """
    seed = arguments.whole("seed", seed, 0)
    action_repeat = arguments.whole("action_repeat", action_repeat, 1)
    num_stacked = arguments.whole("num_stacked", num_stacked, 1, MOST_STACKED)
    arguments.whole("noop_max", noop_max, 0)
    max_episode_frames = arguments.whole(
      "max_episode_frames", max_episode_frames, 1
    )
    sticky_action_probability = arguments.probability(
      "sticky_action_probability", sticky_action_probability
    )
    arguments.flag("full_action_set", full_action_set)
    self._reward = reward
    self._num_stacked = num_stacked
    self._max_steps = min(_MAX_STEPS, -(-max_episode_frames // action_repeat))
    self._stick = StickyActions(sticky_action_probability, seed)
    self._identity = {
      "game": GAME,
      "environment": "maze",
      "action_repeat": action_repeat,
      "num_stacked": num_stacked,
      "max_episode_frames": max_episode_frames,
      "sticky_action_probability": sticky_action_probability,
    }

    self._square = _START
    self._coins = set(_COINS)  # those left
    self._picture = _PICTURE.copy()  # without the player
    self._stack: collections.deque = collections.deque(maxlen=num_stacked)
    self._steps = 0
    self._native_reward = np.float32(0)
    self._events: dict[str, int] = {}
    self._reset_next_step = True

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    self._reset_next_step = False
    self._square = _START
    self._coins = set(_COINS)
    self._picture = _PICTURE.copy()
    self._steps = 0
    self._stick.forget()
    self._native_reward = np.float32(0)
    self._events = {}
    blank = np.zeros_like(_PICTURE)
    self._stack.extend([blank] * self._num_stacked)
    return dm_env.restart(self._observe())

  def step(self, action: int) -> dm_env.TimeStep:
    """Moves the player; after the last step, starts an episode instead.

    Args:
      action: Index into `action_meanings`.

    Returns:
      The time step after the move.

    Raises:
      ValueError: The action is no integer within the action spec.
    """
    if self._reset_next_step:
      return self.reset()
    action = self._stick(arguments.action_index(action, len(_MOVES)))
    before, self._square = self._square, _NEXT[self._square][action]
    self._events = self._enter() if self._square != before else {}
    self._native_reward = np.float32(
      sum(n * EVENTS[event].native_value for event, n in self._events.items())
    )
    reward = self._native_reward
    if self._reward is not None:
      reward = np.float32(self._reward(self._events))
    observation = self._observe()

    self._steps += 1
    at_goal = "goal" in self._events
    out_of_frames = self._steps >= self._max_steps
    self._reset_next_step = at_goal or out_of_frames
    return time_step(reward, observation, is_over=at_goal, is_cut=out_of_frames)

  def observation_spec(self) -> specs.BoundedArray:
    shape = (*_PICTURE.shape[:2], self._num_stacked)
    return specs.BoundedArray(shape, np.uint8, 0, 255, name="observation")

  @property
  def game(self) -> str:
    return GAME

  @property
  def action_meanings(self) -> list[str]:
    return list(_MOVES)

  @property
  def native_reward(self) -> np.float32:
    return self._native_reward

  @property
  def events(self) -> dict[str, int]:
    return dict(self._events)

  @property
  def event_names(self) -> tuple[str, ...]:
    return tuple(EVENTS)

  @property
  def place(self) -> base.Place:
    """Where the player is, in pixels of `render()`, eight to a square.

    Rooms count from the upper left; a door belongs to the one before it.
    """
    row, column = self._square
    y, x = _window(self._square, _PIXELS_IN_COLOUR)
    room = 3 * (row // _ROOM) + column // _ROOM
    return base.Place(level=0, room=room, x=x.start, y=y.start)

  @property
  def lives(self) -> int:
    return 0

  def ram(self) -> np.ndarray:
    return np.zeros(0, np.uint8)

  def render(self) -> np.ndarray:
    """The maze in colour, uint8 `(144, 144, 3)`."""
    picture = _draw(_COLOURS, _PIXELS_IN_COLOUR)
    contents = dict.fromkeys(_COINS - self._coins, ".")
    for square, content in {**contents, self._square: _PLAYER}.items():
      picture[_window(square, _PIXELS_IN_COLOUR)] = _COLOURS[content]
    return picture

  def save_state(self) -> bytes:
    values = {
      "square": self._square,
      "coins": sorted(self._coins),
      "steps": self._steps,
      "native_reward": self._native_reward,
      "events": self._events,
      "reset_next_step": self._reset_next_step,
      "sticky": self._stick.save(),
    }
    stack = np.array(self._stack, np.uint8)
    arrays = {"picture": self._picture, "stack": stack}
    return states.pack(self._identity, values, arrays)

  def restore_state(self, state: bytes):
    values, arrays = states.unpack(state, self._identity)
    self._square = tuple(values["square"])
    self._coins = set(map(tuple, values["coins"]))
    self._steps = values["steps"]
    self._native_reward = np.float32(values["native_reward"])
    self._events = values["events"]
    self._reset_next_step = values["reset_next_step"]
    self._stick.restore(values["sticky"])
    self._picture = arrays["picture"]
    self._stack = collections.deque(arrays["stack"], self._num_stacked)

  def _enter(self) -> dict[str, int]:
    """{event: count} of stepping onto a square; takes the coin on it."""
    content = _CONTENT[self._square]
    if content == "o":
      if self._square not in self._coins:
        return {}
      self._coins.remove(self._square)
      self._picture[_WINDOWS[self._square]] = _GRAYS["."]
    return {_EVENT_OF[content]: 1} if content in _EVENT_OF else {}

  def _observe(self) -> np.ndarray:
    frame = self._picture.copy()
    frame[_PLAYER_WINDOWS[self._square]] = _GRAYS[_PLAYER]
    self._stack.append(frame)
    if self._num_stacked == 1:
      return frame
    return np.concatenate(self._stack, axis=-1)
