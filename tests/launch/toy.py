"""A run small enough for tests: an environment of a few lines, a real agent."""

import pathlib
import sys

import dm_env
import numpy as np
from dm_env import specs

from behavior_transfer.agents import checkpoints, r2d2
from behavior_transfer.launch import distributed, experiment, local, loggers

CONFIG = r2d2.R2D2Config(
  burn_in=2,
  trace_length=6,
  sequence_period=3,
  n_step=2,
  batch_size=4,
  max_replay_size=50_000,
  min_replay_size=8,
  replay_ratio=1.0,
  num_environments=1,
  actor_update_period=5,
)


class Corridor(dm_env.Environment):
  """Pays for steps to the right."""

  def __init__(self, seed: int, length: int = 7):
    self._rng = np.random.default_rng(seed)
    self._length = length
    self._step = 0

  def reset(self) -> dm_env.TimeStep:
    self._step = 0
    return dm_env.restart(self._observe())

  def step(self, action: int) -> dm_env.TimeStep:
    self._step += 1
    reward = np.float32(action == 1)
    if self._step == self._length:
      return dm_env.termination(reward, self._observe())
    return dm_env.transition(reward, self._observe())

  def observation_spec(self) -> specs.Array:
    return specs.Array((8, 8, 1), np.uint8)

  def action_spec(self) -> specs.DiscreteArray:
    return specs.DiscreteArray(3)

  def _observe(self) -> np.ndarray:
    return self._rng.integers(0, 256, (8, 8, 1), np.uint8)


class Checkpointer:
  """The zoo's checkpoints, with the counts in their manifests."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder / "checkpoints"

  def latest(self) -> experiment.Counts | None:
    if not self._folder.exists() or not any(self._folder.glob("[0-9]*")):
      return None
    manifest = checkpoints.read_manifest(checkpoints.resolve(self._folder))
    return experiment.Counts(**manifest["counts"])

  def restore(self, template):
    path = checkpoints.resolve(self._folder)
    return checkpoints.load_training(path, template)

  def save(self, params, learner_state, counts):
    checkpoints.save(
      self._folder,
      step=counts.agent_steps,
      params=params,
      training_state=learner_state,
      manifest={
        **dict.fromkeys(checkpoints.MANIFEST_KEYS),
        "counts": vars(counts),
      },
    )


def make_experiment(workdir: pathlib.Path, **changes) -> experiment.Experiment:
  """An R2D2 run of seconds."""
  network = r2d2.NetworkConfig(((4, 4, 2),), 8, 8, 8)
  parts = dict(
    builder=r2d2.R2D2Builder(CONFIG),
    environment_factory=Corridor,
    network_factory=lambda spec: r2d2.make_networks(spec, network),
    logger_factory=loggers.make_factory(workdir, 4),
    checkpointer=Checkpointer(workdir),
    replay_folder=workdir / "replay",
    num_steps=400,
    checkpoint_period=100,
    evaluation_period=150,
    evaluation_episodes=2,
    frames_per_step=4,
    seed=3,
  )
  return experiment.Experiment(**{**parts, **changes})


def main(
  workdir: str,
  num_steps: str,
  launch: str = "local",
  num_actors: str = "1",
  envs_per_actor: str = "1",
) -> int:
  """Runs it, as a program of its own."""
  plan = make_experiment(
    pathlib.Path(workdir),
    num_steps=int(num_steps),
    num_actors=int(num_actors),
    envs_per_actor=int(envs_per_actor),
  )
  if launch == "local":
    return local.run(plan)
  return distributed.run(plan, launch, pathlib.Path(workdir) / "logs")


if __name__ == "__main__":
  sys.exit(main(*sys.argv[1:]))
