"""The maze: its contract as an environment, and its design as a task."""

import collections
import csv
import itertools
import json

import imageio
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs, test_utils

from behavior_transfer import envs
from behavior_transfer.agents import r2d2
from behavior_transfer.envs import maze
from behavior_transfer.experiments import coverage, presets, tasks
from tests.experiments import programs

VARIANTS = ("maze", "maze_deceptive", "maze_dense", "maze_far")
NOOP, UP, DOWN, LEFT, RIGHT = range(5)
MOVES = {UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}

FREE = {
  (row, column): content
  for row, line in enumerate(maze.LAYOUT)
  for column, content in enumerate(line)
  if content != "#"
}
(START,) = (square for square, content in FREE.items() if content == "S")
(GOAL,) = (square for square, content in FREE.items() if content == "G")
COINS = {square for square, content in FREE.items() if content == "o"}
TRAPS = {square for square, content in FREE.items() if content == "^"}


def _ways(start, shut=()):
  """The shortest sequences of actions to all squares that can be reached."""
  ways, queue = {start: ()}, collections.deque([start])
  while queue:
    row, column = square = queue.popleft()
    for action, (down, right) in MOVES.items():
      target = row + down, column + right
      if target in FREE and target not in ways and target not in shut:
        ways[target] = (*ways[square], action)
        queue.append(target)
  return ways


def _actions(count, seed=0):
  return np.random.default_rng(seed).integers(5, size=count).tolist()


def _play(environment, actions):
  """Everything an agent sees of each step, in a form to compare."""
  steps = map(environment.step, actions)
  return [
    step._replace(observation=step.observation.tobytes()) for step in steps
  ]


def _walk(name, actions, **options):
  """Plays an episode's actions: last step, return, native return, events."""
  environment = envs.make(name, seed=0, **options)
  step = environment.reset()
  total, native, events = 0.0, 0.0, collections.Counter()
  for action in actions:
    assert not step.last()
    step = environment.step(action)
    assert isinstance(step.reward, np.float32)
    total += step.reward
    native += environment.native_reward
    events.update(environment.events)
  return step, total, native, events


class GoalContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """Episodes that the goal ends."""

  def make_object_under_test(self):
    return envs.make("maze_far", seed=0)

  def make_action_sequence(self):
    for _ in range(3):
      yield from (*_ways(START)[GOAL], NOOP)


class TruncatedContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """Episodes cut by the clock."""

  def make_object_under_test(self):
    return envs.make(
      "maze", seed=0, num_stacked=3, sticky_action_probability=0.25
    )

  def make_action_sequence(self):
    yield from _actions(1000)


def test_specs():
  with envs.make("maze_far", seed=0, num_stacked=2) as environment:
    assert environment.observation_spec() == specs.BoundedArray(
      (36, 36, 2), np.uint8, 0, 255, name="observation"
    )
    assert environment.action_spec() == specs.DiscreteArray(
      5, np.int32, name="action"
    )
    assert environment.reward_spec() == specs.Array(
      (), np.float32, name="reward"
    )
    assert environment.discount_spec() == specs.BoundedArray(
      (), np.float32, 0, 1, name="discount"
    )
    assert environment.game == "maze"
    names = ["NOOP", "UP", "DOWN", "LEFT", "RIGHT"]
    assert environment.action_meanings == names


def test_it_has_about_two_hundred_squares_all_connected():
  assert len(FREE) == 193
  assert _ways(START).keys() == FREE.keys()
  assert (len(COINS), len(TRAPS)) == (11, 4)


@pytest.mark.parametrize("sticky", [0.0, 0.25])
def test_same_seed_same_bytes_across_episodes(sticky):
  options = {"seed": 7, "sticky_action_probability": sticky}
  first, second = (envs.make("maze", **options) for _ in range(2))
  plays = [_play(e, _actions(1000)) for e in (first, second)]
  assert plays[0] == plays[1]
  assert sum(step.last() for step in plays[0]) == 2


def test_nothing_but_sticky_actions_follows_the_seed():
  for sticky in (0.0, 0.25):
    plays = [
      _play(
        envs.make("maze", seed=seed, sticky_action_probability=sticky),
        _actions(500),
      )
      for seed in range(2)
    ]
    assert (plays[0] == plays[1]) == (not sticky)


def test_sticky_actions_are_the_previous_ones():
  """Told to go to and fro, the player now and then goes on as it went.

  That is at one step of five: at one of four the previous action is taken, and
  at one of five that was not the one asked for either. Of 400 steps it is 80,
  with a standard deviation of 8, but for those into a wall.
  """
  environment = envs.make("maze", seed=0, sticky_action_probability=0.25)
  environment.reset()
  astray, x = 0, environment.place.x
  for action in (LEFT, RIGHT) * 199:
    environment.step(action)
    moved, x = environment.place.x - x, environment.place.x
    assert moved in (-8, 0, 8)
    astray += moved == (8 if action == LEFT else -8)
  assert 50 < astray < 110


def test_observations_tell_all_squares_and_coins_apart():
  environment = envs.make("maze", seed=0)
  seen = set()
  for way in _ways(START).values():
    step = environment.reset()
    for action in way:
      step = environment.step(action)
    seen.add(step.observation.tobytes())
    # The player's, by which alone squares differ where coins do not.
    assert (step.observation == 255).sum() == 16
  assert len(seen) == len(FREE)
  before = environment.reset().observation
  environment.step(UP)  # onto a coin
  after = environment.step(DOWN).observation
  assert (before != after).sum() == 2  # the half that the player leaves open


def test_no_picture_differs_between_variants():
  observations = [
    [step.observation for step in _play(envs.make(name, seed=0), _actions(500))]
    for name in VARIANTS
  ]
  assert observations[1:] == observations[:1] * 3


def test_observations_are_not_written_again():
  environment = envs.make("maze", seed=0)
  kept = [environment.step(a).observation for a in _actions(50)]
  copies = [observation.copy() for observation in kept]
  _play(environment, _actions(50, seed=1))
  np.testing.assert_array_equal(kept, copies)


def test_stack_holds_the_past_newest_last():
  single = envs.make("maze", seed=0, max_episode_frames=40)
  stacked = envs.make("maze", seed=0, max_episode_frames=40, num_stacked=3)
  for action in _actions(50):
    one, three = single.step(action), stacked.step(action)
    if one.first():
      past = [np.zeros((36, 36, 1), np.uint8)] * 2
    past = [*past, one.observation][-3:]
    np.testing.assert_array_equal(
      three.observation, np.concatenate(past, axis=-1)
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_events_account_for_all_rewards(name):
  environment, variant = envs.make(name, seed=0), envs.variant(name)
  environment.reset()
  total = collections.Counter()
  for action in _actions(20_000):
    step = environment.step(action)
    events = environment.events
    native = sum(n * maze.EVENTS[e].native_value for e, n in events.items())
    assert environment.native_reward == native
    assert (step.reward or 0.0) == variant.reward(events)
    assert all(count == 1 for count in events.values())
    total.update(events)
  assert total["coin"] > 100
  assert total["trap"] > 100


@pytest.mark.parametrize(
  ("name", "expected"),
  [
    ("maze", 10 + 3 - 4),
    ("maze_deceptive", 10 - 4 / 4),
    ("maze_dense", 10 + 3),
    ("maze_far", 10),
  ],
)
def test_returns_of_the_shortest_way_to_the_goal(name, expected):
  way = _ways(START)[GOAL]
  assert len(way) == 35
  step, total, native, events = _walk(name, way)
  assert step.last() and step.discount == 0.0
  assert total == expected
  assert native == 10 + 3 - 4
  assert events == {"goal": 1, "coin": 3, "trap": 4}


def test_the_goal_is_worth_the_traps_before_it():
  """Whoever keeps away from them is deceived, also at the preset's discount."""
  environment = envs.make("maze_deceptive", seed=0)
  environment.reset()
  rewards = [environment.step(a).reward for a in _ways(START)[GOAL]]
  preset = presets.PRESETS["miniature"].fields(
    r2d2.R2D2Config, "maze_deceptive"
  )
  discount = preset["discount"]
  value = sum(reward * discount**t for t, reward in enumerate(rewards))
  assert value == pytest.approx(2.87, abs=0.01)
  assert min(np.cumsum(rewards)) == -1  # the last one, just before the goal


def test_every_way_to_the_goal_leads_over_every_trap():
  for trap in TRAPS:
    assert GOAL not in _ways(START, shut={trap})


def test_near_the_start_there_are_coins_and_no_traps():
  near = {square for square, way in _ways(START).items() if len(way) <= 3}
  assert len(near & COINS) == 3 and not near & TRAPS
  safe = _ways(START, shut=TRAPS).keys()
  assert len(safe) > len(FREE) / 2
  assert len(safe & COINS) == 8


def test_a_coin_is_there_once_an_episode():
  environment = envs.make("maze_dense", seed=0)
  for _ in range(2):
    environment.reset()
    events = []
    for action in (UP, NOOP, DOWN, UP):
      reward = environment.step(action).reward
      events.append((environment.events, reward))
    assert events == [({"coin": 1}, 1), ({}, 0), ({}, 0), ({}, 0)]


def test_a_trap_is_there_each_time_but_not_for_standing_on_it():
  (trap,) = (trap for trap in TRAPS if trap[0] == 5 and trap[1] < 11)
  environment = envs.make("maze_deceptive", seed=0)
  environment.reset()
  for action in _ways(START)[trap]:
    step = environment.step(action)
  assert (step.reward, environment.events) == (-0.25, {"trap": 1})
  rewards = []
  for action in (NOOP, LEFT, DOWN, UP):
    rewards.append(environment.step(action).reward)
  assert rewards == [0, 0, 0, -0.25]


def _greedy():
  """To the nearest coin as long as there is one, then to the goal."""
  walk, square, left = [], START, set(COINS)
  while square != GOAL:
    ways = _ways(square)
    target = min(left, key=lambda coin: len(ways[coin]), default=GOAL)
    walk += ways[target]  # which leads over no other coin that is left
    square = target
    left.discard(target)
  return walk


def test_whoever_takes_coin_by_coin_has_time_for_all_and_the_goal():
  walk = _greedy()
  assert len(walk) < 200
  for name, expected in (("maze_dense", 21), ("maze_far", 10)):
    step, total, _, events = _walk(name, walk)
    assert step.last() and step.discount == 0.0
    assert total == expected
    assert events["coin"] == 11 and events["goal"] == 1


def _chance_of_the_goal(num_steps):
  """That of a uniformly random policy, within an episode: exactly."""
  numbers = {square: number for number, square in enumerate(FREE)}
  transition = np.zeros((len(FREE), len(FREE)))
  for (row, column), number in numbers.items():
    for down, right in ((0, 0), *MOVES.values()):
      target = row + down, column + right
      transition[number, numbers.get(target, number)] += 0.2
  transition[numbers[GOAL]] = np.eye(len(FREE))[numbers[GOAL]]
  return np.linalg.matrix_power(transition, num_steps)[
    numbers[START], numbers[GOAL]
  ]


def test_chance_does_not_get_to_the_goal_but_to_coins():
  chance = _chance_of_the_goal(400)
  assert 0.0003 < chance < 0.001
  environment = envs.make("maze_far", seed=0)
  rng, episodes = np.random.default_rng(0), 200
  total = collections.Counter()
  for _ in range(episodes):
    step = environment.reset()
    while not step.last():
      step = environment.step(int(rng.integers(5)))
      total.update(environment.events)
  per_episode = {event: n / episodes for event, n in total.items()}
  print(f"\nchance {chance:.5f}; in {episodes} episodes, of each {per_episode}")
  assert total["goal"] / episodes < 0.01
  assert total["coin"] / episodes > 2
  # Who strays pays more than who goes to the goal, and gets nothing for it.
  assert total["trap"] / episodes > 2


@pytest.mark.parametrize(
  ("options", "steps"),
  [
    ({}, 400),
    ({"max_episode_frames": 320}, 80),
    ({"max_episode_frames": 103}, 26),
    ({"max_episode_frames": 103, "action_repeat": 1}, 103),
    ({"max_episode_frames": 1}, 1),
    ({"action_repeat": 300}, 360),
  ],
)
def test_truncation_keeps_the_discount(options, steps):
  environment = envs.make("maze_far", seed=0, **options)
  for _ in range(2):
    step, count = environment.reset(), 0
    while not step.last():
      step = environment.step(NOOP)
      count += 1
    assert count == steps
    assert step.discount == 1.0 and isinstance(step.discount, np.float32)
    assert environment.step(UP).first()
    assert environment.native_reward == 0 and environment.events == {}


def test_the_goal_at_the_last_step_is_an_end():
  way = _ways(START)[GOAL]
  step, total, *_ = _walk("maze_far", way, max_episode_frames=4 * len(way))
  assert (step.discount, total) == (0.0, 10.0)


def test_options_without_a_meaning_change_nothing():
  plain = _play(envs.make("maze", seed=0), _actions(500))
  options = {"noop_max": 0, "full_action_set": False, "action_repeat": 1}
  assert _play(envs.make("maze", seed=0, **options), _actions(500)) == plain


@pytest.mark.parametrize(
  ("field", "value"),
  [
    ("seed", -1),
    ("seed", 1.5),
    ("action_repeat", 0),
    ("num_stacked", 0),
    ("noop_max", -1),
    ("max_episode_frames", 0),
    ("sticky_action_probability", 1.0),
  ],
)
def test_bad_arguments_are_refused_in_one_line(field, value):
  with pytest.raises(
    ValueError, match=rf"^{field}: got .*; allowed: "
  ) as error:
    envs.make("maze_far", **{"seed": 0, field: value})
  assert repr(value) in str(error.value)
  assert "\n" not in str(error.value)


def test_options_of_the_console_are_refused():
  with pytest.raises(ValueError, match=r"^terminal_on_life_loss: got True; "):
    envs.make("maze_far", seed=0, terminal_on_life_loss=True)


@pytest.mark.parametrize("action", [-1, 5, 1.0, "UP", None])
def test_actions_outside_the_spec_are_refused(action):
  environment = envs.make("maze", seed=0)
  environment.reset()
  with pytest.raises(ValueError, match=r"^action: got .*allowed: .* 0 to 4"):
    environment.step(action)


def test_places():
  environment = envs.make("maze", seed=0)
  environment.reset()
  places = [environment.place]
  for action in _ways(START)[GOAL]:
    environment.step(action)
    places.append(environment.place)
  assert {place.level for place in places} == {0}
  assert list(dict.fromkeys(place.room for place in places)) == [4, 1, 2, 5, 8]
  for place in (places[0], places[-1]):
    picture = environment.render()
    corner = picture[place.y, place.x]
    assert (
      picture[place.y : place.y + 8, place.x : place.x + 8] == corner
    ).all()


def test_the_picture_in_colour_shows_the_player_and_what_is_left():
  environment = envs.make("maze", seed=0)
  environment.reset()
  pictures = [environment.render()]
  for action in (UP, DOWN, NOOP):  # there is a coin above
    environment.step(action)
    pictures.append(environment.render())
  assert pictures[0].shape == (144, 144, 3)
  assert pictures[0].dtype == np.uint8
  colours = [len(np.unique(p.reshape(-1, 3), axis=0)) for p in pictures]
  assert colours == [6] * 4
  changes = [
    (one != other).any(axis=-1).sum()
    for one, other in itertools.combinations(pictures, 2)
  ]
  assert changes == [64 * n for n in (2, 1, 1, 2, 2, 0)]


def test_an_episode_counts_what_it_visited():
  observer = tasks.TrainingObserver()
  environment = envs.make("maze_far", seed=0)
  observer.observe_first(environment, environment.reset())
  for action in _ways(START)[GOAL]:
    observer.observe(environment, environment.step(action), action)
  metrics = observer.get_metrics()
  assert len(set(metrics.pop(coverage.VISITED))) == 36
  assert metrics == {
    "native_return": 9.0,
    "return_maze_deceptive": 9.0,
    "return_maze_dense": 13.0,
    "return_maze_far": 10.0,
    "event_goal": 1,
    "event_coin": 3,
    "event_trap": 4,
    "levels": 1,
    "rooms": 5,
    "positions": 36,
  }


def test_all_of_it_can_be_covered():
  observer = tasks.GameObserver()
  environment = envs.make("maze", seed=0)
  observer.observe_first(environment, environment.reset())
  cells = set()
  for way in _ways(START).values():
    environment.reset()
    for action in way:
      environment.step(action)
    cells.add(coverage.cell(environment.place))
  assert len(cells) == len(FREE)
  assert {room for _, room, *_ in cells} == set(range(9))


@pytest.fixture(scope="module")
def explorer(tmp_path_factory):
  """Workdir of a tiny run that explored the maze without rewards."""
  workdir = tmp_path_factory.mktemp("runs") / "ngu"
  programs.finish(
    programs.start(
      "run_ngu.py",
      "--game=maze",
      f"--workdir={workdir}",
      "--intrinsic_steps=5",
      "--frames=1200",
      "--envs_per_actor=1",
      *programs.TINY,
    )
  )
  return workdir


def _rows(path):
  with path.open(newline="") as file:
    return list(csv.DictReader(file))


def test_it_is_explored_without_rewards_and_then_learned(explorer, tmp_path):
  rows = _rows(explorer / "train.csv")
  assert [int(row["frames"]) for row in rows] == [320, 640, 960]
  unseen = {"native_return", *(f"return_{name}" for name in VARIANTS[1:])}
  assert unseen | {"event_goal", "positions_so_far"} <= rows[0].keys()
  workdir = tmp_path / "bt"
  programs.finish(
    programs.start(
      "run_bt.py",
      "--game=maze_far",
      f"--pretrained={explorer},random",
      f"--workdir={workdir}",
      "--frames=1200",
      "--envs_per_actor=1",
      *programs.TINY,
    )
  )
  for row in _rows(workdir / "train.csv"):
    assert row["return_maze_far"] == row["episode_return"]
  film, output = tmp_path / "episode.mp4", tmp_path / "result.json"
  programs.finish(
    programs.start(
      "evaluate.py",
      f"--checkpoint={workdir}",
      "--episodes=1",
      f"--video={film}",
      f"--output={output}",
    )
  )
  result = json.loads(output.read_text())
  assert result["protocol"]["game"] == "maze_far"
  assert result["episodes"][0]["episode_length"] == 80
  with imageio.get_reader(film) as reader:
    assert reader.count_frames() == 80


def test_policies_of_other_games_are_refused(explorer):
  line = programs.refuse(
    "run_bt.py", "--game=maze_far", "--pretrained=scripted_hero"
  )
  assert "needs the 18 actions of the full set; the task has 5" in line
  line = programs.refuse(
    "run_bt.py", "--game=hero_hard", f"--pretrained={explorer}"
  )
  assert "observes uint8 (36, 36, 1); the task gives uint8 (84, 84, 1)" in line
