"""Both engines cut the same play into the same sequences."""

import jax
import numpy as np
import pytest

from tests.agents import noisy_play

pytestmark = pytest.mark.acme


def in_one_order(stored):
  """Sorted by the noise of their frames, which tells sequences apart."""
  seen = [x.tobytes() for x in stored.sequences.observation]
  assert len(set(seen)) == len(seen)
  order = np.array(sorted(range(len(seen)), key=seen.__getitem__))
  columns = jax.tree.map(lambda x: x[order], stored.sequences)
  return columns._asdict(), stored.priorities[order]


@pytest.mark.parametrize(
  "name, num_stacked",
  [("bt_controlled", 1), ("bt_controlled", 4), ("mixture", 1)],
)
def test_a_server_and_the_embedded_replay_hold_the_same(name, num_stacked):
  """By actors of one environment, and by two halves of a run."""
  agent = noisy_play.make_agent(name, num_stacked)
  by_acme = noisy_play.play_with_acme(agent, num_stacked)
  embedded = noisy_play.play_embedded(agent, (2, 1), num_stacked)
  expected, priorities = in_one_order(by_acme)
  given, given_priorities = in_one_order(embedded)
  assert given.keys() == expected.keys()
  np.testing.assert_allclose(given_priorities, priorities, rtol=1e-5, atol=1e-5)
  assert_same(given.pop("recurrent_state"), expected.pop("recurrent_state"))
  if name == "mixture":  # what its networks say of a step
    extras, expected_extras = given.pop("extras"), expected.pop("extras")
    assert_same(extras, expected_extras)
    assert_same(given.pop("reward"), expected.pop("reward"), rtol=1e-5)
  jax.tree.map(np.testing.assert_array_equal, given, expected)
  # Not so for want of play: all kinds of steps and sequences are among them.
  assert (expected["action"] >= 0).sum() > 300
  assert len(set(expected["action"].ravel())) == 4
  padded = ~expected["valid"]
  assert padded[:, 0].any() and padded[:, -2].any() and not padded[:, 4].any()


def assert_same(some, others, rtol=0.0):
  """The same but for how the sums of networks are rounded."""
  assert jax.tree.structure(some) == jax.tree.structure(others)
  for x, y in zip(jax.tree.leaves(some), jax.tree.leaves(others), strict=True):
    assert x.dtype == y.dtype
    np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-6)
