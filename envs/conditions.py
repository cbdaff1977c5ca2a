"""Rewards that depend on more than a step's events, and ends of one's own.

What a variant says beside its table is applied here, around the game.
"""

import dataclasses
import operator
from collections.abc import Callable, Mapping
from typing import Any

import dm_env
import numpy as np

from . import arguments, states
from .decoders import Place
from .game import GameEnvironment, time_step

# What visits may be paid for, and how many fields of a place tell them apart.
VISITS = {"level": 1, "room": 2}
_MOST_PAID = 10**9  # which no episode comes to


@dataclasses.dataclass(frozen=True)
class Shaping:
  """Potential-based shaping, which leaves the best policy what it was.

  A step from s to s' earns discount * potential(s') - potential(s), the
  potential being weight times the quantity, and 0 where the game is over (Ng et
  al., 1999). Frames in which the place is unknown keep the one before.

  Attributes:
    quantity: A field of `Place`.
    weight: Of the quantity; may be negative.
    discount: That the agent learns with, from 0 to 1.
  """

  quantity: str
  weight: float
  discount: float

  def __post_init__(self):
    path = ("shaping", "quantity")
    arguments.require_one_of(Place._fields, "shaping", self.quantity, path)
    arguments.real(("shaping", "weight"), self.weight)
    arguments.real(("shaping", "discount"), self.discount, 0, 1)


@dataclasses.dataclass(frozen=True)
class Conditions:
  """What a variant says beside its table of rewards.

  Attributes:
    caps: Of an event, how many an episode pays at most.
    visits: Reward of the first visit, in an episode, to a "level" or "room";
      the one where it starts pays nothing.
    shaping: Added to the rewards.
    ends_on: Events that end the episode, with discount 0.
  """

  caps: Mapping[str, int] = dataclasses.field(default_factory=dict)
  visits: Mapping[str, float] = dataclasses.field(default_factory=dict)
  shaping: Shaping | None = None
  ends_on: tuple[str, ...] = ()

  def __post_init__(self):
    caps = arguments.table("caps", self.caps, _count)
    object.__setattr__(self, "caps", caps)
    visits = arguments.table("visits", self.visits, arguments.real)
    object.__setattr__(self, "visits", visits)
    for kind in visits:
      arguments.require_one_of(VISITS, "visits", kind, ("visits", kind))
    arguments.require(
      self.shaping is None or isinstance(self.shaping, Shaping),
      "shaping",
      self.shaping,
      "a Shaping",
    )
    arguments.require(
      isinstance(self.ends_on, list | tuple)
      and all(isinstance(event, str) for event in self.ends_on),
      "ends_on",
      self.ends_on,
      "a list of events",
    )
    object.__setattr__(self, "ends_on", tuple(self.ends_on))

  def __bool__(self) -> bool:
    return self != Conditions()


def _count(field: tuple, given: object) -> int:
  return arguments.whole(field, given, 0, _MOST_PAID)


def _of_the_game(name: str) -> Any:
  return property(operator.attrgetter(f"_environment.{name}"))


class ConditionedEnvironment(GameEnvironment):
  """A game under conditions; whatever they say nothing of is the game's."""

  def __init__(
    self,
    environment: GameEnvironment,
    pay: Callable[[float, Mapping[str, int], Mapping[str, int]], float],
    conditions: Conditions,
  ):
    """Wraps a game.

    Args:
      environment: The game.
      pay: Maps what the game paid for a step, its events, and those of them
        that no cap forbids, to a reward.
      conditions: Applied to it.
    """
    self._environment = environment
    self._reward = pay
    self._conditions = conditions
    self._paid: dict[str, int] = {}  # events of this episode, up to their caps
    self._visited: dict[str, set[tuple]] = {}
    self._place: Place | None = None
    self._reset_next_step = True

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    self._reset_next_step = False
    timestep = self._environment.reset()
    self._paid = {}
    self._visited = {kind: set() for kind in self._conditions.visits}
    self._place = self._environment.place
    self._visit()
    return timestep

  def step(self, action: int) -> dm_env.TimeStep:
    """Plays a step; after the last one, starts an episode instead."""
    if self._reset_next_step:
      return self.reset()
    timestep = self._environment.step(action)
    events = self._environment.events
    is_over = (timestep.last() and timestep.discount == 0) or any(
      event in events for event in self._conditions.ends_on
    )
    before, self._place = self._place, self._environment.place or self._place
    reward = self._pay(events) + self._visit() + self._shape(before, is_over)
    is_cut = timestep.last()
    self._reset_next_step = is_over or is_cut
    return time_step(
      np.float32(reward),
      timestep.observation,
      is_over=is_over,
      is_cut=is_cut,
    )

  game = _of_the_game("game")
  action_meanings = _of_the_game("action_meanings")
  native_reward = _of_the_game("native_reward")
  events = _of_the_game("events")
  event_names = _of_the_game("event_names")
  place = _of_the_game("place")
  lives = _of_the_game("lives")
  ram = _of_the_game("ram")
  render = _of_the_game("render")
  observation_spec = _of_the_game("observation_spec")
  close = _of_the_game("close")

  def save_state(self) -> bytes:
    game = np.frombuffer(self._environment.save_state(), np.uint8)
    values = {
      "paid": self._paid,
      "visited": {k: sorted(v) for k, v in self._visited.items()},
      "place": self._place,
      "reset_next_step": self._reset_next_step,
    }
    return states.pack(self._identity(), values, {"game": game})

  def restore_state(self, state: bytes):
    values, arrays = states.unpack(state, self._identity())
    self._environment.restore_state(arrays["game"].tobytes())
    self._paid = values["paid"]
    self._visited = {
      kind: set(map(tuple, keys)) for kind, keys in values["visited"].items()
    }
    self._place = Place(*values["place"]) if values["place"] else None
    self._reset_next_step = values["reset_next_step"]

  def _identity(self) -> dict[str, object]:
    conditions = dataclasses.asdict(self._conditions)
    return {"game": self.game, "environment": "conditioned", **conditions}

  def _pay(self, events: Mapping[str, int]) -> float:
    """The reward, as far as no event is beyond its cap."""
    paid = dict(events)
    for event, cap in self._conditions.caps.items():
      if event in events:
        before = self._paid.get(event, 0)
        paid[event] = min(events[event], cap - before)
        self._paid[event] = before + paid[event]
    return self._reward(float(self._environment.native_reward), events, paid)

  def _visit(self) -> float:
    """Reward of what the place is the first visit to."""
    if self._place is None:
      return 0.0
    total = 0.0
    for kind, reward in self._conditions.visits.items():
      visited, key = self._visited[kind], self._place[: VISITS[kind]]
      if visited and key not in visited:
        total += reward
      visited.add(key)
    return total

  def _shape(self, before: Place | None, is_over: bool) -> float:
    shaping = self._conditions.shaping
    if shaping is None or before is None or self._place is None:
      return 0.0
    now = 0 if is_over else getattr(self._place, shaping.quantity)
    then = getattr(before, shaping.quantity)
    return shaping.weight * (shaping.discount * now - then)
