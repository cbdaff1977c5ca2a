"""Trains an agent on a task: the part that `run_*.py` share."""

import dataclasses
import functools
import os
import pathlib
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
from absl import flags

from behavior_transfer import envs
from behavior_transfer.agents import agent as agent_lib
from behavior_transfer.agents import embedded, sequences
from behavior_transfer.agents import networks as networks_lib
from behavior_transfer.agents.replay import cutter, frames
from behavior_transfer.launch import experiment, loggers, trackers
from behavior_transfer.launch.embedded import engine

from . import (
  budgets,
  cli,
  compilation,
  coverage,
  ending,
  option_flags,
  pretrained_policies,
  run_flags,
  tasks,
  workdirs,
)

# Frames of games take a fiftieth to a hundredth; see benchmarks/memory.py.
_COMPRESSION = 0.05
_MOST_OF_MEMORY = 0.8


@dataclasses.dataclass(frozen=True)
class Agent:
  """An agent and its settings.

  Attributes:
    name: As in manifests: "r2d2", "bt".
    settings: Fields of its config, and where their values are from.
    config: Its config.
    describe: (networks, environment spec, config) -> what it is.
    make_builder: Imports the builder, which takes long, and makes it.
    network_factory: Environment spec to networks.
    pretrained: Frozen policies that it needs; none for most.
    announcement: What the first start of a run says, if anything.
  """

  name: str
  settings: Mapping[str, run_flags.Setting]
  config: Any
  describe: Callable[[Any, Any, Any], agent_lib.Agent]
  make_builder: Callable[[], Any]
  network_factory: Callable[[Any], Any]
  pretrained: pretrained_policies.Pretrained = pretrained_policies.NONE
  announcement: str = ""


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
    checked = _check(run, agent)
  if run.print_config:
    print_settings(run, agent, checked)
    return 0
  return train(run, agent, checked)


def _choose_devices(run: run_flags.RunSettings):
  """Keeps this process off the GPUs, unless it is the one that learns.

  Raises:
    ValueError: GPUs were asked for that this machine has not.
  """
  if run.learner_gpus is not None and run.launch != run_flags.RAY:
    _check_gpus(run.learner_gpus)
  if run.launch in run_flags.LEARNS_ELSEWHERE:
    jax.config.update("jax_platforms", "cpu")
  elif run.learner_gpus is not None:
    os.environ["CUDA_VISIBLE_DEVICES"] = run.learner_gpus
  # A CPU that decides or learns has nothing to gain from more threads.
  jax.config.update("jax_cpu_enable_async_dispatch", False)


def _check_gpus(numbers: str):
  """Asks JAX, in a process of its own, which holds on to nothing."""
  counted = subprocess.run(
    [
      sys.executable,
      "-c",
      "import jax; print(sum(d.platform == 'gpu' for d in jax.devices()))",
    ],
    env={**os.environ, "CUDA_VISIBLE_DEVICES": numbers},
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
    check=False,
  )
  wanted = len(numbers.split(","))
  if counted.stdout.strip() != str(wanted):
    raise ValueError(
      f"--learner_gpus is {numbers!r}, but JAX finds"
      f" {counted.stdout.strip() or 0} of these GPUs here; leave the flag out"
      " to use whatever there is"
    )


class _Checked(NamedTuple):
  """What a run is made of, once nothing is wrong with it."""

  spec: tasks.TaskSpec
  action_set: list[str]
  description: agent_lib.Agent
  num_steps: int
  budget: list[str]
  replay_gib: float


def print_settings(run: run_flags.RunSettings, agent: Agent, checked: _Checked):
  """Prints all settings, each with its source."""
  for name in agent.pretrained.names:
    print(f"pretrained = {name}  # {run_flags.source('pretrained')}")
  for name, setting in _settings(run, agent).items():
    print(f"{name} = {setting.value}  # {setting.source}")
  print(*checked.budget, sep="\n")


def _settings(
  run: run_flags.RunSettings, agent: Agent
) -> dict[str, run_flags.Setting]:
  """Those of the run, the environment and the agent, by their flags' names."""
  values = {
    field.name: getattr(run, field.name)
    for field in dataclasses.fields(run)
    if field.name not in ("task", "preset", "print_config")
  }
  values["game"] = run.task.game
  values.update(dataclasses.asdict(run.task.options))
  settings = {
    name: run_flags.Setting(value, run_flags.source(name))
    for name, value in values.items()
  }
  return {**settings, **agent.settings}


def _check(run: run_flags.RunSettings, agent: Agent) -> _Checked:
  """Looks for what would fail, or come to nothing, after the start.

  Raises:
    ValueError: It was found.
  """
  spec, action_set = run.task.describe()
  num_steps = -(-run.frames // run.task.options.action_repeat)
  num_environments = run.num_actors * run.envs_per_actor
  budgets.check(agent.config, num_steps, num_environments)
  _check_splits(agent.config.batch_size, run.learner_gpus)
  description = agent.describe(agent.network_factory(spec), spec, agent.config)
  replay_gib = _replay_gib(run, description)
  if not run.allow_large_replay:
    _check_fits_memory(run, description, replay_gib)
  budget = budgets.lines(agent.config, num_steps, run.task.game)
  return _Checked(spec, action_set, description, num_steps, budget, replay_gib)


def train(run: run_flags.RunSettings, agent: Agent, checked: _Checked) -> int:
  """Runs, or goes on with, the run of a workdir.

  Returns:
    The exit code: 0, or that of a run which was stopped and saved.
  """
  repeat = run.task.options.action_repeat
  with cli.user_input():
    manifest = _manifest(run, agent, checked.spec, checked.action_set)
    workdir = workdirs.Workdir(
      pathlib.Path(run.workdir),
      _identity(run, manifest),
    )
    copies = pretrained_policies.keep_copies(workdir.path, agent.pretrained)
    checkpointer = workdirs.RunCheckpointer(
      workdir.path, manifest, repeat, copies
    )
    counts = checkpointer.latest()
    settings = {name: s.value for name, s in _settings(run, agent).items()}
    settings["agent"] = agent.name
    settings["pretrained"] = ", ".join(agent.pretrained.names)

  plan = experiment.Experiment(
    environment_factory=run.task.make,
    logger_factory=loggers.make_factory(
      workdir.path, repeat, settings, wandb=bool(run.wandb_project)
    ),
    checkpointer=checkpointer,
    num_steps=checked.num_steps,
    checkpoint_period=-(-run.checkpoint_period // repeat),
    evaluation_period=-(-run.evaluation_period // repeat),
    evaluation_episodes=run.evaluation_episodes,
    observer_factory=tasks.make_observers,
    history=coverage.Coverage(workdir.path / "coverage.npz"),
    replay_folder=workdir.replay if run.checkpoint_replay else None,
    num_actors=run.num_actors,
    envs_per_actor=run.envs_per_actor,
    frames_per_step=repeat,
    seed=run.seed,
  )
  if counts is not None and plan.is_complete(counts):
    print("the run is complete; a larger --frames would go on with it")
    print(ending.text(workdir.path, counts))
    return 0
  if run.wandb_project:
    if run.launch != run_flags.LOCAL:
      _distributed()  # its parts cannot take wandb's hooks on what they import
    with cli.user_input():
      trackers.start_wandb(run.wandb_project, workdir.path, settings)
  for name in pretrained_policies.changed(agent.pretrained):
    print(f"{name} holds another policy by now; the run keeps its own copy")
  print(
    f"{agent.name} on {run.task.game}, {run.frames:,} frames ="
    f" {plan.num_steps:,} agent steps, in {workdir.path}; replay takes up to"
    f" {checked.replay_gib:.2f} GiB",
    *checked.budget,
    *pretrained_policies.of_other_games(agent.pretrained, run.task.game),
    sep="\n",
    flush=True,
  )
  if counts is None and agent.announcement:
    print(agent.announcement, flush=True)
  with cli.work(workdir.path):
    if run.launch == run_flags.LOCAL:
      code = _run_embedded(run, plan, checked.description)
    else:
      code = _launch(run, plan, agent, workdir)
  counts = checkpointer.latest()
  if code == 0 and counts is not None:
    print(ending.text(workdir.path, counts))
  return code


def _run_embedded(
  run: run_flags.RunSettings,
  plan: experiment.Experiment,
  description: agent_lib.Agent,
) -> int:
  """Decides and learns in this process, without any server."""
  devices = [f"{x.platform}:{x.id}" for x in jax.local_devices()]
  num_workers = min(run.num_workers, plan.envs_per_actor)
  print(
    f"environments: {plan.envs_per_actor}, worker processes: {num_workers};"
    f" decides on {devices[0]}, learns on {', '.join(devices)}",
    flush=True,
  )
  num_stacked = run.task.options.num_stacked

  def make_agent(sizes):
    return embedded.EmbeddedAgent(
      description,
      sizes,
      embedded.Seeds(
        *(plan.stream(name, 0) for name in ("learner", "acting", "replay"))
      ),
      num_stacked,
      max_bytes=int(_MOST_OF_MEMORY * _memory_gib() * 2**30),
      replay_folder=plan.replay_folder,
    )

  return engine.run(
    plan,
    engine.Parts(
      make_agent=make_agent,
      make_recorder=functools.partial(
        frames.FrameRecorder, cutter.of(description.config), num_stacked
      ),
      observation_shape=description.item_spec.observation.shape[1:],
      num_workers=num_workers,
    ),
  )


def _launch(
  run: run_flags.RunSettings,
  plan: experiment.Experiment,
  agent: Agent,
  workdir: workdirs.Workdir,
) -> int:
  """Runs it on Reverb."""
  distributed = _distributed()
  served = experiment.ServedExperiment(
    **{f.name: getattr(plan, f.name) for f in dataclasses.fields(plan)},
    builder=agent.make_builder(),
    network_factory=agent.network_factory,
  )
  return distributed.run(served, run.launch, workdir.logs, run.learner_gpus)


def _distributed() -> types.ModuleType:
  """Imports TensorFlow and Reverb, which takes seconds."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  from behavior_transfer.launch import distributed

  return distributed


def _check_splits(batch_size: int, learner_gpus: str | None):
  num_gpus = len((learner_gpus or "0").split(","))
  if batch_size % num_gpus:
    raise ValueError(
      f"batch_size is {batch_size}; for {num_gpus} --learner_gpus it must be a"
      f" multiple of {num_gpus}"
    )


def _replay_gib(
  run: run_flags.RunSettings, description: agent_lib.Agent
) -> float:
  """Memory that a full replay takes: in Reverb, before it compresses."""
  compression = 1.0
  if run.launch == run_flags.LOCAL:
    compression = _COMPRESSION / run.task.options.num_stacked
  item, config = description.item_spec, description.config
  return sequences.replay_bytes(item, config, compression) / 2**30


def _memory_gib() -> float:
  return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _check_fits_memory(
  run: run_flags.RunSettings, description: agent_lib.Agent, replay_gib: float
):
  """Refuses what would be killed, sooner or later."""
  item, config = description.item_spec, description.config
  gib = {
    "--max_replay_size": replay_gib,
    # One is learned from, one is being made ready, one is under way to it.
    "--batch_size": 3 * config.batch_size * sequences.num_bytes(item) / 2**30,
    "--memory_capacity": run.envs_per_actor * config.memory_bytes / 2**30,
  }
  memory, needed = _memory_gib(), sum(gib.values())
  if needed > memory:
    name = max(gib, key=lambda name: gib[name])
    raise ValueError(
      f"the run needs {needed:.1f} GiB, {gib[name]:.1f} of them by {name}, and"
      f" this machine has {memory:.1f}; give a smaller {name}, or"
      " --allow_large_replay"
    )


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
  if run.launch == run_flags.LOCAL:
    identity["engine"] = workdirs.EMBEDDED
    identity["envs_per_actor"] = run.envs_per_actor
    # Episodes that are under way have a part of their frames in replay alone.
    identity["checkpoint_replay"] = run.checkpoint_replay
  variant = envs.variant(run.task.game)
  if variant.name != manifest["game"]:  # a file, which its user may edit
    identity["variant"] = dataclasses.asdict(variant)
  return identity
