"""A run small enough for tests: an environment of a few lines, a real agent."""

import json
import pathlib
import sys

import dm_env
import numpy as np
from dm_env import specs

from behavior_transfer.agents import checkpoints, r2d2
from behavior_transfer.launch import experiment, local, loggers

CONFIG = r2d2.R2D2Config(
  burn_in=2,
  trace_length=6,
  sequence_period=3,
  n_step=2,
  batch_size=4,
  max_replay_size=200,
  min_replay_size=8,
  replay_ratio=1.0,
  num_environments=1,
  actor_update_period=5,
)


class Corridor(dm_env.Environment):
  """Pays for steps to the right; episodes have seven steps."""

  def __init__(self, seed: int):
    self._rng = np.random.default_rng(seed)
    self._step = 0

  def reset(self) -> dm_env.TimeStep:
    self._step = 0
    return dm_env.restart(self._observe())

  def step(self, action: int) -> dm_env.TimeStep:
    self._step += 1
    reward = np.float32(action == 1)
    if self._step == 7:
      return dm_env.termination(reward, self._observe())
    return dm_env.transition(reward, self._observe())

  def observation_spec(self) -> specs.Array:
    return specs.Array((8, 8, 1), np.uint8)

  def action_spec(self) -> specs.DiscreteArray:
    return specs.DiscreteArray(3)

  def _observe(self) -> np.ndarray:
    return self._rng.integers(0, 256, (8, 8, 1), np.uint8)


class Checkpointer:
  """The zoo's checkpoints, and the counts in a file beside them."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder

  def latest(self) -> experiment.Counts | None:
    path = self._folder / "counts.json"
    if not path.exists():
      return None
    return experiment.Counts(**json.loads(path.read_text()))

  def restore(self, template):
    path = checkpoints.resolve(self._folder)
    return checkpoints.load_training(path, template)

  def save(self, learner_state, counts):
    checkpoints.save(
      self._folder / "checkpoints",
      step=counts.agent_steps,
      params=learner_state.params,
      training_state=learner_state,
      manifest=dict.fromkeys(checkpoints.MANIFEST_KEYS),
    )
    (self._folder / "counts.json").write_text(json.dumps(vars(counts)))


def make_experiment(workdir: pathlib.Path, **changes) -> experiment.Experiment:
  """An R2D2 run of seconds."""
  network = r2d2.NetworkConfig(((4, 4, 2),), 8, 8, 8)
  parts = dict(
    builder=r2d2.R2D2Builder(CONFIG),
    environment_factory=Corridor,
    network_factory=lambda spec: r2d2.make_networks(spec, network),
    logger_factory=loggers.make_factory(workdir, 4),
    checkpointer=Checkpointer(workdir),
    num_steps=400,
    checkpoint_period=100,
    evaluation_period=150,
    evaluation_episodes=2,
    frames_per_step=4,
    seed=3,
  )
  return experiment.Experiment(**{**parts, **changes})


if __name__ == "__main__":
  sys.exit(
    local.run(
      make_experiment(pathlib.Path(sys.argv[1]), num_steps=int(sys.argv[2]))
    )
  )
