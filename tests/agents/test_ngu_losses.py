"""NGU's losses against NumPy and plain loops, and what a learner step changes.

The Q-network of the transcription is a table of action values; the first pixel
of an observation says which row it shows, as in `test_losses`.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from behavior_transfer.agents import learning, networks, ngu
from behavior_transfer.agents import sequences as sequences_lib
from behavior_transfer.agents.ngu import learning as ngu_learning
from behavior_transfer.agents.ngu import losses
from tests.agents import helpers

A, ROWS, N = 3, 10, 4
CONFIG = dict(
  burn_in=2,
  trace_length=6,
  sequence_period=3,
  batch_size=3,
  num_mixtures=N,
  intrinsic_steps=3,
  embedding_size=5,
  inverse_model_size=7,
  rnd_size=6,
)
LENGTH, BATCH = 9, 3


def row_mask(*spans):
  """bool `[L, B]`: the rows of each sequence that hold a transition."""
  valid = np.zeros((LENGTH, len(spans)), bool)
  for b, (start, stop) in enumerate(spans):
    valid[start:stop, b] = True
  return valid


# As replay gives them: full; padded in front; at an episode's end.
USUAL = row_mask((0, 9), (2, 9), (0, 6))
# With fewer transitions than are asked for.
SHORT = row_mask((2, 4), (0, 1), (0, 9))


def make_batch(seed, nets, valid, index=(0, 1, 3)):
  """Time-major sequences; padding holds what replay's adder writes there."""
  rng = np.random.default_rng(seed)
  extras = {
    "mixture_index": np.where(valid, index, 0).astype(np.int32),
    "behaviour_probability": np.where(
      valid, rng.uniform(0.05, 1, valid.shape), 0
    ).astype(np.float32),
  }
  batch = helpers.random_sequences(rng, *valid.shape, nets, extras, valid)
  shown = valid.copy()
  shown[1:] |= valid[:-1]  # the observation after the last transition
  return batch._replace(
    observation=batch.observation * shown[..., None, None, None],
    action=np.where(valid, batch.action, networks.NO_ACTION).astype(np.int32),
    reward=np.where(valid, batch.reward, 0),
    discount=np.where(valid, batch.discount, 0),
  )


def distinct_rows(valid):
  """Sequences whose every row differs from every other in all its fields."""
  length, batch = valid.shape
  numbers = np.arange(length * batch).reshape(length, batch)
  frames = np.tile(numbers[..., None, None, None], (1, 1, 6, 6, 1))
  return sequences_lib.Sequences(
    observation=frames.astype(np.uint8),
    action=numbers.astype(np.int32),
    reward=numbers.astype(np.float32),
    discount=numbers.astype(np.float32) / 100,
    valid=valid,
    recurrent_state=jnp.arange(batch),
    extras={"a": {"b": numbers + 0.5}},
  )


SPANS = {
  "full, last row valid": (0, 9),
  "full, last row not valid": (0, 8),
  "padded in front": (3, 9),
  "padded behind": (0, 5),
  "padded on both sides": (2, 6),
  "exactly as many": (0, 3),
  "exactly as many, at the end": (5, 8),
  "fewer, without burn-in": (0, 2),
  "fewer, padded in front": (7, 8),
  "fewer, and the last row leads nowhere": (7, 9),
  "a single one": (0, 1),
  "only the last row, which leads nowhere": (8, 9),
  "none": (4, 4),
}


@pytest.mark.parametrize("num", [1, 3, 5, 8])
def test_last_transitions_are_those_of_a_plain_loop(num):
  batch = distinct_rows(row_mask(*SPANS.values()))
  last = sequences_lib.last_transitions(batch, num)
  assert last.observation.shape == (num + 1, len(SPANS), 6, 6, 1)
  assert last.action.shape == last.valid.shape == (num + 1, len(SPANS))
  np.testing.assert_array_equal(last.recurrent_state, batch.recurrent_state)
  for b, name in enumerate(SPANS):
    complete = [t for t in range(LENGTH - 1) if batch.valid[t, b]]
    wanted = complete[-num:]
    missing = num - len(wanted)
    assert not last.valid[:missing, b].any(), name
    assert last.valid[missing:-1, b].all(), name
    for i, t in enumerate(wanted, start=missing):
      for field in ("observation", "action", "reward", "discount"):
        np.testing.assert_array_equal(
          getattr(last, field)[i, b], getattr(batch, field)[t, b], name
        )
      assert last.extras["a"]["b"][i, b] == batch.extras["a"]["b"][t, b], name
      np.testing.assert_array_equal(
        last.observation[i + 1, b], batch.observation[t + 1, b], name
      )


@functools.cache
def make_parts(kind, **fields):
  """Config, networks and the compiled learner of a kind of reward."""
  config = ngu.NGUConfig(
    unsupervised=False, intrinsic_reward=kind, **{**CONFIG, **fields}
  )
  nets = ngu.make_networks(
    helpers.environment_spec(A), helpers.TINY, config=config
  )
  return config, nets, ngu_learning.make_learner_core(nets, config)


@pytest.fixture(scope="module", params=["ngu", "rnd", "constant"])
def parts(request):
  return make_parts(request.param)


@pytest.fixture(scope="module")
def full():
  return make_parts("ngu")


@pytest.fixture(scope="module")
def intrinsic_loss(full):
  """(trained, params, last transitions) -> (loss, metrics), gradient."""
  config, nets, _ = full
  loss = losses.make_intrinsic_loss(nets.intrinsic, config)
  return jax.jit(jax.value_and_grad(loss, has_aux=True))


def initial_params(nets, seed=0):
  keys = jax.random.split(jax.random.PRNGKey(seed))
  return ngu_learning.NGUParams(
    nets.q_network.init(keys[0]), nets.intrinsic.init(keys[1])
  )


def numpy_logits(params, before, after):
  """The model of the action, in float64."""
  layers = jax.tree.map(np.float64, params["params"])
  x = np.concatenate([before, after], axis=-1)
  x = x @ layers["Dense_0"]["kernel"] + layers["Dense_0"]["bias"]
  return (
    np.maximum(x, 0) @ layers["Dense_1"]["kernel"] + (layers["Dense_1"]["bias"])
  )


def last_rows(valid):
  """(row, sequence) of the last three transitions of each sequence."""
  return [
    (t, b)
    for b in range(valid.shape[1])
    for t in [t for t in range(LENGTH - 1) if valid[t, b]][-3:]
  ]


def frames_trained_on(batch):
  """Where the last transitions lead."""
  return np.array(
    [batch.observation[t + 1, b] for t, b in last_rows(batch.valid)]
  )


@pytest.mark.parametrize("valid, num", [(USUAL, 9), (SHORT, 6)])
def test_intrinsic_losses_are_numpys_over_the_last_transitions(
  full, intrinsic_loss, valid, num
):
  _, nets, _ = full
  params = initial_params(nets).intrinsic
  batch = make_batch(0, nets.q_network, valid)
  (value, metrics), _ = intrinsic_loss(
    params.trained, params, sequences_lib.last_transitions(batch, 3)
  )
  rows = last_rows(valid)
  assert len(rows) == num
  embeddings = np.float64(
    nets.intrinsic.embed(params.trained["embedding"], batch.observation)
  )
  cross_entropies = []
  for t, b in rows:
    logits = numpy_logits(
      params.trained["inverse_model"], embeddings[t, b], embeddings[t + 1, b]
    )
    log_probabilities = logits - np.log(np.exp(logits).sum())
    cross_entropies.append(-log_probabilities[batch.action[t, b]])
  errors = nets.intrinsic.prediction_error(
    params.trained["predictor"], params, frames_trained_on(batch)
  )
  expected = np.mean(cross_entropies), np.mean(errors)
  np.testing.assert_allclose(
    metrics["inverse_model_loss"], expected[0], rtol=1e-5
  )
  np.testing.assert_allclose(metrics["predictor_loss"], expected[1], rtol=1e-5)
  np.testing.assert_allclose(value, sum(expected), rtol=1e-5)


def test_every_trained_parameter_receives_a_gradient(full, intrinsic_loss):
  _, nets, _ = full
  params = initial_params(nets).intrinsic
  rows = sequences_lib.last_transitions(make_batch(1, nets.q_network, USUAL), 3)
  _, gradient = intrinsic_loss(params.trained, params, rows)
  assert set(gradient) == {"embedding", "inverse_model", "predictor"}
  for name in gradient:
    assert all(np.any(g) for g in jax.tree.leaves(gradient[name])), name


def test_without_a_valid_step_the_intrinsic_losses_are_0(full, intrinsic_loss):
  _, nets, _ = full
  params = initial_params(nets).intrinsic
  batch = make_batch(2, nets.q_network, row_mask((0, 0), (8, 9), (0, 0)))
  rows = sequences_lib.last_transitions(batch, 3)
  (value, _), gradient = intrinsic_loss(params.trained, params, rows)
  assert value == 0
  assert all(not np.any(g) for g in jax.tree.leaves(gradient))


def learn(parts, batches, seed=0):
  """Steps of the learner: initial parameters, state, output of the last."""
  _, nets, core = parts
  before = initial_params(nets, seed)
  # Copies, since a step gives the buffers of its state away.
  state = core.init(jax.tree.map(jnp.copy, before))
  for batch in batches:
    probabilities = np.linspace(0.1, 0.5, BATCH)
    batch = sequences_lib.time_major(batch)  # to batch first
    state, output = core.step(state, batch, probabilities)
  return before, state, output


def some_changed(before, after):
  different = jax.tree.map(lambda x, y: np.any(x != y), before, after)
  return any(jax.tree.leaves(different))


def test_a_learner_step_changes_what_its_reward_needs(parts):
  config, nets, _ = parts
  batches = [make_batch(seed, nets.q_network, USUAL) for seed in range(4)]
  before, state, output = learn(parts, batches)
  needed = {
    "ngu": {"embedding", "inverse_model", "predictor"},
    "rnd": {"predictor"},
    "constant": set(),
  }[config.intrinsic_reward]
  after = state.intrinsic
  assert set(after.trained) == needed
  for name in needed:
    changed = jax.tree.map(
      lambda x, y: np.any(x != y),
      before.intrinsic.trained[name],
      after.trained[name],
    )
    assert all(jax.tree.leaves(changed)), name
  assert some_changed(before.policy, state.policy.params)
  assert ("inverse_model_loss" in output.metrics) == ("embedding" in needed)
  assert ("predictor_loss" in output.metrics) == ("predictor" in needed)
  # Padding has no probability to divide by, and no frames.
  for x in jax.tree.leaves((state.policy.params, after, output)):
    assert np.isfinite(x).all()


def test_the_random_target_never_changes(parts):
  config, nets, _ = parts
  batches = [make_batch(seed, nets.q_network, USUAL) for seed in range(4)]
  before, state, _ = learn(parts, batches)
  leaves = jax.tree.leaves(before.intrinsic.target)
  assert bool(leaves) == (config.intrinsic_reward != "constant")
  assert not some_changed(before.intrinsic.target, state.intrinsic.target)


def assert_moments_of(pixels, batches):
  frames = np.concatenate([frames_trained_on(batch) for batch in batches])
  frames = frames.astype(np.float64) / 255
  assert pixels.count == len(frames)
  np.testing.assert_allclose(pixels.mean, frames.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(pixels.variance, frames.var(axis=0), rtol=1e-3)


def test_pixel_moments_are_of_the_frames_trained_on(parts):
  config, nets, _ = parts
  batches = [make_batch(seed, nets.q_network, USUAL) for seed in range(4)]
  _, state, _ = learn(parts, batches)
  if config.intrinsic_reward == "constant":
    assert state.intrinsic.pixels.count == 0
  else:
    assert_moments_of(state.intrinsic.pixels, batches)


def test_pixel_moments_leave_padding_out(full):
  _, nets, _ = full
  batches = [make_batch(seed, nets.q_network, SHORT) for seed in range(2)]
  _, state, _ = learn(full, batches)
  assert_moments_of(state.intrinsic.pixels, batches)


def test_the_predictor_learns_from_frames_whitened_by_moments_that_hold_them(
  full,
):
  _, nets, _ = full
  batch = make_batch(5, nets.q_network, USUAL)
  before, state, output = learn(full, [batch])
  updated = before.intrinsic._replace(pixels=state.intrinsic.pixels)
  errors = nets.intrinsic.prediction_error(
    before.intrinsic.trained["predictor"], updated, frames_trained_on(batch)
  )
  np.testing.assert_allclose(
    output.metrics["predictor_loss"], np.mean(errors), rtol=1e-4
  )


def global_norm(tree):
  return np.sqrt(sum((np.float64(x) ** 2).sum() for x in jax.tree.leaves(tree)))


def adams_first_step(start, gradient):
  """In float64, after the correction of its bias."""
  gradient = np.float64(gradient)
  return start - 5e-4 * gradient / (np.abs(gradient) + 1e-4)


def largest_difference(*trees):
  difference = jax.tree.map(lambda x, y: np.abs(x - y).max(), *trees)
  return max(jax.tree.leaves(difference))


def test_an_intrinsic_step_is_adam_with_decay_but_for_the_predictor(
  intrinsic_loss,
):
  parts = make_parts("ngu", max_gradient_norm=1e6, inverse_model_decay=1.0)
  _, nets, _ = parts
  batch = make_batch(7, nets.q_network, USUAL)
  before, state, _ = learn(parts, [batch])
  params = before.intrinsic._replace(pixels=state.intrinsic.pixels)
  _, gradients = intrinsic_loss(
    params.trained, params, sequences_lib.last_transitions(batch, 3)
  )
  for name, start in params.trained.items():

    def distance(decay, name=name, start=start):
      decayed = jax.tree.map(lambda g, p: g + decay * p, gradients[name], start)
      expected = jax.tree.map(adams_first_step, start, decayed)
      return largest_difference(state.intrinsic.trained[name], expected)

    own, other = (0.0, 1.0) if name == "predictor" else (1.0, 0.0)
    assert distance(decay=own) < 3e-6, name
    assert distance(decay=other) > 1e-4, name


def test_the_predictors_gradient_is_clipped():
  parts = make_parts("rnd", max_gradient_norm=1e-3)
  config, nets, _ = parts
  batch = make_batch(7, nets.q_network, USUAL)
  before, state, _ = learn(parts, [batch])
  params = before.intrinsic._replace(pixels=state.intrinsic.pixels)
  loss = jax.jit(
    jax.grad(losses.make_intrinsic_loss(nets.intrinsic, config), has_aux=True)
  )
  gradients, _ = loss(
    params.trained, params, sequences_lib.last_transitions(batch, 3)
  )
  factor = 1e-3 / global_norm(gradients)
  assert factor < 0.1
  clipped = jax.tree.map(lambda g: factor * g, gradients)
  expected = jax.tree.map(adams_first_step, params.trained, clipped)
  assert largest_difference(state.intrinsic.trained, expected) < 3e-6


def test_how_the_embedding_learns_does_not_depend_on_the_predictors_error(
  full, intrinsic_loss
):
  _, nets, core = full
  batch = make_batch(7, nets.q_network, USUAL)
  results = []
  for scale in (1.0, 100.0):
    # As at the start of training on Atari, where the norm of the predictor's
    # gradient is hundreds or thousands, and that of the embedding's below 1.
    params = initial_params(nets)
    target = jax.tree.map(lambda x, k=scale: k * x, params.intrinsic.target)
    params = params._replace(intrinsic=params.intrinsic._replace(target=target))
    state = core.init(jax.tree.map(jnp.copy, params))
    state, _ = core.step(state, sequences_lib.time_major(batch), np.ones(BATCH))
    intrinsic = params.intrinsic._replace(pixels=state.intrinsic.pixels)
    _, gradients = intrinsic_loss(
      intrinsic.trained, intrinsic, sequences_lib.last_transitions(batch, 3)
    )
    assert global_norm(gradients["embedding"]) < 40
    results.append(jax.tree.map(np.array, state.intrinsic.trained))
  assert global_norm(gradients["predictor"]) > 400
  for name in ("embedding", "inverse_model"):
    assert largest_difference(*(r[name] for r in results)) < 1e-6, name


@pytest.fixture(scope="module")
def policy_alone(full):
  """Three steps of the learner of the Q-network alone."""
  config, nets, _ = full
  core = learning.make_learner_core(
    losses.make_loss(nets.q_network, config), config
  )
  state = core.init(initial_params(nets).policy)
  for seed in range(3):
    batch = make_batch(seed, nets.q_network, USUAL)
    state, output = core.step(
      state, sequences_lib.time_major(batch), np.linspace(0.1, 0.5, BATCH)
    )
  return state, output


def test_the_policys_part_of_a_step_is_the_one_of_its_own_learner(
  parts, policy_alone
):
  _, nets, _ = parts
  batches = [make_batch(seed, nets.q_network, USUAL) for seed in range(3)]
  _, state, output = learn(parts, batches)
  alone, own = policy_alone
  jax.tree.map(np.testing.assert_array_equal, state.policy, alone)
  np.testing.assert_array_equal(output.priorities, own.priorities)
  assert "loss" in own.metrics
  for name, value in own.metrics.items():
    np.testing.assert_array_equal(output.metrics[name], value)


def test_a_learner_step_repeats_itself(full):
  _, nets, _ = full
  batches = [make_batch(seed, nets.q_network, USUAL) for seed in range(2)]
  states = [learn(full, batches)[1] for _ in range(2)]
  jax.tree.map(np.testing.assert_array_equal, *states)


def table_networks(context_size=N):
  def unroll(params, observation, prev_action, valid, core_state, *context):
    if context:
      assert context[0].shape == (observation.shape[1], context_size)
    return params[observation[..., 0, 0, 0]], core_state

  return networks.Networks(
    config=helpers.TINY,
    num_actions=A,
    num_entries=A,
    init=lambda key: jnp.zeros((ROWS, A)),
    initial_state=lambda: networks.LSTMState(jnp.zeros(1), jnp.zeros(1)),
    step=None,
    unroll=unroll,
  )


def table_batch(seed, nets, valid=USUAL, index=(0, 1, 3)):
  batch = make_batch(seed, nets, valid, index)
  return batch._replace(observation=batch.observation % ROWS)


def random_tables(seed):
  rng = np.random.default_rng(seed)
  return rng.normal(0, 3, (2, ROWS, A)).astype(np.float32)


def h(x):
  return np.sign(x) * (np.sqrt(abs(x) + 1) - 1) + 1e-3 * x


def h_inverse(x):
  root = np.sqrt(1 + 4e-3 * (abs(x) + 1 + 1e-3))
  return np.sign(x) * (((root - 1) / 2e-3) ** 2 - 1)


def transcription(table, target_table, batch, weights, gammas):
  """Retrace's sums of products on each sequence's learned steps, float64."""
  sequence_losses, priorities = [], []
  for b in range(batch.valid.shape[1]):
    steps = [t for t in range(2, LENGTH - 1) if batch.valid[t, b]]
    rows = batch.observation[:, b, 0, 0, 0]
    online = np.float64(table)[rows]
    q = h_inverse(np.float64(target_table)[rows])
    pi = np.full(q.shape, 0.01 / A)
    pi[np.arange(LENGTH), online.argmax(axis=-1)] += 0.99
    action, errors = batch.action[:, b], []
    for t in steps:
      target, product = q[t, action[t]], 1.0
      for s in range(t, steps[-1] + 1):
        if s > t:
          mu = batch.extras["behaviour_probability"][s, b]
          trace = 0.95 * min(1.0, pi[s, action[s]] / mu)
          product *= gammas[b] * batch.discount[s - 1, b] * trace
        expected = (pi[s + 1] * q[s + 1]).sum()
        delta = batch.reward[s, b] - q[s, action[s]]
        delta += gammas[b] * batch.discount[s, b] * expected
        target += product * delta
      errors.append(h(target) - online[t, action[t]])
    errors = np.abs(errors)
    sequence_losses.append(0.5 * weights[b] * (errors**2).sum())
    priorities.append(0.9 * errors.max() + 0.1 * errors.mean())
  return np.mean(sequence_losses), priorities


def tabular_loss(nets, **fields):
  config = ngu.NGUConfig(
    **{**CONFIG, "unsupervised": False, "discount": 0.9, **fields},
    intrinsic_discount=0.3,
  )
  return jax.jit(losses.make_loss(nets, config))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("unsupervised", [True, False])
def test_ngus_loss_against_the_transcription(unsupervised, seed):
  nets = table_networks()
  loss = tabular_loss(nets, unsupervised=unsupervised)
  index = (0, 0, 0) if unsupervised else (0, 1, 3)
  batch = table_batch(seed, nets, index=index)
  batch.discount[5, 2] = 0.0  # the third terminates
  weights = np.array([0.3, 1.0, 0.7], np.float32)
  table, target_table = random_tables(seed)
  value, output = loss(table, target_table, batch, weights)
  # 1 - gamma from 0.1 to 0.7 by its logarithm; 0.3 where there is no task.
  gammas = 1 - 0.1 * 7 ** (np.array(index) / 3)
  if unsupervised:
    gammas[:] = 0.3
  expected, priorities = transcription(
    table, target_table, batch, weights, gammas
  )
  np.testing.assert_allclose(value, expected, rtol=1e-4)
  np.testing.assert_allclose(output.priorities, priorities, rtol=1e-4)


def test_each_sequence_has_the_discount_of_its_own_policy():
  nets = table_networks()
  loss = tabular_loss(nets)
  table, target_table = random_tables(5)

  def priorities(index):
    # A table knows no context: the discount alone can make a difference.
    batch = table_batch(5, nets, index=index)
    _, output = loss(table, target_table, batch, jnp.ones(3))
    return np.asarray(output.priorities)

  mixed = priorities((2, 0, 3))
  single = np.array([priorities((i, i, i)) for i in range(N)])
  np.testing.assert_array_equal(mixed, single[[2, 0, 3], [0, 1, 2]])
  for b in range(3):
    assert len(np.unique(single[:, b])) == N


def test_both_networks_are_told_the_index_of_each_sequence():
  config, nets, _ = make_parts("constant", discount=0.9, intrinsic_discount=0.9)
  keys = jax.random.split(jax.random.PRNGKey(8))
  params, target_params = (nets.q_network.init(key) for key in keys)
  loss = jax.jit(losses.make_loss(nets.q_network, config))
  index = (3, 0, 1)
  batch = make_batch(8, nets.q_network, USUAL, index)
  _, output = loss(params, target_params, batch, jnp.ones(3))
  jax.block_until_ready(output)  # it may read the batch, which is changed next
  # The same by networks without a context, which have its effect built in.
  plain = ngu.NGUConfig(**CONFIG, intrinsic_discount=0.9)
  plain_nets = ngu.make_networks(
    helpers.environment_spec(A), helpers.TINY, config=plain
  )
  plain_loss = jax.jit(losses.make_loss(plain_nets.q_network, plain))
  batch.extras["mixture_index"][:] = 0
  folded = []
  for i in index:
    one_hot = jnp.eye(N)[i]
    p = networks.fold_context(params, one_hot)
    target = networks.fold_context(target_params, one_hot)
    folded.append(plain_loss(p, target, batch, jnp.ones(3))[1].priorities)
  folded = np.array(folded)
  np.testing.assert_allclose(output.priorities, folded.diagonal(), rtol=1e-4)
  assert np.all(np.abs(folded - folded.diagonal()[None]).sum(axis=0) > 1e-3)


def test_padding_changes_neither_ngus_loss_nor_its_priorities(full):
  config, nets, _ = full
  loss = jax.jit(losses.make_loss(nets.q_network, config))
  params = nets.q_network.init(jax.random.PRNGKey(9))
  valid = row_mask((2, 5), (2, 8), (1, 6))
  batch = make_batch(9, nets.q_network, valid)
  noise = make_batch(10, nets.q_network, np.ones_like(valid))
  padding = ~valid
  padding[1:] &= ~valid[:-1]  # not the observation after the last transition

  def replace(old, new):
    mask = padding.reshape(*padding.shape, *[1] * (old.ndim - 2))
    return np.where(mask, new, old)

  changed = batch._replace(
    observation=replace(batch.observation, noise.observation),
    reward=np.where(valid, batch.reward, 100.0).astype(np.float32),
    discount=np.where(valid, batch.discount, 0.5).astype(np.float32),
  )
  first = loss(params, params, batch, jnp.ones(3))
  second = loss(params, params, changed, jnp.ones(3))
  np.testing.assert_allclose(first[0], second[0], rtol=1e-6)
  np.testing.assert_allclose(
    first[1].priorities, second[1].priorities, rtol=1e-6
  )
