"""What the fields of configs may be, and what becomes of it."""

import dataclasses
import fractions
import math
import pickle

import hypothesis
import jax
import numpy as np
import pytest
from hypothesis import strategies as st

from behavior_transfer.agents import bt, configs, exploration, ngu, r2d2
from behavior_transfer.agents.ngu import episodic

CONFIGS = (r2d2.R2D2Config, ngu.NGUConfig, bt.BTConfig)
FIELDS = [(cls, field) for cls in CONFIGS for field in dataclasses.fields(cls)]
# What no field of any type may be.
NEVER = (
  math.nan,
  math.inf,
  -math.inf,
  1e400,
  1e300,
  -1e300,
  10**400,
  -1,
  1j,
  [],
  (1,),
  {},
  b"1",
  np.array([1, 2]),
  np.float32("nan"),
  object(),
)


@pytest.mark.parametrize(
  ("cls", "field"), FIELDS, ids=[f"{c.__name__}.{f.name}" for c, f in FIELDS]
)
def test_each_field_names_itself_what_it_is_and_what_it_may_be(cls, field):
  kind = type(field.default)
  foreign = {bool: (0, 1, "yes", None), str: (1, None, True)}
  foreign |= {int: (1.0, "1", True, None, 2**63), float: ("0.5", True)}
  for value in (*NEVER, *foreign[kind]):
    with pytest.raises(ValueError) as error:
      cls(**{field.name: value})
    message = str(error.value)
    assert message.startswith(f"{field.name} is {value!r}; it must be ")
    assert "\n" not in message


@pytest.mark.parametrize("cls", CONFIGS)
def test_all_that_a_config_holds_is_pythons_own(cls):
  fields = dataclasses.fields(cls)
  kinds = {bool: np.bool_, int: np.int16, float: np.float32, str: np.str_}
  given = {
    field.name: kinds[type(field.default)](field.default)
    for field in fields
    if field.name not in ("max_replay_size", "min_replay_size")
    and field.default not in (30_000, 100_000)
  }
  config = cls(**given)
  for field in fields:
    assert type(getattr(config, field.name)) is type(field.default)
  assert pickle.loads(pickle.dumps(config)) == config
  assert cls(learning_rate=fractions.Fraction(1, 4)).learning_rate == 0.25


def test_unknown_fields_are_named():
  with pytest.raises(ValueError, match="R2D2Config has no field 'bathc_size'"):
    r2d2.R2D2Config(bathc_size=1)
  with pytest.raises(ValueError, match="no field 'epsilon_levy'; it has burn_"):
    dataclasses.replace(ngu.NGUConfig(), epsilon_levy=0.1)


def _values(field):
  allowed = field.metadata["allowed"]
  if not isinstance(allowed, configs.Range):
    return st.sampled_from(allowed or ("replay", "own"))
  low, high = allowed.low, allowed.high
  if isinstance(field.default, int):
    return st.sampled_from((low, low + 1, high - 1, high, field.default))
  return st.sampled_from((low, high, field.default)) | st.floats(low, high)


@st.composite
def _some_fields(draw):
  cls = draw(st.sampled_from(CONFIGS))
  fields = {field.name: field for field in dataclasses.fields(cls)}
  names = draw(st.sets(st.sampled_from(sorted(fields)), max_size=6))
  return cls, {name: draw(_values(fields[name])) for name in sorted(names)}


@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
@hypothesis.given(_some_fields())
def test_what_is_in_range_is_taken_or_refused_for_another_field(drawn):
  cls, given = drawn
  try:
    config = cls(**given)
  except ValueError as error:
    # Ranges are all kept, so that it is two fields that do not go together.
    assert any(other in str(error).split("must be")[1] for other in (
      "trace_length", "max_replay_size", "num_neighbors", "epsilon_greedy"
    ))  # fmt: skip
    return
  assert {name: getattr(config, name) for name in given} == given
  ladder = exploration.epsilon_ladder(
    config.num_environments, config.epsilon_base, config.epsilon_alpha
  )
  assert np.isfinite(ladder).all()


@pytest.mark.parametrize("exponent", [1e-30, 2.0, 1e30])
def test_the_longest_flights_take_little_memory(exponent):
  config = r2d2.R2D2Config(max_flight_length=1_000_000, zeta_exponent=exponent)
  sample = exploration.zeta_length(
    config.zeta_exponent, config.max_flight_length
  )
  keys = jax.random.split(jax.random.PRNGKey(0), 50)
  lengths = np.array(jax.vmap(sample)(keys))
  assert lengths.min() >= 1 and lengths.max() <= 1_000_000
  with pytest.raises(ValueError, match="max_flight_length is 2000000000"):
    r2d2.R2D2Config(max_flight_length=2_000_000_000)


def test_the_smallest_kernel_still_gives_a_reward():
  config = ngu.NGUConfig(kernel_epsilon=1e-30, pseudo_count_constant=1e-30)
  for distances in (np.zeros(10), np.full(10, 7.0)):
    reward = episodic.similarity_reward(
      distances.astype(np.float32), np.float32(7.0), config
    )
    assert np.isfinite(reward) and reward > 0
