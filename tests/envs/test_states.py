"""Saved states: what follows is the same to the bit, or they are refused."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest
import replay

from behavior_transfer import envs
from behavior_transfer.envs import conditions, rules, states, sticky

_STEPS = 400  # compared after each restored state

_CONDITIONED = envs.Variant(
  "conditioned",
  "ms_pacman",
  {"dot": 10.0, "life_lost": -1.0},
  conditions.Conditions(
    caps={"dot": 20},
    visits={"level": 3.0, "room": 5.0},
    shaping=conditions.Shaping("x", 0.01, 0.997),
    ends_on=("life_lost",),
  ),
)
_MAZE_CONDITIONED = envs.Variant(
  "conditioned_maze",
  "maze",
  {"coin": 1.0, "trap": -1.0},
  conditions.Conditions(
    caps={"coin": 2}, visits={"room": 5.0}, ends_on=("trap",)
  ),
)
_STICKY = {"sticky_action_probability": 0.25, "num_stacked": 4}
_CASES = {
  "hero_hard": ("hero_hard", {"max_episode_frames": 1203}),
  "ms_pacman_easy": ("ms_pacman_easy", {}),
  "montezuma_revenge": ("montezuma_revenge", {"num_stacked": 2}),
  "sticky hero": ("hero_hard", _STICKY),
  "every frame": (
    "ms_pacman",
    {**_STICKY, "action_repeat": 1, "max_episode_frames": 150},
  ),
  "lives": ("breakout", {**_STICKY, "terminal_on_life_loss": True}),
  "a button held": ("qbert", {"full_action_set": False, "noop_max": 0}),
  "conditioned": (_CONDITIONED, _STICKY),
  "maze": ("maze", {}),
  "maze_dense": ("maze_dense", {**_STICKY, "max_episode_frames": 800}),
  "maze_far": ("maze_far", {"num_stacked": 3}),
  "maze_deceptive": ("maze_deceptive", _STICKY),
  "conditioned maze": (_MAZE_CONDITIONED, _STICKY),
}


def _seen(environment):
  """What an environment tells between two steps, in a form to compare."""
  seen = {
    "native": environment.native_reward,
    "events": list(environment.events.items()),
    "place": environment.place,
  }
  if isinstance(environment, envs.AtariEnvironment):
    seen["lives"] = environment.lives
    seen["frames"] = environment.emulator_frames
    seen["ram"] = environment.ram().tobytes()
  return seen


def _step(environment, action):
  step = environment.step(action)
  return {
    **_seen(environment),
    "type": int(step.step_type),
    "reward": step.reward,
    "discount": step.discount,
    "observation": step.observation.tobytes(),
  }


def _play(environment, actions):
  return [_step(environment, action) for action in actions]


def _restore_and_play(name, options, state, actions):
  environment = envs.make(name, seed=99, **options)
  environment.restore_state(state)
  return _play(environment, actions)


def _saved_play(environment, count):
  """Random play from the very start, and states out of it.

  Returns:
    The actions, what was seen after each, and {number of steps before: (state,
    what was seen then)}: unplayed, reset, in the middle, around the ends.
  """
  rng = np.random.default_rng(0)
  actions = rng.integers(environment.action_spec().num_values, size=count)
  steps, saved = [], {}
  for number, action in enumerate(actions):
    ended = bool(steps) and steps[-1]["type"] == 2
    ends = sum(step["type"] == 2 for step in steps)
    if number in (0, 1, 2, 77) or (ended and ends in (1, 4)):
      seen = _seen(environment), environment.render().tobytes()
      saved[number] = environment.save_state(), seen
    steps.append(_step(environment, action))
  return actions, steps, saved


@pytest.mark.parametrize("case", _CASES)
def test_what_follows_is_the_same(case):
  name, options = _CASES[case]
  first = envs.make(name, seed=1, **options)
  actions, steps, saved = _saved_play(first, 1000)
  assert len(saved) >= 5, "no episode ended"
  other = envs.make(name, seed=2, **options)
  for environment, chosen in ((other, saved), (first, list(saved)[-2:])):
    for number in chosen:
      state, seen = saved[number]
      environment.restore_state(state)
      assert (_seen(environment), environment.render().tobytes()) == seen
      assert environment.save_state() == state
      span = slice(number, number + _STEPS)
      assert _play(environment, actions[span]) == steps[span], number


def test_another_process_goes_on_alike():
  name, options = _CASES["conditioned"]
  first = envs.make(name, seed=1, **options)
  actions, steps, saved = _saved_play(first, 600)
  with multiprocessing.get_context("spawn").Pool(1) as pool:
    for number in list(saved)[-2:]:
      span = slice(number, number + _STEPS)
      arguments = (name, options, saved[number][0], actions[span])
      assert pool.apply(_restore_and_play, arguments) == steps[span]


def test_saving_changes_nothing():
  plays = []
  for saves in (False, True):
    environment = envs.make("breakout", seed=3, **_STICKY)
    play = []
    for number in range(300):
      play.append(_step(environment, number % 18))
      if saves:
        environment.save_state()
    plays.append(play)
  assert plays[0] == plays[1]


def test_new_games_follow_the_saved_generator():
  first, other = (envs.make("breakout", seed=seed) for seed in (1, 2))
  first.reset()
  other.restore_state(first.save_state())
  starts = []
  for environment in (first, other):
    starts.append([])
    for _ in range(20):
      environment.reset()
      starts[-1].append(environment.emulator_frames)
  assert starts[0] == starts[1]
  assert len(set(starts[0])) > 5


def test_rewards_are_no_part_of_a_state():
  hard, easy = (
    envs.make(f"ms_pacman_{way}", seed=0) for way in ("hard", "easy")
  )
  hard.step(0)
  easy.restore_state(hard.save_state())
  rewards = set()
  for action in np.random.default_rng(0).integers(18, size=300):
    one, another = hard.step(action), easy.step(action)
    np.testing.assert_array_equal(one.observation, another.observation)
    rewards.add((float(one.reward or 0), float(another.reward or 0)))
  assert (-10.0, 0.0) in rewards


@pytest.mark.parametrize(
  ("theirs", "ours", "message"),
  [
    (("hero", {}), ("ms_pacman", {}), "game: got 'hero'; allowed: 'ms_pacman'"),
    (("maze", {}), ("hero", {}), "game: got 'maze'; allowed: 'hero'"),
    (("hero", {}), ("maze", {}), "game: got 'hero'; allowed: 'maze'"),
    (("maze", {}), ("maze", {"num_stacked": 4}), "num_stacked: got 1; .*: 4"),
    *(
      (("hero", {}), ("hero", {option: value}), f"{option}: got .*; .*{value}")
      for option, value in {
        "action_repeat": 3,
        "num_stacked": 4,
        "noop_max": 0,
        "max_episode_frames": 1000,
        "sticky_action_probability": 0.5,
        "full_action_set": False,
        "terminal_on_life_loss": True,
      }.items()
    ),
    (
      (_CONDITIONED, {}),
      ("ms_pacman", {}),
      "environment: got 'conditioned'; allowed: 'atari'",
    ),
    (
      (_CONDITIONED, {}),
      (_CONDITIONED, {"num_stacked": 4}),
      "num_stacked: got 1; .*: 4",
    ),
    *(
      (
        ("maze", {}) if plain else (_MAZE_CONDITIONED, {}),
        (envs.Variant("maze", "maze", {"coin": 1.0}, other), {}),
        message,
      )
      for plain, other, message in (
        (True, conditions.Conditions(caps={"coin": 2}), "environment: got "),
        (
          False,
          conditions.Conditions(caps={"coin": 3}),
          "caps: got {'coin': 2",
        ),
        (
          False,
          conditions.Conditions(caps={"coin": 2}, visits={"room": 5.0}),
          r"ends_on: got \['trap'\]",
        ),
      )
    ),
  ],
)
def test_states_of_others_are_refused_in_one_line(theirs, ours, message):
  state = envs.make(theirs[0], seed=0, **theirs[1]).save_state()
  environment = envs.make(ours[0], seed=0, **ours[1])
  before = environment.save_state()
  with pytest.raises(ValueError, match=rf"^state: {message}") as error:
    environment.restore_state(state)
  assert "\n" not in str(error.value)
  assert environment.save_state() == before


def test_another_rom_is_refused():
  identity = {"game": "hero", "rom_md5": "a"}
  state = states.pack(identity, {}, {})
  with pytest.raises(ValueError, match=r"^state: rom_md5: got 'a'; .*: 'b'"):
    states.unpack(state, {**identity, "rom_md5": "b"})


def test_another_version_is_refused(monkeypatch):
  environment = envs.make("maze", seed=0)
  with monkeypatch.context() as patch:
    patch.setattr(states, "_VERSION", 2)
    state = environment.save_state()
  with pytest.raises(ValueError, match=r"^state: version: got 2; allowed: 1"):
    environment.restore_state(state)


@pytest.mark.parametrize("cut", [0, 10, -10])
def test_bytes_that_are_no_state_are_refused(cut):
  environment = envs.make("maze", seed=0)
  with pytest.raises(ValueError, match=r"^state: these bytes are no"):
    environment.restore_state(environment.save_state()[:cut])


def test_actions_stick_by_chance_at_each_emulator_frame():
  """Against a plain console, new games and steps that end early included."""
  environment = envs.make(
    "ms_pacman", seed=5, noop_max=0, sticky_action_probability=0.25
  )
  step, ale = environment.reset(), replay.console("ms_pacman")
  stick = sticky.StickyActions(0.25, np.random.SeedSequence(5).spawn(3)[2])
  frames = 0
  for asked in np.random.default_rng(0).integers(18, size=1200):
    if step.last():
      ale.reset_game()
      stick.forget()
    else:
      frames_before = environment.emulator_frames
    was_last, step = step.last(), environment.step(asked)
    if not was_last:
      for _ in range(environment.emulator_frames - frames_before):
        ale.act(stick(int(asked)))
        frames += 1
    np.testing.assert_array_equal(environment.ram(), ale.getRAM())
  assert frames > 4000


@pytest.mark.parametrize("probability", [0.0, 0.25, 0.9])
def test_chance_of_sticking(probability):
  stick = sticky.StickyActions(probability, 0)
  previous, stuck = 0, 0
  for number in range(10_000):
    taken = stick(number + 1)
    assert taken in (number + 1, previous)
    stuck += taken == previous
    previous = taken
  deviation = (10_000 * probability * (1 - probability)) ** 0.5
  assert abs(stuck - 10_000 * probability) <= 4 * deviation


def test_forgotten_actions_do_not_stick():
  stick = sticky.StickyActions(0.9, 0)
  taken = set()
  for _ in range(20):
    stick(5)
    stick.forget()
    taken.add(stick(7))
  assert taken == {0, 7}


_RULES = rules.Rules({"depth": 117}, {"deeper": "depth rises"})


@pytest.mark.parametrize(
  ("variant", "options"),
  [
    *_CASES.values(),
    (envs.Variant("ruled", "hero", {"deeper": 3.0}, rules=_RULES), {}),
  ],
)
@pytest.mark.parametrize(
  "duplicate",
  [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))],
)
def test_copies_go_on_as_the_original_would(variant, options, duplicate):
  original = envs.make(variant, seed=5, **options)
  duplicate(original)  # before there is an episode
  rng = np.random.default_rng(0)
  num_actions = original.action_spec().num_values
  _play(original, rng.integers(num_actions, size=60))
  other = duplicate(original)
  assert _seen(other) == _seen(original)
  actions = rng.integers(num_actions, size=120)
  one = duplicate(other)
  expected = _play(original, actions)
  assert _play(other, actions) == expected
  assert _play(one, actions) == expected


@pytest.mark.parametrize(
  "variant",
  [
    _CONDITIONED,
    envs.Variant("ruled", "hero", {"deeper": 3.0}, rules=_RULES),
  ],
)
def test_variants_are_pickled(variant):
  other = pickle.loads(pickle.dumps(variant))
  assert other == variant
  assert other.events == variant.events
  assert copy.deepcopy(variant) == variant
