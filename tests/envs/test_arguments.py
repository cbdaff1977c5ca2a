"""Arguments: what means what it says is taken, all else is named."""

import copy
import datetime
import pathlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from behavior_transfer import envs
from behavior_transfer.envs import conditions, rules

_GOOD = {
  "seed": [3, np.int64(3), np.uint8(3), np.array(3), 10**30],
  "action_repeat": [2, np.int32(2)],
  "num_stacked": [3, np.int64(3)],
  "noop_max": [0, np.int64(0)],
  "max_episode_frames": [200, np.int64(200)],
  "sticky_action_probability": [0, 0.5, np.float32(0.5), np.int64(0)],
  "full_action_set": [True, False, np.True_],
}
_BAD = [
  None,
  "1",
  "no",
  b"1",
  [1],
  [],
  {},
  1.5,
  -1,
  -(10**5000),
  float("nan"),
  float("inf"),
  np.array([1, 2]),
  1j,
  datetime.date(2020, 1, 1),
  object(),
]


@pytest.mark.parametrize("name", ["breakout", "maze_far"])
@pytest.mark.parametrize("option", _GOOD)
def test_numpys_numbers_are_numbers(name, option):
  played = []
  for value in _GOOD[option]:
    environment = envs.make(name, **{"seed": 3, option: value})
    steps = [environment.step(a) for a in (1, 1, 2, 3, 0, 2)]
    assert environment.restore_state(environment.save_state()) is None
    played.append([step.observation.tobytes() for step in steps])
  for step, same in zip(played[0], played[1], strict=True):
    if option not in ("sticky_action_probability", "full_action_set"):
      assert step == same


@pytest.mark.parametrize("name", ["breakout", "maze_far"])
@pytest.mark.parametrize("option", _GOOD)
@pytest.mark.parametrize("value", _BAD, ids=lambda value: type(value).__name__)
def test_what_cannot_be_is_named(name, option, value):
  with pytest.raises(
    ValueError, match=rf"^{option}: got .*; allowed: "
  ) as error:
    envs.make(name, **{"seed": 0, option: value})
  assert "\n" not in str(error.value)
  assert len(str(error.value)) < 400


def test_pictures_are_bounded():
  with pytest.raises(ValueError, match=r"^num_stacked: .* from 1 to 100"):
    envs.make("hero", seed=0, num_stacked=10**9)


@pytest.mark.parametrize("name", ["hero_hard", "maze"])
@pytest.mark.parametrize("option", ["frameskip", "reward", "decoder", "game"])
def test_unknown_options_are_named_with_those_there_are(name, option):
  message = rf"^{option}: got 4; .*action_repeat.*sticky_action_probability"
  with pytest.raises(ValueError, match=message):
    envs.make(name, seed=0, **{option: 4})


def test_a_path_names_a_file(tmp_path):
  path = tmp_path / "mine.toml"
  path.write_text('game = "maze"\n[rewards]\ncoin = 3\n')
  assert envs.variant(path) == envs.variant(str(path))
  assert envs.make(path, seed=0).game == "maze"
  assert envs.make(pathlib.Path("maze_far"), seed=0).game == "maze"


@pytest.mark.parametrize("name", [None, 3, b"hero", ["hero"], envs.Variant])
def test_what_is_no_name_is_refused(name):
  for take in (envs.variant, lambda name: envs.make(name, seed=0)):
    with pytest.raises(ValueError, match=r"^name: got .*a path or a Variant"):
      take(name)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, 10**400])
def test_rewards_are_finite_in_python_too(value):
  with pytest.raises(ValueError, match=r"^rewards\.goal: got .* from -1e"):
    envs.Variant("mine", "maze", {"goal": value})
  with pytest.raises(ValueError, match=r"^visits\.room: got "):
    conditions.Conditions(visits={"room": value})
  with pytest.raises(ValueError, match=r"^shaping\.weight: got "):
    conditions.Shaping("x", value, 0.9)
  with pytest.raises(ValueError, match=r"^shaping\.discount: got "):
    conditions.Shaping("x", 1, value)
  with pytest.raises(ValueError, match=r"^caps\.goal: got "):
    conditions.Conditions(caps={"goal": value})


def test_a_variant_keeps_what_it_was_made_with():
  table = {"goal": np.float32(2)}
  variant = envs.Variant("mine", "maze", table)
  table["goal"] = float("nan")
  assert variant.rewards == {"goal": 2}
  assert type(variant.rewards["goal"]) is float


_ANYTHING = strategies.recursive(
  strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(),
    strategies.floats(),
    strategies.text(max_size=8),
    strategies.binary(max_size=4),
    strategies.sampled_from(
      [np.int64(2), np.float64(0.5), np.bool_(True), np.zeros((2, 2)), 10**400]
    ),
  ),
  lambda inner: strategies.one_of(
    strategies.lists(inner, max_size=3),
    strategies.dictionaries(
      strategies.one_of(strategies.text(max_size=4), strategies.integers()),
      inner,
      max_size=3,
    ),
  ),
  max_leaves=5,
)


@hypothesis.given(
  strategies.dictionaries(
    strategies.sampled_from([*_GOOD, "frameskip", "terminal_on_life_loss"]),
    _ANYTHING,
    max_size=3,
  )
)
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_options_make_an_environment_or_are_named(options):
  options.setdefault("seed", 0)
  try:
    environment = envs.make("maze_dense", **options)
  except ValueError as error:
    assert str(error).split(":")[0] in options
    assert "\n" not in str(error)
    return
  assert np.isfinite(environment.reset().observation).all()
  copy.copy(environment).step(1)


@hypothesis.given(
  game=strategies.one_of(strategies.just("maze"), _ANYTHING),
  rewards=_ANYTHING,
  caps=_ANYTHING,
  visits=_ANYTHING,
  ends_on=_ANYTHING,
  quantity=strategies.one_of(strategies.just("x"), _ANYTHING),
  weight=_ANYTHING,
)
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_variants_pay_what_is_finite_or_are_refused(
  game, rewards, caps, visits, ends_on, quantity, weight
):
  for given in (
    {},
    {"caps": caps},
    {"visits": visits},
    {"ends_on": ends_on},
    {"shaping": (quantity, weight, 0.5)},
  ):
    try:
      if "shaping" in given:
        given["shaping"] = conditions.Shaping(*given["shaping"])
      variant = envs.Variant(
        "mine",
        game,
        rewards if not given else None,
        conditions.Conditions(**given),
      )
    except ValueError as error:
      assert "\n" not in str(error)
      assert "; allowed: " in str(error)
      continue
    environment = envs.make(variant, seed=0)
    environment.reset()
    assert all(np.isfinite(environment.step(a).reward) for a in range(1, 5))


@hypothesis.given(cells=_ANYTHING, events=_ANYTHING, rom_md5=_ANYTHING)
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_rules_are_refused_in_one_line(cells, events, rom_md5):
  for given in ({"cells": cells}, {"events": events}, {"rom_md5": rom_md5}):
    try:
      rules.Rules(**given)
      envs.Variant("mine", "hero", rules=rules.Rules(**given))
    except ValueError as error:
      assert "\n" not in str(error)
      assert "; allowed: " in str(error)
