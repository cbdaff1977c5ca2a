"""The environment against dm_env's contract and against a plain emulator."""

import ale_py
import cv2
import dm_env
import numpy as np
import pytest
import replay
from absl.testing import absltest
from dm_env import test_utils

from behavior_transfer import envs


def _play(environment, actions):
  """Everything an agent sees of each step, in a form to compare."""
  steps = map(environment.step, actions)
  return [
    step._replace(observation=step.observation.tobytes()) for step in steps
  ]


def _actions(environment, count, seed=0):
  rng = np.random.default_rng(seed)
  return rng.integers(environment.action_spec().num_values, size=count)


def _until_last(environment, seed=0):
  """Random play to the end of an episode; the last step and their number."""
  step, rng = environment.reset(), np.random.default_rng(seed)
  count = 0
  while not step.last():
    step = environment.step(rng.integers(environment.action_spec().num_values))
    count += 1
  return step, count


class TruncatedContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """Episodes cut by the clock, four of them in the sequence."""

  def make_object_under_test(self):
    return envs.make("ms_pacman_hard", seed=0, max_episode_frames=100)

  def make_action_sequence(self):
    yield from _actions(self.environment, 100)


class GameOverContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """Episodes that the game ends."""

  def make_object_under_test(self):
    return envs.make("breakout", seed=0, num_stacked=4)

  def make_action_sequence(self):
    yield from _actions(self.environment, 400)


def test_specs():
  environment = envs.make("hero", seed=0, num_stacked=2)
  assert environment.observation_spec() == dm_env.specs.BoundedArray(
    (84, 84, 2), np.uint8, 0, 255, name="observation"
  )
  assert environment.action_spec() == dm_env.specs.DiscreteArray(
    18, np.int32, name="action"
  )
  assert environment.reward_spec() == dm_env.specs.Array(
    (), np.float32, name="reward"
  )
  assert environment.discount_spec() == dm_env.specs.BoundedArray(
    (), np.float32, 0, 1, name="discount"
  )


@pytest.mark.parametrize(
  ("name", "sticky"), [("ms_pacman_hard", 0.0), ("breakout", 0.25)]
)
def test_same_seed_same_bytes_across_episodes(name, sticky):
  options = {"seed": 7, "sticky_action_probability": sticky}
  first, second = envs.make(name, **options), envs.make(name, **options)
  actions = _actions(first, 1000)
  alone = _play(first, actions)
  # Meanwhile another environment runs in the same process.
  other = envs.make("hero", seed=8)
  beside = []
  for action in actions:
    beside += _play(second, [action])
    other.step(action)
  assert alone == beside
  assert any(step.last() for step in alone)


def test_sticky_actions_follow_the_seed():
  options = {"noop_max": 0, "sticky_action_probability": 0.5}
  plays = {}
  for seed in (0, 1):
    environment = envs.make("ms_pacman", seed=seed, **options)
    plays[seed] = _play(environment, _actions(environment, 100))
  assert plays[0] != plays[1]


def test_nothing_is_random_without_noops_and_sticky_actions():
  plays = []
  for seed in (0, 1):
    environment = envs.make("ms_pacman", seed=seed, noop_max=0)
    plays.append(_play(environment, _actions(environment, 100)))
  assert plays[0] == plays[1]


def test_noop_starts_follow_the_seed():
  starts = []
  for seed in (0, 0, 1):
    environment = envs.make("breakout", seed=seed)
    starts.append([_noops(environment) for _ in range(10)])
  assert starts[0] == starts[1] != starts[2]


def _noops(environment):
  environment.reset()
  return environment.emulator_frames


def test_noop_starts_are_uniform_from_none_to_the_most():
  environment = envs.make("breakout", seed=0, noop_max=3)
  counts = np.bincount([_noops(environment) for _ in range(160)])
  assert len(counts) == 4
  assert counts.min() > 20  # 40 expected of each, standard deviation 5.5


def test_noop_start_is_the_emulators():
  environment = envs.make("hero", seed=3)
  environment.reset()
  ale = replay.console("hero")
  for _ in range(environment.emulator_frames):
    ale.act(ale_py.Action.NOOP)
  assert environment.emulator_frames > 0
  np.testing.assert_array_equal(environment.ram(), ale.getRAM())
  np.testing.assert_array_equal(environment.render(), ale.getScreenRGB())


def _area_weights(pixels):
  """Row i: how much each of `pixels` covers the i-th of 84 equal pieces."""
  edges = np.linspace(0, pixels, 85)
  left, right = np.arange(pixels), np.arange(pixels) + 1
  covered = np.minimum(edges[1:, None], right) - np.maximum(
    edges[:-1, None], left
  )
  return np.clip(covered, 0, None) * 84 / pixels


@pytest.mark.parametrize("repeat", [1, 2, 4])
def test_observations_and_rewards_against_a_plain_loop(repeat):
  # Seaquest draws some sprites on every other frame only.
  environment = envs.make("seaquest", seed=0, noop_max=0, action_repeat=repeat)
  environment.reset()
  ale = replay.console("seaquest")
  vertical, horizontal = _area_weights(210), _area_weights(160)
  flickered = 0
  for action in _actions(environment, 300):
    screens, reward = [], 0
    for _ in range(repeat):
      reward += ale.act(int(action))
      screens.append(ale.getScreenGrayscale())
    pooled = np.max(screens[-2:], axis=0)
    flickered += (pooled != screens[-1]).any()
    step = environment.step(action)
    assert step.reward == reward == environment.native_reward
    exact = vertical @ pooled @ horizontal.T
    np.testing.assert_allclose(step.observation[..., 0], exact, atol=0.51)
    np.testing.assert_array_equal(
      step.observation[..., 0],
      cv2.resize(pooled, (84, 84), interpolation=cv2.INTER_AREA),
    )
  assert bool(flickered) == (repeat > 1)


def test_observations_are_not_written_again():
  environment = envs.make("breakout", seed=0)
  kept = [environment.step(1).observation for _ in range(20)]
  copies = [observation.copy() for observation in kept]
  _play(environment, _actions(environment, 20))
  np.testing.assert_array_equal(kept, copies)


def test_stack_holds_the_past_newest_last():
  single = envs.make("breakout", seed=0)
  stacked = envs.make("breakout", seed=0, num_stacked=3)
  past = [np.zeros((84, 84, 1), np.uint8)] * 2
  for action in _actions(single, 300):
    one, three = single.step(action), stacked.step(action)
    if one.first():
      past = [np.zeros((84, 84, 1), np.uint8)] * 2
    past = [*past, one.observation][-3:]
    np.testing.assert_array_equal(
      three.observation, np.concatenate(past, axis=-1)
    )


def test_truncation_keeps_the_discount():
  environment = envs.make("hero", seed=0, noop_max=0, max_episode_frames=103)
  step, count = _until_last(environment)
  assert count == 26
  assert environment.emulator_frames == 103
  assert step.discount == 1.0
  assert environment.step(0).first()


def test_game_over_stops_inside_the_repeat_with_discount_zero():
  environment = envs.make("breakout", seed=0, action_repeat=7, noop_max=0)
  step, count = _until_last(environment)
  assert step.discount == 0.0
  assert environment.lives == 0
  frames = environment.emulator_frames
  assert 7 * (count - 1) < frames < 7 * count

  actions = np.random.default_rng(0).integers(18, size=count).repeat(7)
  ale = replay.console("breakout")
  played = list(replay.frames(ale, actions))
  assert len(played) == frames
  last_screen = cv2.resize(
    ale.getScreenGrayscale(), (84, 84), interpolation=cv2.INTER_AREA
  )
  np.testing.assert_array_equal(step.observation[..., 0], last_screen)

  assert environment.step(0).first()
  assert environment.lives == 5


def test_lives_do_not_end_an_episode_unless_asked():
  environment = envs.make("breakout", seed=0)
  _, whole = _until_last(environment)
  environment = envs.make("breakout", seed=0, terminal_on_life_loss=True)
  pieces, lives = [], []
  for _ in range(6):
    step, count = _until_last(environment, seed=len(pieces))
    assert step.discount == 0.0
    pieces.append(count)
    lives.append(environment.lives)
  assert lives == [4, 3, 2, 1, 0, 4]
  assert max(pieces) < whole


def test_the_game_goes_on_after_a_life():
  environment = envs.make("hero", seed=0, terminal_on_life_loss=True)
  _until_last(environment)
  ram, screen = environment.ram(), environment.render()
  environment.reset()
  assert environment.emulator_frames == 0
  np.testing.assert_array_equal(environment.ram(), ram)
  np.testing.assert_array_equal(environment.render(), screen)
  environment.reset()  # asked for in the middle: a new game
  assert environment.lives == 4


def test_minimal_action_set():
  environment = envs.make("breakout", seed=0, full_action_set=False)
  assert environment.action_meanings == ["NOOP", "FIRE", "RIGHT", "LEFT"]
  assert environment.action_spec().num_values == 4
  full = envs.make("breakout", seed=0, noop_max=0)
  minimal = envs.make("breakout", seed=0, noop_max=0, full_action_set=False)
  names = [minimal.action_meanings[i] for i in _actions(minimal, 100)]
  same = [full.action_meanings.index(name) for name in names]
  assert _play(full, same) == _play(minimal, _actions(minimal, 100))


def test_a_new_game_inherits_no_events():
  environment = envs.make("hero", seed=0)
  _until_last(environment)
  environment.reset()
  assert environment.events == {}
  assert environment.native_reward == 0.0
  step = environment.step(0)
  assert environment.events == {}
  assert step.reward == 0.0


def test_events_of_a_step_sum_over_its_frames():
  environment = envs.make("ms_pacman", seed=0, noop_max=0)
  environment.reset()
  decoder = envs.decoder("ms_pacman")
  ale = replay.console("ms_pacman")
  seen = 0
  for action in _actions(environment, 400):
    step = environment.step(action)
    expected = {}
    for frame in replay.frames(ale, [action] * 4):
      for event, count in decoder.decode(frame.before, frame.after).items():
        expected[event] = expected.get(event, 0) + count
    assert environment.events == expected
    seen += bool(expected)
    if step.last():
      break
  assert seen > 10


def test_properties():
  environment = envs.make("hero_easy", seed=0)
  environment.reset()
  assert environment.game == "hero"
  assert environment.lives == 4
  assert len(environment.action_meanings) == 18
  assert environment.action_meanings[:2] == ["NOOP", "FIRE"]
  assert environment.render().shape == (210, 160, 3)
  assert environment.render().dtype == np.uint8
  ram = environment.ram()
  ram[:] = 0
  assert environment.ram().any()
  environment.events["miner"] = 1
  assert environment.events == {}


@pytest.mark.parametrize(
  "action", [-1, 18, 1.0, "FIRE", None, np.array([1, 2])]
)
def test_actions_outside_the_spec_are_refused(action):
  environment = envs.make("hero", seed=0)
  environment.reset()
  with pytest.raises(ValueError, match=r"^action: got .*allowed: .* 0 to 17"):
    environment.step(action)


@pytest.mark.parametrize(
  ("field", "value"),
  [
    ("seed", -1),
    ("seed", 1.5),
    ("seed", None),
    ("action_repeat", 0),
    ("action_repeat", 4.0),
    ("num_stacked", 0),
    ("noop_max", -1),
    ("noop_max", True),
    ("max_episode_frames", 30),
    ("sticky_action_probability", 1.0),
    ("sticky_action_probability", -0.1),
    ("sticky_action_probability", float("nan")),
  ],
)
def test_bad_arguments_are_refused_in_one_line(field, value):
  with pytest.raises(
    ValueError, match=rf"^{field}: got .*; allowed: "
  ) as error:
    envs.make("hero", **{"seed": 0, field: value})
  assert repr(value) in str(error.value)
  assert "\n" not in str(error.value)


def test_an_unknown_game_is_refused():
  with pytest.raises(ValueError, match=r"^game: got 'hiro'"):
    envs.AtariEnvironment("hiro", seed=0)


def test_a_reward_of_events_needs_a_decoder():
  with pytest.raises(ValueError, match=r"^decoder: got None"):
    envs.AtariEnvironment("pong", seed=0, reward=lambda events: 0.0)


def test_the_emulators_banner_is_silent(capfd):
  envs.make("hero", seed=0).reset()
  assert capfd.readouterr() == ("", "")
