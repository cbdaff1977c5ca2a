"""The rows that a priority is computed of."""

import jax
import numpy as np
import pytest

from behavior_transfer.agents import networks
from behavior_transfer.agents.replay import cutter, window
from tests.agents import replay_toys as toys

CUT = cutter.Cutter(burn_in=4, trace_length=6, sequence_period=3)


def make_window(num_environments):
  spec = toys.spec(CUT.length)
  return window.Window(CUT, num_environments, spec, toys.NUM_ENTRIES)


def push(window_, episodes, t):
  rows, q = jax.tree.map(
    lambda *x: np.stack([array[t] for array in x]), *episodes
  )
  window_.push(rows.action, rows.reward, rows.discount, rows.extras, q)


def check(learned, b, episode, span):
  """Compares with the sequence, cut out of the whole episode."""
  q, rows = learned
  found = toys.Cut(0, False, [], span.start)
  for row in range(span.first, span.first + CUT.length):
    found.rows.append(row if 0 <= row <= span.last else None)
  sequence, expected_q = toys.expected(episode, found)
  np.testing.assert_array_equal(q[:, b], expected_q[CUT.burn_in :])
  for name in ("action", "reward", "discount", "valid"):
    column = getattr(rows, name)[:, b]
    expected = getattr(sequence, name)[CUT.burn_in : -1]
    np.testing.assert_array_equal(column, expected)
    assert column.dtype == expected.dtype
  for name, expected in sequence.extras.items():
    np.testing.assert_array_equal(
      rows.extras[name][:, b], expected[CUT.burn_in : -1]
    )


@pytest.mark.parametrize("num_steps", [1, 5, 6, 7, 8, 20, 21, 22])
def test_one_environment(num_steps):
  """As the Reverb adder uses it."""
  episode = toys.random_episode(np.random.default_rng(0), num_steps)
  window_ = make_window(1)
  for _ in range(2):
    window_.begin(0)
    for t in range(num_steps):
      push(window_, [episode], t)
      if span := CUT.completed(t):
        check(window_.learned([(0, span)], 1), 0, episode, span)
    window_.push_last(0, episode.q[-1])
    for span in CUT.remaining(num_steps):
      check(window_.learned([(0, span)], 1), 0, episode, span)


def test_environments_in_lock_step_have_rows_of_their_own():
  rng = np.random.default_rng(1)
  episodes = [toys.random_episode(rng, 30) for _ in range(3)]
  window_ = make_window(3)
  for t in range(10):
    push(window_, episodes, t)
  window_.push_last(1, episodes[1].q[10])
  last = cutter.Span(-1, 9)
  learned = window_.learned([(2, last), (0, last)], 4)
  check(learned, 0, episodes[2], last)
  check(learned, 1, episodes[0], last)
  q, rows = learned
  assert q.shape == (7, 4, toys.NUM_ENTRIES)
  assert rows.observation is None and rows.recurrent_state is None
  # What makes up the batch is padding.
  assert not q[:, 2:].any() and not rows.valid[:, 2:].any()
  np.testing.assert_array_equal(rows.action[:, 2:], networks.NO_ACTION)
  np.testing.assert_array_equal(window_.num_rows, [10, 11, 10])
  window_.begin(1)
  np.testing.assert_array_equal(window_.num_rows, [10, 0, 10])


def test_it_goes_on_as_it_was():
  rng = np.random.default_rng(2)
  episodes = [toys.random_episode(rng, 30) for _ in range(2)]
  window_ = make_window(2)
  for t in range(7):
    push(window_, episodes, t)
  saved, other = window_.save_state(), make_window(2)
  other.restore_state(saved)
  for each in (window_, other):
    for t in range(7, 10):
      push(each, episodes, t)
  again = other.save_state()
  for name, array in window_.save_state().items():
    np.testing.assert_array_equal(again[name], array)
  assert any(np.any(saved[name] != again[name]) for name in saved)
  check(other.learned([(1, cutter.Span(-1, 9))], 1), 0, episodes[1],
        cutter.Span(-1, 9))  # fmt: skip


def test_a_column_that_replay_does_not_keep_is_refused():
  episode = toys.random_episode(np.random.default_rng(0), 3)
  rows = jax.tree.map(lambda x: x[:1], episode.rows)
  with pytest.raises(ValueError, match="no field of name luck"):
    make_window(1).push(
      rows.action,
      rows.reward,
      rows.discount,
      {"luck": rows.reward},
      episode.q[:1],
    )
