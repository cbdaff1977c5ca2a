"""A policy as one file, to pass on: a checkpoint's folder as a zip.

It holds what a checkpoint does, but for the state of training: arrays without
pickle and manifests, of the policy and of those that it transfers from. Nothing
in it is ever executed.
"""

import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from . import checkpoints

MAX_BYTES = 1 << 30  # of a file, and of what it holds

_MANIFEST = "manifest.json"
_MEMBER = re.compile(rf"(pretrained_\d+/)*({re.escape(_MANIFEST)}|policy\.npz)")


def pack(checkpoint: Path, file: Path) -> None:
  """Writes the file; that of a checkpoint is the same, byte by byte.

  Args:
    checkpoint: An intact one.
    file: To write; what has that name is replaced.
  """
  with tempfile.TemporaryDirectory() as folder:
    copy = Path(folder) / "policy"
    checkpoints.copy_policy(checkpoint, copy)
    with zipfile.ZipFile(file, "w") as archive:
      for member in sorted(copy.rglob("*")):
        name = zipfile.ZipInfo(str(member.relative_to(copy)))  # of no date
        if member.is_file():
          archive.writestr(name, member.read_bytes())


def unpack(file: Path, folder: Path, name: str) -> None:
  """Makes a checkpoint's folder of the file, whole or not at all.

  Args:
    file: Whoever made it.
    folder: To make, in one that is there. Where another process is quicker, its
      folder stays.
    name: Of the file, for messages.

  Raises:
    CheckpointError: It is no policy's file, or damaged.
    OSError: The folder cannot be written.
  """
  with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
    partial = Path(temporary) / "policy"
    try:
      _extract(file, partial)
      for manifest in partial.rglob(_MANIFEST):
        _check_lists_what_is_there(manifest)
      checkpoints.read_manifest(partial)
    except OSError:
      raise
    except Exception as error:  # zipfile's are many, and so are a manifest's
      fault = str(error).removeprefix(f"{partial}: ")
      raise checkpoints.CheckpointError(
        name, f"no policy's file, or a damaged one: {fault}"
      ) from None
    try:
      partial.rename(folder)
    except OSError:
      if not folder.is_dir():
        raise


def _extract(file: Path, folder: Path) -> None:
  with zipfile.ZipFile(file) as archive:
    _check_size(archive)
    for name in archive.namelist():
      if not _MEMBER.fullmatch(name):
        raise ValueError(f"it holds {name!r}")
      path = folder / name
      path.parent.mkdir(parents=True, exist_ok=True)
      with archive.open(name) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
  for path in folder.rglob("*.npz"):
    with zipfile.ZipFile(path) as arrays:
      _check_size(arrays)


def _check_size(archive: zipfile.ZipFile) -> None:
  """Not more is ever read of a member than it is said to have."""
  if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
    raise ValueError(f"it holds more than {MAX_BYTES:,} bytes")


def _check_lists_what_is_there(manifest: Path) -> None:
  """Files elsewhere are none of it: they would be read, and copied over."""
  folder = manifest.parent
  files = (path for path in folder.rglob("*") if path.is_file())
  there = {str(path.relative_to(folder)) for path in files}
  if there - {_MANIFEST} != json.loads(manifest.read_bytes())["files"].keys():
    raise ValueError(f"{_MANIFEST} lists other files than there are")
