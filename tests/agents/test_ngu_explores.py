"""Without any reward, NGU gets further around a maze than chance, or RND.

The longer comparison, of `make test-slow`, prints what it measured.
"""

import os

import jax
import numpy as np
import pytest
from acme import specs

from behavior_transfer.agents import networks, ngu
from tests.agents import test_learns, toys

SIZE = networks.NetworkConfig(((16, 3, 1), (16, 3, 2)), 64, 64, 64)
CONFIG = dict(
  burn_in=10,
  trace_length=20,
  sequence_period=10,
  batch_size=16,
  min_replay_size=30,
  max_replay_size=3000,
  replay_ratio=None,
  learning_rate=1e-3,
  target_update_period=50,
  actor_update_period=20,
  epsilon_alpha=2.0,
  # New squares are a few steps away, and values soon reached.
  intrinsic_discount=0.9,
  max_beta=0.03,
  memory_capacity=1000,
)


@pytest.fixture(autouse=True)
def optimised():
  """Thousands of steps, unlike other tests, are worth the compiler's time."""
  name = "jax_disable_most_optimizations"
  jax.config.update(name, False)
  yield
  jax.config.update(name, os.environ[name.upper()] == "1")  # see conftest.py


def random_visits(num_episodes=100):
  """Distinct squares in each episode of a uniformly random policy."""
  environment, rng = toys.Maze(), np.random.default_rng(0)
  visits = []
  for _ in range(num_episodes):
    timestep = environment.reset()
    while not timestep.last():
      timestep = environment.step(rng.integers(4))
    visits.append(len(environment.visited))
  return np.array(visits)


def training_visits(intrinsic_reward, num_steps, seed):
  """Distinct squares in each episode of pre-training."""
  environment = toys.Maze()
  spec = specs.make_environment_spec(environment)
  config = ngu.NGUConfig(**CONFIG, intrinsic_reward=intrinsic_reward)
  nets = ngu.make_networks(spec, SIZE, config=config)
  builder = ngu.NGUBuilder(config)
  episodes = test_learns.train(
    builder, nets, environment, num_steps, every=2, seed=seed
  )
  return np.array([len(environment.visited) for _ in episodes])


def test_ngu_sees_twice_as_much_of_a_maze_as_a_random_policy():
  assert toys.Maze().free.sum() == 127
  visits = training_visits("ngu", num_steps=5000, seed=1)
  assert visits[-10:].mean() > 2 * random_visits().mean()


@pytest.mark.slow
def test_in_the_long_run_ngu_sees_more_than_random_network_distillation():
  """Whose bonus fades once nothing is new; NGU's returns with each episode."""
  chance = random_visits()
  print(
    f"\nsquares of 127 in an episode of 200 steps; random {chance.mean():.1f}"
  )
  late: dict[str, list[float]] = {"ngu": [], "rnd": []}
  for seed in range(2):
    for kind, means in late.items():
      visits = training_visits(kind, num_steps=8_000, seed=seed)
      thirds = [part.mean() for part in np.array_split(visits, 3)]
      text = " ".join(f"{x:.1f}" for x in thirds)
      print(f"{kind} seed {seed}: by thirds of training {text}", flush=True)
      means.append(visits[-20:].mean())
  assert min(late["ngu"]) > 2 * chance.mean()
  assert min(late["ngu"]) > max(late["rnd"])
