"""What `--pretrained` may name: a checkpoint, a bundled policy, a function."""

import dataclasses
import pathlib
from collections.abc import Sequence

from behavior_transfer.agents import checkpoints, policies, pretrained

from . import tasks

# All of them number their actions as the full action set does.
BUNDLED = {
  "scripted_hero": "behavior_transfer.experiments.scripted:hero",
}


@dataclasses.dataclass(frozen=True)
class Pretrained:
  """Frozen policies, ready to act in a task.

  Attributes:
    names: What `agents.pretrained.load` calls them.
    policies: The policies.
    checkpoints: Folder of each, None for one that is a function.
  """

  names: tuple[str, ...]
  policies: tuple[policies.PretrainedPolicy, ...]
  checkpoints: tuple[pathlib.Path | None, ...]


def load(names: Sequence[str], task: tasks.Task) -> Pretrained:
  """Loads the policies.

  Args:
    names: As on the command line.
    task: To act in.

  Raises:
    ValueError: A policy is missing, damaged, or does not fit the task.
  """
  spec, action_set = task.describe()
  full_names = tuple(full_name(name) for name in names)
  for name in full_names:
    if name in BUNDLED.values() and not task.options.full_action_set:
      raise ValueError(f"{name} needs the full action set")
  return Pretrained(
    names=full_names,
    policies=tuple(
      pretrained.load(name, spec, action_set=action_set) for name in full_names
    ),
    checkpoints=tuple(
      None if ":" in name else checkpoints.resolve(name) for name in full_names
    ),
  )


def full_name(name: str) -> str:
  """A folder, or module:function.

  Raises:
    ValueError: It is neither, and no bundled policy is called so.
  """
  if name in BUNDLED:
    return BUNDLED[name]
  if ":" in name or pathlib.Path(name).exists():
    return name
  raise ValueError(
    f"{name}: there is no such folder; allowed: a checkpoint, a workdir,"
    f" module:function, or bundled: {', '.join(BUNDLED)}"
  )
