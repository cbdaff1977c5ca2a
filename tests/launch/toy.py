"""A run small enough for tests: an environment of a few lines, a real agent."""

import functools
import pathlib
import sys
from collections.abc import Mapping

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from corridor import SPEC, Corridor

from behavior_transfer.agents import agent as agent_lib
from behavior_transfer.agents import checkpoints, configs, embedded, ngu, r2d2
from behavior_transfer.agents.replay import cutter, frames
from behavior_transfer.launch import experiment, loggers
from behavior_transfer.launch.embedded import engine

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
CHECKPOINT_PERIOD = 100  # agent steps
_NETWORK = r2d2.NetworkConfig(((4, 4, 2),), 8, 8, 8)


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

  def engine(self) -> dict[str, np.ndarray]:
    return checkpoints.load_engine(checkpoints.resolve(self._folder))

  def save(
    self,
    params,
    learner_state,
    counts: experiment.Counts,
    engine: Mapping[str, np.ndarray] | None = None,
  ):
    checkpoints.save(
      self._folder,
      step=counts.agent_steps,
      params=params,
      training_state=learner_state,
      engine_state=engine,
      manifest={
        **dict.fromkeys(checkpoints.MANIFEST_KEYS),
        "counts": vars(counts),
      },
    )


def _parts(workdir: pathlib.Path) -> dict:
  return dict(
    environment_factory=Corridor,
    logger_factory=loggers.make_factory(workdir, 4),
    checkpointer=Checkpointer(workdir),
    replay_folder=workdir / "replay",
    num_steps=400,
    checkpoint_period=CHECKPOINT_PERIOD,
    evaluation_period=150,
    evaluation_episodes=2,
    frames_per_step=4,
    seed=3,
  )


def _make_networks(spec):
  return r2d2.make_networks(spec, _NETWORK)


def make_experiment(
  workdir: pathlib.Path, **changes
) -> experiment.ServedExperiment:
  """An R2D2 run of seconds, for the engines that stand on Acme."""
  parts = _parts(workdir) | dict(network_factory=_make_networks) | changes
  if "builder" not in parts:
    parts["builder"] = r2d2.R2D2Builder(CONFIG)
  return experiment.ServedExperiment(**parts)


def make_plan(workdir: pathlib.Path, **changes) -> experiment.Experiment:
  """The same run for the embedded engine."""
  return experiment.Experiment(**_parts(workdir) | changes)


@functools.cache
def make_agent(config: configs.AgentConfig = CONFIG) -> agent_lib.Agent:
  """R2D2, or NGU if the config is its; compiled once in a process."""
  if isinstance(config, ngu.NGUConfig):
    networks = ngu.make_networks(SPEC, _NETWORK, config=config)
    return ngu.make_agent(networks, SPEC, config)
  return r2d2.make_agent(_make_networks(SPEC), SPEC, config)


def run(
  plan: experiment.Experiment,
  num_workers: int = 0,
  config: configs.AgentConfig = CONFIG,
) -> int:
  """Runs it on the embedded engine, in this process."""
  agent = make_agent(config)
  names = "learner", "acting", "replay"
  seeds = embedded.Seeds(*(plan.stream(name, 0) for name in names))

  def make(sizes):
    return embedded.EmbeddedAgent(
      agent,
      sizes,
      seeds,
      num_stacked=1,
      max_bytes=2**30,
      replay_folder=plan.replay_folder,
    )

  make_recorder = functools.partial(
    frames.FrameRecorder, cutter.of(agent.config), 1
  )
  shape = SPEC.observations.shape
  return engine.run(plan, engine.Parts(make, make_recorder, shape, num_workers))


def main(
  workdir: str,
  num_steps: str,
  launch: str = "local",
  num_actors: str = "1",
  envs_per_actor: str = "1",
  num_workers: str = "0",
) -> int:
  """Runs it, as a program of its own."""
  folder = pathlib.Path(workdir)
  changes = dict(
    num_steps=int(num_steps),
    num_actors=int(num_actors),
    envs_per_actor=int(envs_per_actor),
  )
  if launch == "local":
    return run(make_plan(folder, **changes), int(num_workers))
  from behavior_transfer.launch import distributed

  return distributed.run(
    make_experiment(folder, **changes), launch, folder / "logs"
  )


if __name__ == "__main__":
  sys.exit(main(*sys.argv[1:]))
