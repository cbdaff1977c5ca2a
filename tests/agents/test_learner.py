"""What is not finite goes nowhere from a learner."""

import jax
import numpy as np
import pytest

from behavior_transfer.agents import (
  learner,
  learning,
  networks,
  ngu,
  r2d2,
  sequences,
)
from tests.agents import helpers

SMALL = {
  "burn_in": 2,
  "trace_length": 4,
  "sequence_period": 2,
  "n_step": 2,
  "batch_size": 2,
  "replay_ratio": 1.0,
}
PROBABILITY = np.array([0.5, 0.1])


def make(**fields):
  config = r2d2.R2D2Config(**SMALL, **fields)
  nets = networks.make_networks(helpers.environment_spec(), helpers.TINY)
  core = learning.make_learner_core(r2d2.make_loss(nets, config), config)
  params = nets.init(jax.random.PRNGKey(0))
  batch = helpers.random_sequences(np.random.default_rng(0), 7, 2, nets)
  return learner.Learner(core, params, 2), sequences.time_major(batch)


def refuses(learner_, step):
  """Everything that would hand on what is not finite."""
  for ask in (learner_.check, learner_.variables, learner_.save):
    with pytest.raises(FloatingPointError, match=f"^learner step {step}: "):
      ask()


def test_all_is_given_while_all_is_finite():
  learner_, batch = make()
  learner_.check()
  for _ in range(3):
    output = learner_.step(batch, PROBABILITY)
  learner_.check()
  assert np.isfinite(output.priorities).all()
  assert int(learner_.save().steps) == 3
  assert learner_.variables()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_names_itself_its_step_and_flags(value):
  learner_, batch = make()
  learner_.step(batch, PROBABILITY)
  reward = np.array(batch.reward)
  reward[0, 3] = value
  learner_.step(batch._replace(reward=reward), PROBABILITY)
  refuses(learner_, 2)
  with pytest.raises(FloatingPointError) as error:
    learner_.step(batch, PROBABILITY)
  message = str(error.value)
  assert " loss is " in message and " gradient_norm is " in message
  assert "--learning_rate" in message and "--adam_epsilon" in message
  assert "\n" not in message


def test_weights_that_are_not_finite_are_kept_back_where_the_loss_is():
  learner_, batch = make(learning_rate=1e30, adam_epsilon=1e-30)
  learner_.step(batch, PROBABILITY)
  learner_.check()  # weights of 1e30
  with pytest.raises(FloatingPointError):
    for _ in range(3):
      learner_.step(batch, PROBABILITY)


def test_ngus_own_networks_are_looked_at_too():
  config = ngu.NGUConfig(
    **SMALL, intrinsic_steps=2, intrinsic_learning_rate=1e30
  )
  spec = helpers.environment_spec()
  nets = ngu.make_networks(spec, helpers.TINY, config=config)
  agent = ngu.make_agent(nets, spec, config)
  shapes = jax.tree.map(
    lambda x: np.zeros((2, *x.shape), x.dtype), agent.item_spec
  )
  batch = shapes._replace(
    valid=np.ones_like(shapes.valid),
    recurrent_state=jax.tree.map(lambda x: x[:, 0], shapes.recurrent_state),
    observation=np.random.default_rng(0)
    .integers(0, 256, shapes.observation.shape)
    .astype(np.uint8),
    extras={
      name: np.ones_like(x) if "probability" in name else x
      for name, x in shapes.extras.items()
    },
  )
  params = agent.initial_params(jax.random.PRNGKey(0))
  learner_ = learner.Learner(agent.learner_core, params, 2)
  with pytest.raises(FloatingPointError, match=r"_loss is|weight is not"):
    for _ in range(4):
      learner_.step(batch, PROBABILITY)
  assert np.isfinite(PROBABILITY).all()
