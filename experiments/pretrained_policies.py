"""What `--pretrained` may name: a checkpoint, a bundled policy, a function."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

from behavior_transfer import envs
from behavior_transfer.agents import checkpoints, policies, pretrained

from . import policy_files, tasks

_FOLDER = pathlib.Path(__file__).resolve().parent / "bundled"
# All but the last number their actions as ALE's full action set does.
BUNDLED = {
  "hero_ngu": str(_FOLDER / "hero_ngu"),
  "ms_pacman_ngu": str(_FOLDER / "ms_pacman_ngu"),
  "scripted_hero": "behavior_transfer.experiments.scripted:hero",
  "random": pretrained.RANDOM,
}
_NUM_ACTIONS = 18


@dataclasses.dataclass(frozen=True)
class Pretrained:
  """Frozen policies, ready to act in a task.

  Attributes:
    names: What identifies them: as on the command line, but module:function in
      place of the name of a bundled function.
    policies: The policies.
    checkpoints: Folder that each was loaded from, None for a function.
  """

  names: tuple[str, ...]
  policies: tuple[policies.PretrainedPolicy, ...]
  checkpoints: tuple[pathlib.Path | None, ...]


NONE = Pretrained((), (), ())


def load(
  names: Sequence[str], task: tasks.Task, workdir: pathlib.Path | None = None
) -> Pretrained:
  """Loads the policies.

  Args:
    names: As on the command line.
    task: To act in.
    workdir: Of the run that they are for. Where it has a copy of a policy, the
      copy is loaded, whatever has become of the checkpoint that was named.

  Raises:
    ValueError: A policy is missing, damaged, or does not fit the task.
  """
  with task.make(seed=0) as environment:
    spec, action_set = tasks.describe(environment)
    frame = environment.reset().observation
  full_names: list[str] = []
  loaded: list[policies.PretrainedPolicy] = []
  paths: list[pathlib.Path | None] = []
  for index, name in enumerate(names):
    copy = workdir and _copy_folder(workdir, index)
    path = copy if copy and copy.exists() else None
    if path is None:
      full = full_name(name)
      if pretrained.is_path(full):
        path = checkpoints.resolve(full)
      else:
        name = full
    is_ours = name == BUNDLED["scripted_hero"]
    if is_ours and len(action_set) != _NUM_ACTIONS:
      raise ValueError(
        f"{name} needs the {_NUM_ACTIONS} actions of the full set; the task has"
        f" {len(action_set)}"
      )
    if path is None and pretrained.is_function_name(name):
      pretrained.try_out(name, frame, len(action_set))
    policy = pretrained.load(str(path or name), spec, action_set=action_set)
    full_names.append(name)
    loaded.append(policy._replace(name=name))
    paths.append(path)
  return Pretrained(tuple(full_names), tuple(loaded), tuple(paths))


def keep_copies(
  workdir: pathlib.Path, loaded: Pretrained
) -> list[pathlib.Path | None]:
  """Copies the checkpoints that policies were loaded from, where it has not.

  They belong to other runs, which go on and remove old ones; what this run
  transfers from must stay what it was at the start.

  Returns:
    The copy of each, None for a function.
  """
  copies: list[pathlib.Path | None] = []
  for index, path in enumerate(loaded.checkpoints):
    copy = None if path is None else _copy_folder(workdir, index)
    if path is not None and copy is not None and not copy.exists():
      checkpoints.copy_policy(path, copy)
    copies.append(copy)
  return copies


def as_seen_from(workdir: pathlib.Path, name: str) -> str:
  """The name that stays when all folders are moved, or mounted elsewhere."""
  if name in BUNDLED or not pretrained.is_path(name):
    return name
  return os.path.relpath(name, workdir)


def of_other_games(loaded: Pretrained, game: str) -> list[str]:
  """A line for each policy that comes from another game than it is to play."""
  played = envs.variant(game).game
  lines = []
  for name, path in zip(loaded.names, loaded.checkpoints, strict=True):
    if path is not None:
      trained_on = str(checkpoints.read_manifest(path)["game"])
    elif name == BUNDLED["scripted_hero"]:
      trained_on = "hero"
    else:
      continue
    try:
      other = envs.variant(trained_on).game
    except (ValueError, OSError):  # a file that is gone, of whatever game
      other = trained_on
    if other != played:
      lines.append(f"note: {name} comes from {other}; here it plays {played}")
  return lines


def changed(loaded: Pretrained) -> list[str]:
  """Names under which another policy is found by now than was loaded."""
  names = []
  for name, path in zip(loaded.names, loaded.checkpoints, strict=True):
    if path is None or policy_files.is_address(name):  # which has a sum
      continue
    try:
      now = checkpoints.resolve(full_name(name))
    except (ValueError, OSError):  # gone, or damaged
      continue
    if _fingerprint(now) != _fingerprint(path):
      names.append(name)
  return names


def _copy_folder(workdir: pathlib.Path, index: int) -> pathlib.Path:
  return workdir / f"pretrained_{index}"


def _fingerprint(checkpoint: pathlib.Path) -> str:
  files = checkpoints.read_manifest(checkpoint)["files"]
  return files["policy.npz"]["sha256"]


def full_name(name: str) -> str:
  """A folder, or module:function.

  Raises:
    ValueError: It is neither, and no bundled policy is called so.
    OSError: A file cannot be read, or be unpacked in the user's cache.
  """
  if name in BUNDLED:
    return BUNDLED[name]
  if not name:
    raise ValueError("the name of a policy is empty; see the commas")
  if policy_files.is_address(name) or pathlib.Path(name).is_file():
    return str(policy_files.folder_of(name))
  if pretrained.is_function_name(name) or pathlib.Path(name).exists():
    return name
  raise ValueError(
    f"{name}: there is no such folder; allowed: a checkpoint, a workdir, a file"
    " by export.py, its https://…#sha256=…, module:function, or bundled:"
    f" {', '.join(BUNDLED)}"
  )
