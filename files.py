"""Files that are seen whole or not at all, also after a power cut."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


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
