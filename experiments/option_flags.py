"""Flags made from the fields of dataclasses; those of the environment."""

import dataclasses
from collections.abc import Callable
from typing import Any

from absl import flags

from . import cli, tasks

_ENVIRONMENT_HELP = {
  "action_repeat": "Emulator frames per agent step; in the maze, frames that a"
  " step counts for.",
  "num_stacked": "Frames of past steps in an observation.",
  "noop_max": "An episode starts with up to this many no-op frames; in the"
  " maze, with none.",
  "max_episode_frames": "Emulator frames after which an episode is cut; not"
  " given, a --preset has its own.",
  "sticky_action_probability": "Chance, at each emulator frame (in the maze, at"
  " each step), that the previous action is seen again.",
  "full_action_set": "All 18 joystick actions, or those that the game reads;"
  " the maze has five.",
}


def define_environment() -> dict[str, flags.FlagHolder]:
  """Defines a flag for each option of the environment."""
  return {
    field.name: define(
      field.name,
      None if field.name == "max_episode_frames" else field.default,
      _ENVIRONMENT_HELP[field.name],
      "environment",
      type(field.default),
    )
    for field in dataclasses.fields(tasks.EnvironmentOptions)
  }


def read_environment(
  holders: dict[str, flags.FlagHolder],
) -> tasks.EnvironmentOptions:
  """The environment's options as given."""
  values = {name: holder.value for name, holder in holders.items()}
  return tasks.EnvironmentOptions(
    **{name: value for name, value in values.items() if value is not None}
  )


def given(holders: dict[str, flags.FlagHolder]) -> dict[str, Any]:
  """Values of those flags that stand on the command line."""
  return {name: h.value for name, h in holders.items() if h.present}


def define(
  name: str, default: Any, text: str, group: str, kind: type | None = None
) -> flags.FlagHolder:
  """Defines a flag of the type that a dataclass field has.

  Args:
    name: Of the flag.
    default: Value where it is not given.
    text: Its help.
    group: Heading under which the help shows it.
    kind: Type of the value; None means the default's.
  """
  kind = kind or type(default)
  defines: dict[type, Callable[..., flags.FlagHolder]] = {
    bool: flags.DEFINE_bool,
    int: cli.define_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
  }
  return defines[kind](name, default, text, module_name=group)
