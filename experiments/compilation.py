"""Keeps what XLA has compiled, so that a run starts sooner the second time."""

import hashlib
import os
import pathlib

import jax

from . import cli

_FOLDER = "jax_compilation_cache_dir"
_LEAST = "jax_persistent_cache_min_compile_time_secs"
_LEAST_SECONDS = 0.3  # that compiling took; the rest is as quickly done again


def keep_compiled(folder: pathlib.Path | None = None):
  """Has this process and those it starts share a folder of compiled code.

  There is one for each kind of processor, since code for one need not run on
  the other. JAX's own variables go first.

  Args:
    folder: Holds them; None is that in the user's cache, which is
      `~/.cache/behavior-transfer` unless `XDG_CACHE_HOME` names another.
  """
  folder = (folder or cli.cache_folder()) / _processor()
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError:
    return  # nowhere to keep it
  # The variables are for those that this process starts.
  given = os.environ.setdefault(_FOLDER.upper(), str(folder))
  jax.config.update(_FOLDER, given)
  given = os.environ.setdefault(_LEAST.upper(), str(_LEAST_SECONDS))
  jax.config.update(_LEAST, float(given))


def _processor() -> str:
  """Tells processors with different instructions apart."""
  lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
  known = {line for line in lines if line.startswith(("model name", "flags"))}
  return hashlib.sha256("\n".join(sorted(known)).encode()).hexdigest()[:16]
