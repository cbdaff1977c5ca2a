"""The Atari 2600 as a `dm_env.Environment`, straight on the ALE's interface.

One agent step, `action_repeat` = 4:

  emulator frame    1      2      3      4
  action            a      a      a      a
  native reward     r1  +  r2  +  r3  +  r4     what ALE pays
  RAM decoded       e1  +  e2  +  e3  +  e4     what a modded reward reads
  screen                          s3 max s4     -> 84x84 gray -> observation

The preprocessing is that of Mnih et al. (2015) with the later habits of R2D2
(Kapturowski et al., 2019): unclipped reward, the game's life loss is no end.
"""

import collections
from collections.abc import Callable, Mapping

import ale_py
import cv2
import dm_env
import numpy as np
from dm_env import specs

from . import arguments, console, decoders, states
from .game import MOST_STACKED, GameEnvironment, time_step
from .sticky import StickyActions

_SIDE = 84  # pixels, both sides of an observation


class AtariEnvironment(GameEnvironment):
  """One Atari game.

  Observations are uint8 `(84, 84, num_stacked)`, gray, the newest frame last;
  frames from before the episode are zeros. The frame of a step is the maximum
  over the last two emulator frames of that step, the screen alone at a reset
  or where the episode ends inside the repeat. Rewards and discounts are
  float32 scalars.

  The end of a game has discount 0, also where the game goes on with nothing to
  gain, and its decoder says so (Pitfall, after its twenty minutes). An episode
  cut at `max_episode_frames` ends with discount 1, since it is the clock that
  ended it and not the game.

  Everything random (the emulator's own generator, sticky actions, no-op
  starts) follows from `seed`: the same seed and actions give the same bytes.

  What follows a restored state is exact but in two games, as ALE keeps no frame
  half drawn: pixels of the next frame in Yars' Revenge, and a counter in the
  memory of Tic-Tac-Toe 3D, can differ.
  """

  def __init__(
    self,
    game: str,
    *,
    seed: int,
    decoder: decoders.Decoder | None = None,
    reward: Callable[[Mapping[str, int]], float] | None = None,
    action_repeat: int = 4,
    num_stacked: int = 1,
    noop_max: int = 30,
    max_episode_frames: int = 108_000,
    sticky_action_probability: float = 0.0,
    full_action_set: bool = True,
    terminal_on_life_loss: bool = False,
  ):
    """Loads the game.

    Args:
      game: Name of a ROM of ale-py, in snake case.
      seed: Non-negative integer.
      decoder: Reads events out of the RAM of every emulator frame. It must
        have been made for the same ROM.
      reward: Maps the events of a step, {event: count}, to its reward. None
        means the native reward.
      action_repeat: Emulator frames per agent step.
      num_stacked: Frames of past steps in an observation, the last included.
      noop_max: Each game starts with a uniform number, from 0 to this one
        inclusive, of emulator frames with the no-op action. They count as
        frames of the episode, but their rewards and events belong to no step.
      max_episode_frames: Emulator frames after which an episode is cut.
      sticky_action_probability: Chance, at each emulator frame, that the
        console sees the previous action again (Machado et al., 2018).
      full_action_set: All 18 joystick actions, numbered as ALE does; or those
        that the game needs. What a game does not take is to it a no-op.
      terminal_on_life_loss: A lost life ends the episode with discount 0. The
        next episode carries on with the same game, without no-ops.

    Raises:
      ValueError: An argument is out of its range; the message says which.
    """
    rom = console.rom(game)
    seed = arguments.whole("seed", seed, 0)
    action_repeat = arguments.whole("action_repeat", action_repeat, 1)
    num_stacked = arguments.whole("num_stacked", num_stacked, 1, MOST_STACKED)
    noop_max = arguments.whole("noop_max", noop_max, 0)
    max_episode_frames = arguments.whole(
      "max_episode_frames", max_episode_frames, noop_max + 1
    )
    sticky_action_probability = arguments.probability(
      "sticky_action_probability", sticky_action_probability
    )
    full_action_set = arguments.flag("full_action_set", full_action_set)
    terminal_on_life_loss = arguments.flag(
      "terminal_on_life_loss", terminal_on_life_loss
    )
    arguments.require(
      isinstance(decoder, decoders.Decoder) or decoder is reward is None,
      "decoder",
      decoder,
      "a Decoder, which a reward of events needs",
    )
    if decoder is not None:
      decoder.check_rom(rom)

    self._identity = {
      "game": game,
      "environment": "atari",
      "rom_md5": console.rom_md5(game),
      "action_repeat": action_repeat,
      "num_stacked": num_stacked,
      "noop_max": noop_max,
      "max_episode_frames": max_episode_frames,
      "sticky_action_probability": sticky_action_probability,
      "full_action_set": full_action_set,
      "terminal_on_life_loss": terminal_on_life_loss,
    }
    self._game = game
    self._decoder = decoder
    self._last_events = decoder.last_events if decoder else frozenset()
    self._read_place = decoders.PLACES.get(game)
    self._reward = reward
    self._action_repeat = action_repeat
    self._num_stacked = num_stacked
    self._noop_max = noop_max
    self._max_episode_frames = max_episode_frames
    self._terminal_on_life_loss = terminal_on_life_loss

    seeds = np.random.SeedSequence(seed).spawn(3)
    emulator_seed, noop_seed, sticky_seed = seeds
    self._noop_rng = np.random.default_rng(noop_seed)
    self._stick = StickyActions(sticky_action_probability, sticky_seed)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    self._ale = ale = ale_py.ALEInterface()
    # The settings and the seed take effect when the ROM is loaded. ALE's seed
    # is a signed 32-bit integer, and -1 means the time of day.
    ale.setInt("random_seed", int(emulator_seed.generate_state(1)[0] >> 1))
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(rom)
    self._actions = (
      console.ACTIONS if full_action_set else ale.getMinimalActionSet()
    )

    self._screen = np.zeros(ale.getScreenDims(), np.uint8)
    self._previous_screen = np.zeros_like(self._screen)
    self._ram = np.zeros(ale.getRAMSize(), np.uint8)
    self._before = b""  # RAM of the last emulator frame, if there is a decoder
    self._stack: collections.deque = collections.deque(maxlen=num_stacked)
    self._frames = 0
    self._lives = ale.lives()
    # Until ALE, which restores no screen, shows one again.
    self._restored_screens: tuple[np.ndarray, np.ndarray] | None = None
    self._native_reward = np.float32(0)
    self._events: dict[str, int] = {}
    self._reset_next_step = True
    self._game_goes_on = False  # whether the next episode continues this game

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode, in a new game unless only a life was lost."""
    self._reset_next_step = False
    self._frames = 0
    if self._game_goes_on:
      self._game_goes_on = False
    else:
      self._start_game()
    self._native_reward = np.float32(0)
    self._events = {}
    if self._decoder is not None:
      self._before = self._read_ram()
    self._screen = self._screens()[0]
    blank = np.zeros((_SIDE, _SIDE), np.uint8)
    self._stack.extend([blank] * self._num_stacked)
    return dm_env.restart(self._observe(self._screen))

  def step(self, action: int) -> dm_env.TimeStep:
    """Repeats an action; after the last step, starts an episode instead.

    Args:
      action: Index into `action_meanings`.

    Returns:
      The time step after the repeat, or after the frame that ended the episode.

    Raises:
      ValueError: The action is no integer within the action spec.
    """
    if self._reset_next_step:
      return self.reset()
    ale = self._ale
    index = arguments.action_index(action, len(self._actions))
    emulator_action = self._actions[index].value
    self._restored_screens = None
    native_reward, self._events, is_over = 0, {}, False
    decode = self._decoder.decode if self._decoder is not None else None
    for frame in range(1, self._action_repeat + 1):
      native_reward += ale.act(self._stick(emulator_action))
      self._frames += 1
      if decode is not None:
        after = self._read_ram()
        events = decode(self._before, after)
        self._before = after
        if events:
          self._count(events)
          is_over = not self._last_events.isdisjoint(events)
      if frame == self._action_repeat - 1:
        ale.getScreenGrayscale(self._previous_screen)
      game_over, life_lost = is_over or ale.game_over(), self._life_lost()
      out_of_frames = self._frames >= self._max_episode_frames
      if game_over or life_lost or out_of_frames:
        break

    ale.getScreenGrayscale(self._screen)
    if frame == self._action_repeat > 1:
      np.maximum(self._screen, self._previous_screen, out=self._screen)
    observation = self._observe(self._screen)
    self._native_reward = np.float32(console.gained(native_reward))
    reward = self._native_reward
    if self._reward is not None:
      reward = np.float32(self._reward(self._events))

    self._reset_next_step = game_over or life_lost or out_of_frames
    self._game_goes_on = life_lost and not game_over
    return time_step(
      reward,
      observation,
      is_over=game_over or life_lost,
      is_cut=out_of_frames,
    )

  def observation_spec(self) -> specs.BoundedArray:
    shape = (_SIDE, _SIDE, self._num_stacked)
    return specs.BoundedArray(shape, np.uint8, 0, 255, name="observation")

  @property
  def game(self) -> str:
    """The ROM's name."""
    return self._game

  @property
  def action_meanings(self) -> list[str]:
    """ALE's name of each action, in the order of the action spec."""
    return [action.name for action in self._actions]

  @property
  def native_reward(self) -> np.float32:
    """What the emulator's own score gained over the last step.

    Where it passed its last digit, that is what it would have gained with one
    more: ALE pays -999,950 for 50 points then.
    """
    return self._native_reward

  @property
  def events(self) -> dict[str, int]:
    """{event: count} of the last step; empty without a decoder."""
    return dict(self._events)

  @property
  def event_names(self) -> tuple[str, ...]:
    return () if self._decoder is None else tuple(self._decoder.events)

  @property
  def place(self) -> decoders.Place | None:
    """Where the player is; None for games and frames whose RAM does not say."""
    if self._read_place is None:
      return None
    return self._read_place(self._before or self.ram().tobytes())

  @property
  def lives(self) -> int:
    """Lives left, as ALE counts them; 0 where it counts none."""
    return self._lives

  @property
  def emulator_frames(self) -> int:
    """Emulator frames of this episode so far, no-op start included."""
    return self._frames

  def ram(self) -> np.ndarray:
    """A copy of the console's memory, uint8 `(128,)`."""
    return self._ale.getRAM()

  def render(self) -> np.ndarray:
    """The current screen in colour, uint8 `(210, 160, 3)` for most games."""
    return self._screens()[1].copy()

  def save_state(self) -> bytes:
    gray, colour = self._screens()
    values = {
      "frames": self._frames,
      "lives": self._lives,
      "native_reward": self._native_reward,
      "events": self._events,
      "reset_next_step": self._reset_next_step,
      "game_goes_on": self._game_goes_on,
      "noops": self._noop_rng.bit_generator.state,
      "sticky": self._stick.save(),
    }
    arrays = {
      "console": np.frombuffer(console.save(self._ale), np.uint8),
      "stack": np.array(self._stack, np.uint8),
      "gray": gray,
      "colour": colour,
    }
    return states.pack(self._identity, values, arrays)

  def restore_state(self, state: bytes):
    values, arrays = states.unpack(state, self._identity)
    console.restore(self._ale, arrays["console"].tobytes())
    self._restored_screens = arrays["gray"], arrays["colour"]
    self._stack = collections.deque(arrays["stack"], self._num_stacked)
    self._frames = values["frames"]
    self._lives = values["lives"]
    self._native_reward = np.float32(values["native_reward"])
    self._events = values["events"]
    self._reset_next_step = values["reset_next_step"]
    self._game_goes_on = values["game_goes_on"]
    self._noop_rng.bit_generator.state = values["noops"]
    self._stick.restore(values["sticky"])
    if self._decoder is not None:
      self._before = self._read_ram()

  def _screens(self) -> tuple[np.ndarray, np.ndarray]:
    """What is to be seen, gray and in colour."""
    if self._restored_screens is not None:
      return self._restored_screens
    return self._ale.getScreenGrayscale(), self._ale.getScreenRGB()

  def _start_game(self):
    self._restored_screens = None
    self._stick.forget()
    while True:
      self._ale.reset_game()
      noops = int(self._noop_rng.integers(self._noop_max + 1))
      for _ in range(noops):
        self._ale.act(ale_py.Action.NOOP)
      if not self._ale.game_over():
        self._frames, self._lives = noops, self._ale.lives()
        return

  def _read_ram(self) -> bytes:
    self._ale.getRAM(self._ram)
    return self._ram.tobytes()

  def _count(self, events: Mapping[str, int]):
    for event, count in events.items():
      self._events[event] = self._events.get(event, 0) + count

  def _life_lost(self) -> bool:
    before, self._lives = self._lives, self._ale.lives()
    return self._terminal_on_life_loss and self._lives < before

  def _observe(self, screen: np.ndarray) -> np.ndarray:
    # INTER_AREA averages over the pixels that a smaller one covers.
    frame = cv2.resize(screen, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    self._stack.append(frame)
    if self._num_stacked == 1:
      return frame[:, :, np.newaxis]
    return np.stack(self._stack, axis=-1)
