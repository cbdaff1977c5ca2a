"""Steps environments for a process that decides elsewhere."""

import dataclasses
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import dm_env
import numpy as np

from .. import episodes

Row = dict[str, Any]  # of an episode; JSON values
State = dict[str, Any]  # nested by name; its leaves are arrays
# Frames that a recorder compressed, and how many they are.
Block = tuple[bytes, int]


@dataclasses.dataclass(frozen=True)
class Plan:
  """The environments of a run; for worker processes, it must pickle.

  Attributes:
    environment_factory: Maps a seed to a fresh environment, whose state can be
      kept: `save_state()` gives bytes that `restore_state` takes.
    observer_factory: Makes the observers of an environment; their metrics
      enter the row of each episode.
    recorder_factory: Makes what compresses an environment's observations, a
      block at a time, as `agents.replay.frames.FrameRecorder` does.
    seeds: Of each environment.
    observation_shape: Of the uint8 array that each environment shows.
  """

  environment_factory: Callable[[int], Any]
  observer_factory: Callable[[], Sequence[episodes.Observer]]
  recorder_factory: Callable[[], Any]
  seeds: tuple[int, ...]
  observation_shape: tuple[int, ...]

  @property
  def halves(self) -> tuple[range, ...]:
    """Numbers of the environments that are stepped together: a single one."""
    num, half = len(self.seeds), (len(self.seeds) + 1) // 2
    return (range(half), range(half, num)) if num > 1 else (range(num),)

  @property
  def record(self) -> np.dtype:
    """What passes between an environment and who decides, at each step."""
    observation = (np.uint8, self.observation_shape)
    return np.dtype(
      [
        ("action", np.int32),
        ("reward", np.float32),
        ("discount", np.float32),
        ("last", np.bool_),
        ("observation", *observation),
        ("final_observation", *observation),
      ],
      align=True,
    )


def arrays_over(buffer: Any, plan: Plan) -> dict[str, np.ndarray]:
  """The fields of the records of a half, wherever they lie, by name."""
  records = np.frombuffer(buffer, plan.record)
  return {name: records[name] for name in plan.record.names or ()}


class Outcome(NamedTuple):
  """What else came of a step of a half, by index within it."""

  blocks: dict[int, Block]
  episodes: dict[int, Row]

  def save_state(self) -> State:
    """All of it."""
    blocks = {str(index): block for index, block in self.blocks.items()}
    return {
      "notes": pack(
        [self.episodes, {i: num for i, (_, num) in blocks.items()}]
      ),
      "block": {i: np.frombuffer(x, np.uint8) for i, (x, _) in blocks.items()},
    }

  @classmethod
  def from_state(cls, state: State) -> "Outcome":
    rows, num_frames = unpack(state["notes"])
    blocks = {
      int(index): (state["block"][index].tobytes(), num)
      for index, num in num_frames.items()
    }
    return cls(blocks, {int(index): row for index, row in rows.items()})


class Results(NamedTuple):
  """What came of a step of a half's n environments.

  Attributes:
    observation: To decide on next, `[n, ...]`; the first of the next episode
      where one ended.
    final_observation: Of the episode that ended; zeros where none did.
    reward, discount, last: Of the step; 0, 1 and False at the very start.
    blocks, episodes: As of `Outcome`.
  """

  observation: np.ndarray
  final_observation: np.ndarray
  reward: np.ndarray
  discount: np.ndarray
  last: np.ndarray
  blocks: dict[int, Block]
  episodes: dict[int, Row]


class Stepper:
  """Owns some of a plan's environments.

  A step of a half reads actions and writes what came of them; the first one
  starts episodes instead. Where an episode ends, the next begins at once.
  """

  def __init__(
    self,
    plan: Plan,
    arrays: Sequence[Mapping[str, np.ndarray]],
    shares: Sequence[range],
  ):
    """Makes the environments.

    Args:
      plan: Of the run.
      arrays: Of each half, whole.
      shares: The environments that are its own, by index within each half.
    """
    self._arrays = arrays
    self._places = [
      {index: _Place(plan, half[index]) for index in share}
      for half, share in zip(plan.halves, shares, strict=True)
    ]

  def step(self, half: int) -> Outcome:
    """Steps its environments of a half."""
    arrays, outcome = self._arrays[half], Outcome({}, {})
    for index, place in self._places[half].items():
      if not place.begun:
        arrays["reward"][index], arrays["discount"][index] = 0, 1
        arrays["observation"][index] = place.begin()
        continue
      if arrays["last"][index]:
        arrays["final_observation"][index] = 0
      timestep, block, row = place.step(arrays["action"][index])
      arrays["reward"][index] = timestep.reward
      arrays["discount"][index] = timestep.discount
      arrays["last"][index] = row is not None
      observation = timestep.observation
      if row is not None:
        outcome.episodes[index] = row
        arrays["final_observation"][index] = observation
        observation = place.begin()
      arrays["observation"][index] = observation
      if block is not None:
        outcome.blocks[index] = block
    return outcome

  def save_state(self) -> State:
    """All that its environments go on from, by their numbers."""
    return {str(place.number): place.save_state() for place in self._all()}

  def restore_state(self, state: State):
    """Goes on from a state that holds that of its environments."""
    for place in self._all():
      place.restore_state(state[str(place.number)])

  def close(self):
    for place in self._all():
      place.environment.close()

  def _all(self) -> "list[_Place]":
    return [place for places in self._places for place in places.values()]


class _Place:
  """An environment, and what watches it."""

  def __init__(self, plan: Plan, number: int):
    self.number = number
    self.begun = False
    self.environment = plan.environment_factory(plan.seeds[number])
    self._statistics = episodes.EpisodeStatistics(plan.observer_factory())
    self._recorder = plan.recorder_factory()

  def begin(self) -> np.ndarray:
    """Starts an episode; what it shows first."""
    timestep = self.environment.reset()
    self.begun = True
    self._statistics.begin(self.environment, timestep)
    self._recorder.begin(timestep.observation)
    return timestep.observation

  def step(
    self, action: np.ndarray
  ) -> tuple[dm_env.TimeStep, Block | None, Row | None]:
    """Takes a step; also a block, if one is finished, and the episode's row."""
    timestep = self.environment.step(action)
    # Who decides adds telemetry of that.
    self._statistics.step(self.environment, timestep, action, {})
    last = timestep.last()
    block = self._recorder.add(timestep.observation, last)
    # The same JSON values as when they have been saved in between.
    row = unpack(pack(self._statistics.episode().row)) if last else None
    return timestep, block, row

  def save_state(self) -> State:
    return {
      "environment": np.frombuffer(self.environment.save_state(), np.uint8),
      "statistics": pack(self._statistics.save_state()),
      "recorder": self._recorder.save_state(),
    }

  def restore_state(self, state: State):
    self.environment.restore_state(state["environment"].tobytes())
    self._statistics.restore_state(unpack(state["statistics"]))
    self._recorder.restore_state(state["recorder"])
    self.begun = True


def pack(value: Any) -> np.ndarray:
  """JSON values, NumPy's scalars among them, as an array of bytes."""
  text = json.dumps(value, default=operator.methodcaller("item"))
  return np.frombuffer(text.encode(), np.uint8)


def unpack(array: np.ndarray) -> Any:
  """The values again."""
  return json.loads(array.tobytes())
