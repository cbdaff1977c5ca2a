"""Checkpoints: arrays without pickle beside a readable manifest.

One checkpoint is one folder, named by the agent steps so far:

  000000012000/
    manifest.json   what was saved, by whom, with the checksum of each file
    policy.npz      the parameters that act
    training.npz    what the learner needs on top of them to go on (optional)
    engine.npz      whatever else goes on: emulators, memories (optional)
    pretrained_0/   the frozen policies it was trained with, as checkpoints of
    pretrained_1/   their own (without their training state)

It is written under a hidden name beside its final place, flushed to the disk
and renamed, so a folder that bears a step's name is complete unless the disk
or a person damaged it afterwards; reading verifies that. One process writes
to a folder at a time. What was learned is finite, or neither written nor read.
"""

import datetime
import functools
import hashlib
import json
import logging
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .. import files
from . import trees

FORMAT_VERSION = 1

# What every caller of `save` says about its policy. Readers rely on them.
MANIFEST_KEYS = frozenset({
    "agent", "game", "action_set", "observation", "network", "config",
    "frames", "agent_steps", "learner_steps", "seed", "pretrained",
})  # fmt: skip

_MANIFEST = "manifest.json"
_POLICY = "policy.npz"
_TRAINING = "training.npz"
_ENGINE = "engine.npz"
_STEP_NAME = re.compile(r"\d{12}")
_HIDDEN = ".partial-"
_LIBRARIES = (
  "behavior-transfer",
  "ale-py",
  "dm-acme",
  "dm-reverb",
  "flax",
  "jax",
  "jaxlib",
  "numpy",
  "optax",
)


class CheckpointError(ValueError):
  """A checkpoint cannot be used; the message is one line: path and fault."""

  def __init__(self, path: str | os.PathLike, fault: str):
    super().__init__(" ".join(f"{path}: {fault}".split()))


def save(
  folder: str | os.PathLike,
  *,
  step: int,
  params: Mapping[str, Any],
  manifest: Mapping[str, Any],
  training_state: Any = None,
  engine_state: Mapping[str, Any] | None = None,
  pretrained: Sequence[str | os.PathLike | None] = (),
  keep: int = 3,
) -> Path:
  """Writes one checkpoint and removes the oldest ones beyond `keep`.

  A checkpoint of the same step is replaced. Later steps are never removed:
  they are left from before a damaged checkpoint made the run go back.

  Args:
    folder: where the checkpoints of one run live; created if missing.
    step: agent steps so far; names the checkpoint.
    params: nested dictionaries of arrays, keyed by strings.
    manifest: description of the policy, with at least `MANIFEST_KEYS`.
    training_state: any pytree of arrays and numbers.
    engine_state: any pytree of arrays and numbers, of dictionaries if loaded.
    pretrained: the checkpoint folder of each frozen policy, in order; None for
      one that has no checkpoint.
    keep: how many checkpoints to leave, this one included.

  Returns:
    The folder of the new checkpoint.
  """
  folder = Path(folder)
  target = folder / f"{step:012d}"
  if not _STEP_NAME.fullmatch(target.name):
    raise ValueError(f"step must be in [0, 10^12), got {step}")
  if keep < 1:
    raise ValueError(f"keep must be at least 1, got {keep}")
  if missing := MANIFEST_KEYS - manifest.keys():
    raise ValueError(f"the manifest lacks {', '.join(sorted(missing))}")
  learned = {_POLICY: _flat_params(target, params)}
  if training_state is not None:
    learned[_TRAINING] = trees.flat(training_state)
  folder.mkdir(parents=True, exist_ok=True)
  for leftover in folder.glob(_HIDDEN + "*"):
    shutil.rmtree(leftover)

  partial = folder / (_HIDDEN + target.name)
  partial.mkdir()
  for name, tree in learned.items():
    _write_arrays(partial / name, tree)
    _check_finite(target, name, tree)
  if engine_state is not None:
    # Much of it is empty: memories have room for the longest episodes.
    leaves = trees.flat(engine_state)
    _write_arrays(partial / _ENGINE, leaves, zipfile.ZIP_DEFLATED)
  for k, source in enumerate(pretrained):
    if source is not None:
      copy_policy(Path(source), partial / f"pretrained_{k}")
  _write_manifest(
    partial,
    dict(manifest)
    | {
      "format_version": FORMAT_VERSION,
      "created": datetime.datetime.now(datetime.timezone.utc).isoformat(),
      "library_versions": library_versions(),
    },
  )
  if target.exists():
    _remove(target)
  partial.rename(target)
  files.sync(folder)
  earlier = [c for c in _checkpoints(folder) if c.name <= target.name]
  for old in earlier[keep:]:
    _remove(old)
  return target


def resolve(path: str | os.PathLike) -> Path:
  """Returns an intact checkpoint: `path` itself, or the newest one in it.

  Args:
    path: a checkpoint, a folder of checkpoints, or a workdir whose
      `checkpoints` folder holds them. In the latter two a damaged checkpoint
      is skipped with a warning.
  """
  path = Path(path)
  if not path.is_dir():
    raise CheckpointError(path, "no such folder")
  if (path / _MANIFEST).exists():
    read_manifest(path)
    return path
  candidates = _checkpoints(path / "checkpoints") or _checkpoints(path)
  if not candidates:
    raise CheckpointError(path, "holds no checkpoint")
  for candidate in candidates:
    try:
      read_manifest(candidate)
    except CheckpointError as error:
      logging.warning("Skipping a damaged checkpoint. %s", error)
    else:
      return candidate
  raise CheckpointError(
    path, f"none of {len(candidates)} checkpoints is intact"
  )


def read_manifest(path: str | os.PathLike) -> dict[str, Any]:
  """Returns the manifest of a checkpoint after verifying all of its files."""
  path = Path(path)
  try:
    manifest = json.loads((path / _MANIFEST).read_bytes())
    version = manifest["format_version"]
    sums = manifest["files"]
  except FileNotFoundError:
    raise CheckpointError(path, f"not a checkpoint, no {_MANIFEST}") from None
  except OSError as error:
    raise CheckpointError(path, f"cannot be read, {error.strerror}") from None
  except (ValueError, KeyError, TypeError):
    raise CheckpointError(
      path, f"{_MANIFEST} is damaged or another program's"
    ) from None
  if version != FORMAT_VERSION:
    raise CheckpointError(
      path,
      f"has format version {version}, this program reads {FORMAT_VERSION}",
    )
  if manifest.pop("checksum", None) != _checksum(manifest):
    raise CheckpointError(path, f"{_MANIFEST} was altered (checksum)")
  for name, expected in sums.items():
    try:
      found = _fingerprint(path / name)
    except OSError as error:
      raise CheckpointError(path, f"{name}: {error.strerror}") from None
    if found["bytes"] != expected["bytes"]:
      raise CheckpointError(
        path,
        f"{name} has {found['bytes']} bytes instead of {expected['bytes']}",
      )
    if found != expected:
      raise CheckpointError(path, f"{name} is corrupt (sha256)")
  return manifest


def load_params(path: str | os.PathLike) -> dict[str, Any]:
  """Returns the parameters of a checkpoint: nested dictionaries of arrays."""
  path = Path(path)
  arrays = _read_arrays(path, _POLICY)
  _check_finite(path, _POLICY, arrays)
  return trees.nested(arrays)


def load_training(path: str | os.PathLike, template: Any) -> Any:
  """Returns the training state of a checkpoint in the form of `template`.

  Args:
    path: a checkpoint.
    template: a pytree with the structure that was saved, of arrays, numbers or
      `jax.ShapeDtypeStruct`. The names, shapes and dtypes of the leaves must
      be those of the checkpoint.

  Returns:
    A pytree like `template`, of NumPy's arrays.
  """
  path = Path(path)
  arrays = _read_arrays(path, _TRAINING)
  _check_finite(path, _TRAINING, arrays)
  expected = trees.flat(template)
  for name in sorted(expected.keys() | arrays.keys()):
    saved, wanted = (
      _form(leaves[name]) if name in leaves else "absent"
      for leaves in (arrays, expected)
    )
    if saved != wanted:
      raise CheckpointError(
        path, f"{_TRAINING}: {name} is {saved}, expected {wanted}"
      )
  return trees.like(template, arrays)


def load_engine(path: str | os.PathLike) -> dict[str, Any]:
  """Returns the engine's state of a checkpoint: nested dictionaries."""
  return trees.nested(_read_arrays(Path(path), _ENGINE))


def _flat_params(path: Path, params: Mapping[str, Any]) -> dict[str, Any]:
  for key_path, _ in jax.tree_util.tree_flatten_with_path(params)[0]:
    for key in key_path:
      name = getattr(key, "key", None)
      if not isinstance(name, str) or "/" in name:
        raise CheckpointError(
          path,
          "params must be nested dictionaries keyed by strings without '/',"
          f" found {jax.tree_util.keystr(key_path)}",
        )
  return trees.flat(params)


def _check_finite(path: Path, file: str, leaves: Mapping[str, Any]) -> None:
  """Refuses weights that have diverged, which would spread from run to run."""
  for name, leaf in leaves.items():
    if not np.isfinite(leaf).all():
      raise CheckpointError(
        path, f"{file}: {name} is not finite; what it learned has diverged"
      )


def _form(leaf: Any) -> str:
  """Returns the dtype and shape of a leaf, as in `float32[64, 10]`."""
  if not hasattr(leaf, "dtype"):
    leaf = np.asarray(leaf)
  return f"{leaf.dtype}{list(leaf.shape)}"


def _write_arrays(
  path: Path, leaves: Mapping[str, Any], compression: int = zipfile.ZIP_STORED
) -> None:
  for name, leaf in leaves.items():
    dtype = getattr(leaf, "dtype", None) or np.asarray(leaf).dtype
    # Types that ml_dtypes and JAX register come back as raw bytes.
    if getattr(dtype, "isbuiltin", 2) == 2 or dtype.kind not in "biufc":
      raise CheckpointError(
        path, f"{name} has dtype {dtype}, which .npz cannot hold"
      )
  files.write_arrays(path, leaves, compression)
  files.sync(path)


def _read_arrays(path: Path, name: str) -> dict[str, np.ndarray]:
  if name not in read_manifest(path)["files"]:
    raise CheckpointError(path, f"holds no {name}")
  try:
    with np.load(path / name, allow_pickle=False) as arrays:
      return dict(arrays)
  except Exception as error:
    raise CheckpointError(path, f"{name} cannot be read, {error}") from None


def _write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
  """Describes all files under `path` and flushes them to the disk."""
  sums = {
    str(file.relative_to(path)): _fingerprint(file)
    for file in sorted(path.rglob("*"))
    if file.is_file()
  }
  manifest = dict(manifest) | {"files": sums}
  manifest["checksum"] = _checksum(manifest)
  with (path / _MANIFEST).open("w") as stream:
    json.dump(manifest, stream, indent=2)
    stream.write("\n")
  files.sync(path / _MANIFEST)
  files.sync(path)


def copy_policy(source: Path, target: Path) -> None:
  """Copies a checkpoint without its training state, whole or not at all."""
  manifest = read_manifest(source)
  partial = target.with_name(_HIDDEN + target.name)
  shutil.rmtree(partial, ignore_errors=True)
  for name in manifest["files"]:
    if name not in (_TRAINING, _ENGINE):
      copy = partial / name
      copy.parent.mkdir(parents=True, exist_ok=True)
      shutil.copyfile(source / name, copy)
      files.sync(copy)
      files.sync(copy.parent)
  _write_manifest(partial, manifest)
  partial.rename(target)


def _checkpoints(folder: Path) -> list[Path]:
  """Returns the checkpoints in `folder`, newest first."""
  if not folder.is_dir():
    return []
  names = (c for c in folder.iterdir() if _STEP_NAME.fullmatch(c.name))
  return sorted(names, reverse=True)


def _remove(path: Path) -> None:
  """Removes a checkpoint so that no part of it is ever seen as one."""
  hidden = path.with_name(f"{_HIDDEN}removed-{path.name}")
  path.rename(hidden)
  shutil.rmtree(hidden)


def _fingerprint(path: Path) -> Mapping[str, Any]:
  """Size and checksum; a file that has not changed is read once."""
  status = path.stat()
  return _read_fingerprint(
    path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
  )


@functools.lru_cache(maxsize=64)
def _read_fingerprint(path: Path, *status: int) -> Mapping[str, Any]:
  del status
  digest = hashlib.sha256()
  size = 0
  with path.open("rb") as stream:
    while chunk := stream.read(1 << 20):
      digest.update(chunk)
      size += len(chunk)
  return {"sha256": digest.hexdigest(), "bytes": size}


def _checksum(manifest: Mapping[str, Any]) -> str:
  text = json.dumps(manifest, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()


def library_versions() -> dict[str, str]:
  """Of those that a run stands on and that are installed."""
  versions = {}
  for library in _LIBRARIES:
    try:
      versions[library] = metadata.version(library)
    except metadata.PackageNotFoundError:
      continue
  return versions
