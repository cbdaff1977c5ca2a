"""Files that are seen whole or not at all, also after a power cut."""

import contextlib
import os
import pathlib
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


@contextlib.contextmanager
def whole(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """Gives a hidden path to write to, which gets its name once all is written.

  Where that fails, nothing is left of it, and what had the name still has it.
  """
  partial = path.with_name(f".partial-{path.name}")
  try:
    yield partial
    sync(partial)
    os.replace(partial, path)
  except BaseException:
    partial.unlink(missing_ok=True)
    raise
  sync(path.parent)


def sync(path: pathlib.Path):
  """Has a file or folder reach the disk."""
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def write_arrays(
  path: str | os.PathLike,
  arrays: Mapping[str, Any],
  compression: int = zipfile.ZIP_STORED,
) -> None:
  """Writes an .npz; `np.savez` takes neither every name nor a full disk."""
  with zipfile.ZipFile(path, "w") as archive:
    for name, array in arrays.items():
      member = zipfile.ZipInfo(name + ".npy")
      member.compress_type = compression
      with archive.open(member, "w", force_zip64=True) as stream:
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
