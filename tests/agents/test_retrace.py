"""Retrace against rlax, against a plain loop, and on its padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from behavior_transfer.agents import q_learning

EPSILON = 1e-3
LAMBDA = 0.9
TARGET_EPSILON = 0.05


def problem(length=7, batch=5, entries=4, seed=0):
  """Random Q-values on a rescaled scale, and an epsilon-greedy behaviour."""
  rng = np.random.default_rng(seed)
  online_q, target_q = rng.normal(0, 3, (2, length + 1, batch, entries))
  return dict(
    online_q=online_q.astype(np.float32),
    target_q=target_q.astype(np.float32),
    action=rng.integers(entries, size=(length, batch)),
    behaviour_probability=rng.uniform(0.02, 1, (length, batch)).astype(
      np.float32
    ),
    reward=rng.normal(0, 5, (length, batch)).astype(np.float32),
    discount=rng.choice([0.0, 0.97], (length, batch), p=[0.2, 0.8]).astype(
      np.float32
    ),
    valid=np.ones((length, batch), bool),
  )


def targets(x):
  return np.asarray(
    q_learning.retrace_targets(
      **x,
      lambda_=LAMBDA,
      target_epsilon=TARGET_EPSILON,
      rescale_epsilon=EPSILON,
    )
  )


def h(x):
  return np.sign(x) * (np.sqrt(np.abs(x) + 1) - 1) + EPSILON * x


def h_inverse(x):
  root = np.sqrt(1 + 4 * EPSILON * (np.abs(x) + 1 + EPSILON))
  return np.sign(x) * (((root - 1) / (2 * EPSILON)) ** 2 - 1)


def plain(x, b, length):
  """NGU's appendix E written out for one sequence: sums of products."""
  q = h_inverse(np.asarray(x["target_q"][:, b], np.float64))
  num = q.shape[-1]
  pi = np.full(q.shape, TARGET_EPSILON / num)
  for t, row in enumerate(x["online_q"][:, b]):
    pi[t, row.argmax()] += 1 - TARGET_EPSILON
  action, mu = x["action"][:, b], x["behaviour_probability"][:, b]
  reward, discount = x["reward"][:, b], x["discount"][:, b]
  result = []
  for t in range(length):
    total, weight = q[t, action[t]], 1.0
    for s in range(t, length):
      if s > t:
        weight *= discount[s - 1] * LAMBDA
        weight *= min(1.0, pi[s, action[s]] / mu[s])
      expected = (pi[s + 1] * q[s + 1]).sum()
      total += weight * (reward[s] + discount[s] * expected - q[s, action[s]])
    result.append(h(total))
  return np.array(result)


def test_targets_are_the_sum_of_the_paper():
  x = problem()
  result = targets(x)
  for b in range(result.shape[1]):
    np.testing.assert_allclose(result[:, b], plain(x, b, 7), rtol=2e-4)


def test_targets_are_rlaxs():
  x = problem(seed=1)
  num = x["online_q"].shape[-1]
  greedy = jax.nn.one_hot(x["online_q"].argmax(-1), num)
  pi = (1 - TARGET_EPSILON) * greedy + TARGET_EPSILON / num
  pair = rlax.SIGNED_HYPERBOLIC_PAIR

  def error(b):
    # rlax takes a_t and mu_t at t = 1 .. T, and gives the TD error.
    q = x["target_q"][:, b]
    last = np.zeros(1, np.int64)
    action = x["action"][:, b]
    td_error = rlax.transformed_retrace(
      q_tm1=q[:-1],
      q_t=q[1:],
      a_tm1=action,
      a_t=np.concatenate([action[1:], last]),
      r_t=x["reward"][:, b],
      discount_t=x["discount"][:, b],
      pi_t=pi[1:, b],
      mu_t=np.concatenate(
        [x["behaviour_probability"][1:, b], np.float32([1e9])]
      ),
      lambda_=LAMBDA,
      eps=0.0,
      tx_pair=pair,
    )
    return td_error + q[:-1][np.arange(7), action]

  with jax.numpy_rank_promotion("allow"):
    expected = np.stack([error(b) for b in range(5)], axis=1)
  np.testing.assert_allclose(targets(x), expected, rtol=1e-3, atol=1e-3)


def test_padding_changes_nothing():
  x = problem(length=9, seed=2)
  x["valid"][6:] = False
  x["action"][6:] = -1
  x["behaviour_probability"][6:] = 0
  for name in ("reward", "discount"):
    x[name][6:] = np.nan
  for name in ("online_q", "target_q"):
    x[name][7:] = np.nan
  result = targets(x)[:6]
  short = {k: v[:7] if "_q" in k else v[:6] for k, v in x.items()}
  np.testing.assert_allclose(result, targets(short), rtol=1e-5)
  assert np.isfinite(result).all()


def test_on_policy_it_is_q_lambda():
  """Where behaviour and pi agree and lambda is 1, the Monte Carlo return."""
  x = problem(length=4, batch=1, seed=3)
  x["discount"][:] = 0.9
  x["discount"][3] = 0.0
  greedy = x["online_q"][:-1].argmax(-1)
  x["action"], x["behaviour_probability"] = greedy, np.ones((4, 1), np.float32)
  result = q_learning.retrace_targets(
    **x, lambda_=1.0, target_epsilon=0.0, rescale_epsilon=EPSILON
  )
  expected, total = [], 0.0
  for reward in x["reward"][::-1, 0]:
    total = reward + 0.9 * total
    expected.append(h(total))
  np.testing.assert_allclose(result[:, 0], expected[::-1], rtol=1e-3)


@pytest.mark.parametrize("lambda_", [0.0, 0.5])
def test_without_traces_it_is_one_step(lambda_):
  """An action that pi never takes cuts the trace, as lambda = 0 does."""
  x = problem(length=3, batch=2, entries=2, seed=4)
  x["action"] = 1 - x["online_q"][:-1].argmax(-1)
  result = q_learning.retrace_targets(
    **x, lambda_=lambda_, target_epsilon=0.0, rescale_epsilon=EPSILON
  )
  best = x["online_q"].argmax(-1)
  value = np.take_along_axis(x["target_q"], best[..., None], -1)[..., 0]
  one_step = x["reward"] + x["discount"] * h_inverse(value[1:])
  np.testing.assert_allclose(result, h(jnp.asarray(one_step)), rtol=1e-3)
