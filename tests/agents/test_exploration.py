"""Flight lengths against their closed form, the counter, the ladder."""

import fractions
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import exploration


def test_ladder_by_hand():
  # 0.4^(1 + 7 i / 3)
  np.testing.assert_allclose(
    exploration.epsilon_ladder(4, 0.4, 7.0),
    [0.4, 0.4 ** (10 / 3), 0.4 ** (17 / 3), 0.4**8],
    rtol=1e-6,
  )


def test_ladder_of_256_has_the_published_ends():
  ladder = exploration.epsilon_ladder(256, 0.4, 7.0)
  assert ladder[0] == np.float32(0.4)
  np.testing.assert_allclose(ladder[-1], 6.5536e-4, rtol=1e-5)
  assert np.all(np.diff(ladder) < 0)


def test_a_single_environment_has_the_base():
  np.testing.assert_allclose(exploration.epsilon_ladder(1, 0.4, 7.0), [0.4])


def test_rungs_are_drawn_uniformly():
  ladder = exploration.epsilon_ladder(8, 0.4, 7.0)
  keys = jax.random.split(jax.random.PRNGKey(0), 8000)
  drawn = jax.vmap(lambda k: exploration.draw_epsilon(k, ladder))(keys)
  counts = [(drawn == rung).sum() for rung in ladder]
  assert sum(counts) == 8000
  # Binomial with deviation 30.
  np.testing.assert_allclose(counts, 1000, atol=130)


def rungs(index, count, num_rungs):
  """Rungs that environment `index` of `count` gets, whatever is drawn."""
  share = exploration.Share(index, count)
  draws = jnp.arange(num_rungs)
  return np.asarray(exploration.rung(draws, share, num_rungs))


def test_rungs_by_hand():
  np.testing.assert_array_equal(rungs(0, 1, 4), [0, 1, 2, 3])
  np.testing.assert_array_equal(rungs(1, 2, 4), [2, 2, 3, 3])
  # floor((1 + u) / 3 * 4), u at 0, 1/4, 1/2 and 3/4
  np.testing.assert_array_equal(rungs(1, 3, 4), [1, 1, 2, 2])
  np.testing.assert_array_equal(rungs(5, 8, 4), [2, 2, 2, 2])


@pytest.mark.parametrize("num_rungs", [1, 2, 16, 256, 300])
@pytest.mark.parametrize("count", [1, 2, 3, 16, 256, 300])
def test_rungs_follow_the_rule_to_the_edges(count, num_rungs):
  """Against the rule in fractions, for the least and largest u of a draw."""
  for index in {0, 1, count // 2, count - 2, count - 1} & set(range(count)):
    found = rungs(index, count, num_rungs)
    for draw in {0, 1, num_rungs // 2, num_rungs - 1} & set(range(num_rungs)):
      for u in (
        fractions.Fraction(draw, num_rungs),
        fractions.Fraction(draw + 1, num_rungs) - fractions.Fraction(1, 2**40),
      ):
        assert found[draw] == (index + u) / count * num_rungs // 1


@pytest.mark.parametrize("num", [1, 2, 16, 256, 300])
def test_an_environment_for_each_rung_keeps_it_whatever_is_drawn(num):
  for index in range(num):
    assert set(rungs(index, num, num)) == {index}


@pytest.mark.parametrize(("count", "num_rungs"), [(16, 256), (3, 300), (7, 20)])
def test_the_shares_cover_the_ladder_without_gaps(count, num_rungs):
  of_each = [rungs(index, count, num_rungs) for index in range(count)]
  assert set(np.concatenate(of_each)) == set(range(num_rungs))
  for before, after in itertools.pairwise(of_each):
    # Shares may meet on a rung that is not whole of either.
    assert before[-1] + (num_rungs % count == 0) <= after[0]
    assert after[0] <= before[-1] + 1


def test_a_share_is_drawn_from_uniformly():
  ladder = exploration.epsilon_ladder(8, 0.4, 7.0)
  keys = jax.random.split(jax.random.PRNGKey(0), 4000)
  share = exploration.Share(1, 2)
  drawn = jax.vmap(lambda k: exploration.draw_epsilon(k, ladder, share))(keys)
  counts = [(drawn == rung).sum() for rung in ladder]
  np.testing.assert_array_equal(counts[:4], 0)
  np.testing.assert_allclose(counts[4:], 1000, atol=130)


def closed_form(exponent, cap):
  weights = np.arange(1, cap + 1, dtype=np.float64) ** -exponent
  return weights / weights.sum()


@pytest.mark.parametrize(
  ("exponent", "cap"), [(2.0, 100), (1.5, 7), (2.0, 1), (10.0, 1000)]
)
def test_lengths_follow_the_closed_form(exponent, cap):
  num = 200_000
  keys = jax.random.split(jax.random.PRNGKey(1), num)
  sample = jax.jit(jax.vmap(exploration.zeta_length(exponent, cap)))
  lengths = np.asarray(sample(keys))
  assert lengths.min() == 1 and lengths.max() <= cap
  expected = num * closed_form(exponent, cap)
  counts = np.bincount(lengths, minlength=cap + 1)[1:]
  # 5 deviations of each count, and at least a few draws of slack.
  assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected) + 5)


def test_thresholds_keep_the_far_tail():
  # P(n = 10,000) is about 6e-9: 24 random bits could not represent it.
  thresholds = exploration._zeta_thresholds(2.0, 10_000).astype(np.float64)
  probability = np.diff(np.concatenate([[0.0], thresholds, [2.0**32]])) / 2**32
  expected = closed_form(2.0, 10_000)
  assert np.all(np.abs(probability - expected) <= 2.0**-32)
  assert np.all(probability > 0)
  # Mean and P(1) of the distribution cut at 10,000.
  mean = (np.arange(1, 10_001) * probability).sum()
  np.testing.assert_allclose(mean, 5.95, atol=0.01)
  np.testing.assert_allclose(probability[0], 6 / np.pi**2, atol=1e-4)


def run_counter(probability, length, num_steps, seed=0):
  """The counter over an episode: who flies, and where flights start."""

  def step(remaining, key):
    start_key, length_key = jax.random.split(key)
    in_flight, started, remaining = exploration.continue_or_start_flight(
      start_key, length_key, remaining, probability, length
    )
    return remaining, (in_flight, started)

  keys = jax.random.split(jax.random.PRNGKey(seed), num_steps)
  _, (in_flight, started) = jax.lax.scan(step, jnp.int32(0), keys)
  return np.asarray(in_flight), np.asarray(started)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_flight_of_length_n_lasts_exactly_n_steps(n):
  in_flight, started = run_counter(
    0.3, lambda key: jnp.int32(n), num_steps=3000
  )
  starts = np.flatnonzero(started)
  assert len(starts) > 100
  expected = np.zeros(3000, bool)
  for start in starts:
    expected[start : start + n] = True
  np.testing.assert_array_equal(in_flight, expected)
  # None starts within another.
  assert np.all(np.diff(starts) >= n)


def test_share_of_flight_steps_matches_the_renewal_formula():
  # f = e E / (e E + 1 - e) with E the mean length; here 3.17 for cap 100.
  epsilon, mean = 0.04, (np.arange(1, 101) * closed_form(2.0, 100)).sum()
  in_flight, _ = run_counter(
    epsilon, exploration.zeta_length(2.0, 100), num_steps=200_000
  )
  expected = epsilon * mean / (epsilon * mean + 1 - epsilon)
  np.testing.assert_allclose(in_flight.mean(), expected, rtol=0.06)


def test_no_flight_at_probability_zero_and_always_at_one():
  length = exploration.zeta_length(2.0, 10)
  assert not run_counter(0.0, length, 2000)[0].any()
  assert run_counter(1.0, length, 2000)[0].all()
