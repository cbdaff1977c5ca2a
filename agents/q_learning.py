"""Targets, priorities and weights of recurrent Q-learning, as pure functions.

Axes: T time, B batch. Everything acts along the leading time axis, or on
single numbers, and leaves the trailing axes alone.
"""

import chex
import jax
import jax.numpy as jnp


def rescale(x: chex.Array, epsilon: float) -> chex.Array:
  """h(x) = sign(x) (sqrt(|x| + 1) - 1) + epsilon x (R2D2, sec. 2.3)."""
  return jnp.sign(x) * (jnp.sqrt(jnp.abs(x) + 1) - 1) + epsilon * x


def unscale(x: chex.Array, epsilon: float) -> chex.Array:
  """The inverse of `rescale`, for epsilon > 0.

  Pohlen et al. (2018), Prop. A.2. NGU's appendix prints it without the square;
  only this form inverts h.
  """
  root = jnp.sqrt(1 + 4 * epsilon * (jnp.abs(x) + 1 + epsilon))
  # (root - 1) / (2 epsilon), written so that nothing cancels in float32.
  inner = 2 * (jnp.abs(x) + 1 + epsilon) / (root + 1)
  return jnp.sign(x) * (jnp.square(inner) - 1)


def n_step_returns(
  reward: chex.Array,
  discount: chex.Array,
  value: chex.Array,
  valid: chex.Array,
  n: int,
) -> chex.Array:
  """n-step bootstrapped returns, within the valid part of each sequence.

  y_t = sum_{k<m} (prod_{j<k} d_{t+j}) r_{t+k} + (prod_{j<m} d_{t+j}) v_{t+m}
  with m = n, or less where fewer than n valid steps follow: the last value to
  bootstrap from is that of the observation after the last valid step.

  Args:
    reward: `[T, ...]`, of the transition from t to t + 1.
    discount: `[T, ...]`, gamma, or 0 where that transition ends the episode.
    value: `[T + 1, ...]`, of the observation at t.
    valid: bool `[T, ...]`, true on a prefix, false on the padding after it.
    n: steps.

  Returns:
    `[T, ...]`; meaningless where not valid.
  """
  chex.assert_equal_shape([reward, discount, valid])
  chex.assert_shape(value, (reward.shape[0] + 1, *reward.shape[1:]))
  length = reward.shape[0]
  num_valid = valid.sum(axis=0)
  times = jnp.arange(length + n + 1).reshape(-1, *[1] * num_valid.ndim)
  # Past the end nothing is earned or discounted and the value stays the last.
  source = jnp.minimum(times, num_valid[None])
  value = jnp.take_along_axis(value, source, axis=0)
  pad = [(0, n)] + [(0, 0)] * (reward.ndim - 1)
  reward = jnp.pad(jnp.where(valid, reward, 0.0), pad)
  discount = jnp.pad(jnp.where(valid, discount, 1.0), pad, constant_values=1.0)
  returns = value[n : n + length]
  for k in reversed(range(n)):
    returns = reward[k : k + length] + discount[k : k + length] * returns
  return returns


def double_q_targets(
  online_q: chex.Array,
  target_q: chex.Array,
  reward: chex.Array,
  discount: chex.Array,
  valid: chex.Array,
  n: int,
  rescale_epsilon: float,
) -> chex.Array:
  """R2D2's targets: n-step, double Q, in rescaled space (ICLR 2019, eq. 1).

  y_t = h(sum_k gamma^k r_{t+k} + gamma^n h^-1(Q'(o_{t+n}, argmax_a Q(o_{t+n},
  a)))).

  Args:
    online_q: `[T + 1, B, E]`, chooses the action.
    target_q: `[T + 1, B, E]`, gives its value.
    reward, discount, valid: `[T, B]`, see `n_step_returns`.
    n: steps.
    rescale_epsilon: epsilon of h.

  Returns:
    `[T, B]`.
  """
  chex.assert_rank([online_q, target_q, reward], [3, 3, 2])
  chex.assert_equal_shape([online_q, target_q])
  best = jnp.argmax(online_q, axis=-1)
  value = jnp.take_along_axis(target_q, best[..., None], axis=-1)[..., 0]
  returns = n_step_returns(
    reward, discount, unscale(value, rescale_epsilon), valid, n
  )
  return rescale(returns, rescale_epsilon)


def retrace_targets(
  online_q: chex.Array,
  target_q: chex.Array,
  action: chex.Array,
  behaviour_probability: chex.Array,
  reward: chex.Array,
  discount: chex.Array,
  valid: chex.Array,
  lambda_: float,
  target_epsilon: float,
  rescale_epsilon: float,
) -> chex.Array:
  """NGU's targets: Retrace in rescaled space (arXiv 2002.06038, App. E).

  y_t = h(G_t), where with q = h^-1(Q') and c = lambda min(1, pi / mu)

  G_t = r_t + gamma_t (E_pi q(o_{t+1}, .) + c_{t+1} (G_{t+1} - q(o_{t+1},
  a_{t+1}))),

  and c = 0 past the last valid step. pi is epsilon-greedy in the online
  network.

  Args:
    online_q: `[T + 1, B, E]`, gives pi.
    target_q: `[T + 1, B, E]`, gives values.
    action: int32 `[T, B]`, executed.
    behaviour_probability: `[T, B]`, mu, with which it was chosen.
    reward, discount, valid: `[T, B]`, see `n_step_returns`.
    lambda_: lambda.
    target_epsilon: epsilon of pi.
    rescale_epsilon: epsilon of h.

  Returns:
    `[T, B]`; meaningless where not valid.
  """
  chex.assert_rank([online_q, target_q, reward], [3, 3, 2])
  chex.assert_equal_shape([online_q, target_q])
  chex.assert_equal_shape(
    [action, behaviour_probability, reward, discount, valid]
  )
  num_entries = online_q.shape[-1]
  greedy = jax.nn.one_hot(jnp.argmax(online_q, axis=-1), num_entries)
  policy = (1 - target_epsilon) * greedy + target_epsilon / num_entries
  value = unscale(target_q, rescale_epsilon)
  expected = (policy * value).sum(axis=-1)

  def of_action(x):
    index = jnp.maximum(action, 0)[..., None]  # NO_ACTION on padding
    return jnp.take_along_axis(x[:-1], index, axis=-1)[..., 0]

  ratio = jnp.minimum(1.0, of_action(policy) / behaviour_probability)

  def backwards(correction, step):
    """`correction` is c (G - q) of the step after this one."""
    reward, discount, expected, trace, value = step
    returns = reward + discount * (expected + correction)
    return trace * (returns - value), returns

  steps = (reward, discount, expected[1:], lambda_ * ratio, of_action(value))
  masked = tuple(jnp.where(valid, x, 0.0) for x in steps)
  _, returns = jax.lax.scan(
    backwards, jnp.zeros_like(reward[0]), masked, reverse=True
  )
  return rescale(returns, rescale_epsilon)


def sequence_priority(
  td_error: chex.Array, valid: chex.Array, max_weight: float
) -> chex.Array:
  """p = eta max |delta| + (1 - eta) mean |delta| over valid steps (R2D2).

  Args:
    td_error: `[T, B]`.
    valid: bool `[T, B]`.
    max_weight: eta.

  Returns:
    `[B]`.
  """
  chex.assert_equal_shape([td_error, valid])
  error = jnp.where(valid, jnp.abs(td_error), 0.0)
  mean = error.sum(axis=0) / jnp.maximum(valid.sum(axis=0), 1)
  return max_weight * error.max(axis=0) + (1 - max_weight) * mean


def importance_weights(probability: chex.Array, exponent: float) -> chex.Array:
  """(1 / P(i))^exponent, divided by the largest of the batch (Schaul, 2016).

  Args:
    probability: `[B]`, with which each sequence was sampled.
    exponent: beta; 0 gives 1 everywhere.

  Returns:
    `[B]`.
  """
  chex.assert_rank(probability, 1)
  # What underflowed to 0 was as unlikely as float32 can tell.
  probability = jnp.maximum(probability, jnp.finfo(jnp.float32).tiny)
  return jnp.power(probability.min() / probability, exponent)
