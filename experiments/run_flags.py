"""Flags of the programs that train, in groups: run, launch and agent.

The agent's flags are generated from its config, so that a new field is a new
flag. A flag that is not given has the preset's value.
"""

import dataclasses
import importlib.util
import os
import pathlib
import re
from typing import Any, NamedTuple

from absl import flags

from behavior_transfer import envs
from behavior_transfer.agents import networks

from . import cli, option_flags, presets, tasks

_OF_PRESET = "by default the preset's"
LOCAL = "local"
RAY = "ray"
LEARNS_ELSEWHERE = ("local_mp", RAY)  # not in the process that is started
_ENVS_PER_ACTOR_LOCALLY = 16
_MAX_ENVIRONMENTS = 32_767  # times the rungs of their ladder, still an int32
_LAUNCH_TYPES = (LOCAL, "local_mt", *LEARNS_ELSEWHERE)
_NO_FLAGS = ("replay_table_name",)  # a run has its replay to itself

_GAME = flags.DEFINE_string(
  "game",
  "hero_hard",
  "Variant to learn, or a game with its native reward: `games.py list` names"
  " them all; or a file of one's own, mine.toml.",
  module_name="run",
)
_WORKDIR = flags.DEFINE_string(
  "workdir",
  None,
  "Folder of the run; by default runs/<agent>_<game>_<seed>. The same command"
  " on the same folder goes on from the newest checkpoint.",
  module_name="run",
)
_PRESET = flags.DEFINE_enum(
  "preset",
  presets.DEFAULT,
  sorted(presets.PRESETS),
  "Where values come from that are not given: small suits two CPU cores,"
  " miniature the maze, and paper is the published set.",
  module_name="run",
)
_FRAMES = cli.define_integer(
  "frames",
  None,
  "Budget in emulator frames, counted as agent steps times action_repeat;"
  f" {_OF_PRESET}.",
  lower_bound=1,
  module_name="run",
)
_SEED = cli.define_integer(
  "seed",
  0,
  "Everything random follows from it.",
  lower_bound=0,
  module_name="run",
)
_NETWORK = flags.DEFINE_enum(
  "network",
  None,
  sorted(networks.SIZES),
  f"Size of the network; {_OF_PRESET}.",
  module_name="run",
)
_EVALUATION_PERIOD = cli.define_integer(
  "evaluation_period",
  None,
  f"Emulator frames between evaluations; {_OF_PRESET}.",
  lower_bound=1,
  module_name="run",
)
_EVALUATION_EPISODES = cli.define_integer(
  "evaluation_episodes",
  None,
  f"Episodes of an evaluation, 0 for no evaluations; {_OF_PRESET}.",
  lower_bound=0,
  module_name="run",
)
_CHECKPOINT_PERIOD = cli.define_integer(
  "checkpoint_period",
  None,
  f"Emulator frames between checkpoints; {_OF_PRESET}.",
  lower_bound=1,
  module_name="run",
)
_CHECKPOINT_REPLAY = flags.DEFINE_bool(
  "checkpoint_replay",
  True,
  "Save what replay holds with each checkpoint, so that a run that is started"
  " again goes on with it.",
  module_name="run",
)
_ALLOW_LARGE_REPLAY = flags.DEFINE_bool(
  "allow_large_replay",
  False,
  "Start although a full replay may not fit this machine's memory.",
  module_name="run",
)
_WANDB_PROJECT = flags.DEFINE_string(
  "wandb_project",
  None,
  "Log to this project of Weights & Biases, too, as WANDB_* variables say.",
  module_name="run",
)
_PRINT_CONFIG = flags.DEFINE_bool(
  "print_config",
  False,
  "Print every setting with its source, and exit.",
  module_name="run",
)


_LAUNCH = flags.DEFINE_enum(
  "launch",
  LOCAL,
  _LAUNCH_TYPES,
  "How the run is started. local: one process decides and learns,"
  " --num_workers others step emulators, and nobody listens at a port. The rest"
  " is Acme's, on a Reverb server, and for CPython 3.10 only: each part in a"
  " thread, or in a process of its own, with --num_actors of them acting,"
  " on this machine or on those of a Ray cluster. That is the one which"
  " RAY_ADDRESS names or which runs here, else one of this machine alone;"
  " --workdir must be on a file system that its machines share.",
  module_name="launch",
)
_NUM_ACTORS = cli.define_integer(
  "num_actors",
  1,
  "Actors, each in a process of its own; not with --launch=local.",
  lower_bound=1,
  module_name="launch",
)
_ENVS_PER_ACTOR = cli.define_integer(
  "envs_per_actor",
  None,
  "Environments that go in lock-step, with one decision for all of them, or two"
  f" with --launch=local; by default {_ENVS_PER_ACTOR_LOCALLY} there, else 1.",
  lower_bound=1,
  module_name="launch",
)
_NUM_WORKERS = cli.define_integer(
  "num_workers",
  None,
  "With --launch=local, processes that step the environments; 0 has the one"
  " that learns do it. Cores - 1 by default. What comes out is the same.",
  lower_bound=0,
  module_name="launch",
)
_LEARNER_GPUS = flags.DEFINE_string(
  "learner_gpus",
  None,
  "Numbers of the GPUs that the learner splits its batches over, separated by"
  " commas, such as 0,1; by default all. Nothing else uses one. With"
  " --launch=ray, Ray chooses a machine with as many, and which of them.",
  module_name="launch",
)


class Setting(NamedTuple):
  """A value of the agent's config and where it is from."""

  value: Any
  source: str


@dataclasses.dataclass(frozen=True)
class RunSettings:
  """What was asked for, in the units of the command line."""

  task: tasks.Task
  workdir: str
  preset: presets.Preset
  network: str
  frames: int
  seed: int
  evaluation_period: int
  evaluation_episodes: int
  checkpoint_period: int
  checkpoint_replay: bool
  allow_large_replay: bool
  wandb_project: str | None
  print_config: bool
  launch: str
  num_actors: int
  envs_per_actor: int
  num_workers: int
  learner_gpus: str | None


def define_config(config_class: type) -> dict[str, flags.FlagHolder]:
  """Defines the flags of an agent's config."""
  holders = {}
  for field in dataclasses.fields(config_class):
    if field.name in _NO_FLAGS:
      continue
    text = f"{field.metadata['help']}; {_OF_PRESET} (paper:"
    kind = type(field.default)
    holders[field.name] = option_flags.define(
      field.name, None, f"{text} {field.default}).", "agent", kind
    )
  return holders


def read_run(agent: str, environment: tasks.EnvironmentOptions) -> RunSettings:
  """The run's settings as given, or the preset's.

  Raises:
    ValueError: Two of them do not go together, or one is malformed.
  """
  if _LAUNCH.value == LOCAL and _NUM_ACTORS.value > 1:
    raise ValueError(
      f"--num_actors is {_NUM_ACTORS.value}; with --launch={LOCAL} it must be 1"
      " (see --envs_per_actor), or --launch another"
    )
  is_local = _LAUNCH.value == LOCAL
  envs_per_actor = _ENVS_PER_ACTOR.value or (
    _ENVS_PER_ACTOR_LOCALLY if is_local else 1
  )
  if _NUM_ACTORS.value * envs_per_actor > _MAX_ENVIRONMENTS:
    raise ValueError(
      f"--num_actors times --envs_per_actor is"
      f" {_NUM_ACTORS.value * envs_per_actor:,}; it must be at most"
      f" {_MAX_ENVIRONMENTS:,}"
    )
  if not is_local and importlib.util.find_spec("acme") is None:
    raise ValueError(
      f"--launch is {_LAUNCH.value}, which needs dm-acme, and that exists for"
      f" CPython 3.10 only; use --launch={LOCAL}"
    )
  if not is_local and _NUM_WORKERS.value is not None:
    raise ValueError(
      f"--num_workers is {_NUM_WORKERS.value}; it goes with --launch={LOCAL},"
      " see --num_actors"
    )
  if _LAUNCH.value == RAY and importlib.util.find_spec("ray") is None:
    raise ValueError(
      f"--launch={RAY} needs Ray: pip install 'behavior-transfer[ray]'"
    )
  # A folder that Weights & Biases has left here is found, too, of no origin.
  wandb = importlib.util.find_spec("wandb")
  if _WANDB_PROJECT.value and (wandb is None or wandb.origin is None):
    raise ValueError(
      "--wandb_project needs wandb: pip install 'behavior-transfer[wandb]'"
    )
  gpus = _LEARNER_GPUS.value
  if gpus is not None and not re.fullmatch(r"\d+(,\d+)*", gpus):
    raise ValueError(
      f"--learner_gpus is {gpus!r}; it must be numbers separated by commas"
    )
  preset = presets.PRESETS[_PRESET.value]

  def chosen(holder: flags.FlagHolder) -> Any:
    given = holder.value
    return getattr(preset, holder.name) if given is None else given

  if not flags.FLAGS["max_episode_frames"].present:
    environment = dataclasses.replace(
      environment, max_episode_frames=preset.max_episode_frames
    )
  try:
    name = envs.variant(_GAME.value).name
  except ValueError as error:
    raise ValueError(f"--game: {error}") from error
  folder = _WORKDIR.value or f"runs/{agent}_{name}_{_SEED.value}"
  if _LAUNCH.value == RAY:  # other machines have other working directories
    folder = str(pathlib.Path(folder).absolute())
  return RunSettings(
    task=tasks.Task(_GAME.value, environment),
    workdir=folder,
    preset=preset,
    network=chosen(_NETWORK),
    frames=chosen(_FRAMES),
    seed=_SEED.value,
    evaluation_period=chosen(_EVALUATION_PERIOD),
    evaluation_episodes=chosen(_EVALUATION_EPISODES),
    checkpoint_period=chosen(_CHECKPOINT_PERIOD),
    checkpoint_replay=_CHECKPOINT_REPLAY.value,
    allow_large_replay=_ALLOW_LARGE_REPLAY.value,
    wandb_project=_WANDB_PROJECT.value,
    print_config=_PRINT_CONFIG.value,
    launch=_LAUNCH.value,
    num_actors=_NUM_ACTORS.value,
    envs_per_actor=envs_per_actor,
    num_workers=max(_num_cores() - 1, 0)
    if _NUM_WORKERS.value is None
    else _NUM_WORKERS.value,
    learner_gpus=gpus,
  )


def _num_cores() -> int:
  """Those that this process may use."""
  if hasattr(os, "sched_getaffinity"):  # not on macOS
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def source(name: str) -> str:
  """Where the value of a flag of the run or the environment is from."""
  if flags.FLAGS[name].present:
    return "command line"
  if name in (field.name for field in dataclasses.fields(presets.Preset)):
    return f"preset {_PRESET.value}"
  return "default"


def read_config(
  config_class: type,
  holders: dict[str, flags.FlagHolder],
  run: RunSettings,
) -> dict[str, Setting]:
  """Each field that has a flag: from it, the preset or the paper."""
  of_preset = run.preset.fields(config_class, run.task.game)
  settings = {}
  for field in dataclasses.fields(config_class):
    if field.name not in holders:
      continue
    given = holders[field.name].value
    if given is not None:
      setting = Setting(given, "command line")
    elif field.name in of_preset:
      setting = Setting(of_preset[field.name], f"preset {_PRESET.value}")
    else:
      setting = Setting(field.default, field.metadata["source"])
    settings[field.name] = setting
  return settings
