"""Trains an agent on a task: the part that `run_*.py` share."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
from absl import flags

from behavior_transfer import envs
from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents import policies, sequences
from behavior_transfer.launch import experiment

from . import (
  cli,
  compilation,
  coverage,
  option_flags,
  pretrained_policies,
  run_flags,
  tasks,
  workdirs,
)


@dataclasses.dataclass(frozen=True)
class Agent:
  """An agent and its settings.

  Attributes:
    name: As in manifests: "r2d2", "bt".
    settings: Fields of its config, and where their values are from.
    config: Its config.
    make_builder: Imports the builder, which takes long, and makes it.
    network_factory: Environment spec to networks.
    make_policy: Networks to the policy that acts in training.
    pretrained: Frozen policies that it needs; none for most agents.
    announcement: What the first start of a run says, if anything.
  """

  name: str
  settings: Mapping[str, run_flags.Setting]
  config: Any
  make_builder: Callable[[], Any]
  network_factory: Callable[[Any], Any]
  make_policy: Callable[[Any], policies.Policy]
  pretrained: pretrained_policies.Pretrained
  announcement: str


def main(
  name: str,
  environment: dict[str, flags.FlagHolder],
  make_agent: Callable[[run_flags.RunSettings], Agent],
) -> int:
  """Reads the flags and trains; the exit code is `train`'s."""
  with cli.user_input():
    options = option_flags.read_environment(environment)
    run = run_flags.read_run(name, options)
    _choose_devices(run)
    compilation.keep_compiled()
    agent = make_agent(run)
  if run.print_config:
    print_settings(run, agent)
    return 0
  return train(run, agent)


def _choose_devices(run: run_flags.RunSettings):
  """Keeps this process off the GPUs, unless it is the one that learns."""
  if run.launch in run_flags.LEARNS_ELSEWHERE:
    jax.config.update("jax_platforms", "cpu")
  elif run.learner_gpus is not None:
    os.environ["CUDA_VISIBLE_DEVICES"] = run.learner_gpus


def print_settings(run: run_flags.RunSettings, agent: Agent):
  """Prints all settings, each with its source."""
  settings = {
    field.name: getattr(run, field.name)
    for field in dataclasses.fields(run)
    if field.name not in ("task", "preset", "print_config")
  }
  settings["game"] = run.task.game
  settings.update(dataclasses.asdict(run.task.options))
  for name, value in settings.items():
    print(f"{name} = {value}  # {run_flags.source(name)}")
  for name in agent.pretrained.names:
    print(f"pretrained = {name}  # {run_flags.source('pretrained')}")
  for name, setting in agent.settings.items():
    print(f"{name} = {setting.value}  # {setting.source}")


def train(run: run_flags.RunSettings, agent: Agent) -> int:
  """Runs, or goes on with, the run of a workdir.

  Returns:
    The exit code: 0, or that of a run which was stopped and saved.
  """
  with cli.user_input():
    spec, action_set = run.task.describe()
    _check_splits(agent.config.batch_size, run.learner_gpus)
    replay_gib = _replay_gib(agent, spec)
    if not run.allow_large_replay:
      _check_fits_memory(replay_gib)
    manifest = _manifest(run, agent, spec, action_set)
    workdir = workdirs.Workdir(
      pathlib.Path(run.workdir),
      _identity(run, manifest),
    )
    repeat = run.task.options.action_repeat
    copies = pretrained_policies.keep_copies(workdir.path, agent.pretrained)
    checkpointer = workdirs.RunCheckpointer(
      workdir.path, manifest, repeat, copies
    )
    counts = checkpointer.latest()

  plan = experiment.Experiment(
    builder=None,
    environment_factory=run.task.make,
    network_factory=agent.network_factory,
    logger_factory=functools.partial(_make_logger, workdir.path, repeat),
    checkpointer=checkpointer,
    num_steps=-(-run.frames // repeat),
    checkpoint_period=-(-run.checkpoint_period // repeat),
    evaluation_period=-(-run.evaluation_period // repeat),
    evaluation_episodes=run.evaluation_episodes,
    observer_factory=_observers,
    history=coverage.Coverage(workdir.path / "coverage.npz"),
    replay_folder=workdir.replay if run.checkpoint_replay else None,
    num_actors=run.num_actors,
    envs_per_actor=run.envs_per_actor,
    frames_per_step=repeat,
    seed=run.seed,
  )
  if counts is not None and plan.is_complete(counts):
    print(
      f"{workdir.path}: the run is complete, {counts.agent_steps:,} steps;"
      " a larger --frames would go on with it"
    )
    return 0
  for name in pretrained_policies.changed(agent.pretrained):
    print(f"{name} holds another policy by now; the run keeps its own copy")
  print(
    f"{agent.name} on {run.task.game}, {run.frames:,} frames ="
    f" {plan.num_steps:,} agent steps, in {workdir.path}; replay takes up to"
    f" {replay_gib:.2f} GiB",
    flush=True,
  )
  if counts is None and agent.announcement:
    print(agent.announcement, flush=True)
  return _launch(run, plan, agent, workdir)


def _launch(
  run: run_flags.RunSettings,
  plan: experiment.Experiment,
  agent: Agent,
  workdir: workdirs.Workdir,
) -> int:
  """Imports TensorFlow and Reverb, which takes seconds, and runs."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  import gym_notices.notices

  gym_notices.notices.notices.clear()  # Acme imports gym; we do not use it

  plan = dataclasses.replace(plan, builder=agent.make_builder())
  if run.launch == run_flags.LOCAL:
    from behavior_transfer.launch import local

    return local.run(plan)
  from behavior_transfer.launch import distributed

  return distributed.run(plan, run.launch, workdir.logs, run.learner_gpus)


def _check_splits(batch_size: int, learner_gpus: str | None):
  num_gpus = len((learner_gpus or "0").split(","))
  if batch_size % num_gpus:
    raise ValueError(
      f"batch_size is {batch_size}; for {num_gpus} --learner_gpus it must be a"
      f" multiple of {num_gpus}"
    )


def _replay_gib(agent: Agent, spec: tasks.TaskSpec) -> float:
  """Memory that a full replay takes, before compression."""
  policy = agent.make_policy(agent.network_factory(spec))
  length = sequences.sequence_length(agent.config)
  item = sequences.item_spec(spec, policy, length)
  return sequences.replay_bytes(item, agent.config) / 2**30


def _check_fits_memory(replay_gib: float):
  memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
  if replay_gib > memory:
    raise ValueError(
      f"a full replay takes {replay_gib:.1f} GiB before compression, and this"
      f" machine has {memory:.1f} GiB; give a smaller --max_replay_size, or"
      " --allow_large_replay"
    )


def _observers(label: str) -> tuple[tasks.GameObserver]:
  if label == "train":
    return (tasks.TrainingObserver(),)
  return (tasks.GameObserver(),)


def _make_logger(workdir: pathlib.Path, repeat: int, label: str, start: int):
  from behavior_transfer.launch import loggers

  return loggers.make_factory(workdir, repeat)(label, start)


def _manifest(
  run: run_flags.RunSettings,
  agent: Agent,
  spec: tasks.TaskSpec,
  action_set: list[str],
) -> dict[str, Any]:
  """What every checkpoint of the run says of its policy."""
  return {
    "agent": agent.name,
    "game": run.task.game,
    "environment": dataclasses.asdict(run.task.options),
    "action_set": action_set,
    "observation": {
      "shape": list(spec.observations.shape),
      "dtype": spec.observations.dtype.name,
    },
    "network": dataclasses.asdict(networks_lib.resolve_size(run.network)),
    "config": dataclasses.asdict(agent.config),
    "seed": run.seed,
    "pretrained": list(agent.pretrained.names),
  }


def _identity(
  run: run_flags.RunSettings, manifest: Mapping[str, Any]
) -> dict[str, Any]:
  """What tells one run from another; its budget and logging do not."""
  names = ("agent", "game", "environment", "network", "config", "seed")
  identity = {name: manifest[name] for name in names}
  identity["pretrained"] = [
    pretrained_policies.as_seen_from(pathlib.Path(run.workdir), name)
    for name in manifest["pretrained"]
  ]
  variant = envs.variant(run.task.game)
  if variant.name != manifest["game"]:  # a file, which its user may edit
    identity["variant"] = dataclasses.asdict(variant)
  return identity
