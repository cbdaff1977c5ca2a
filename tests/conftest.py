"""Settings of every test: the CPU, no silent broadcasting, little noise.

What needs Acme, Reverb or Launchpad, directly or by what it starts, is named
here, or bears the marker `acme`, and is left out on Pythons for which there is
no dm-acme. On the others a missing Acme is a failure.
"""

import os
import sys
from pathlib import Path

# Before JAX and TensorFlow are imported, here and in subprocesses.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Most of what the tests wait for is compilation.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jax
import pytest

from behavior_transfer.experiments import compilation

jax.config.update("jax_numpy_rank_promotion", "raise")

# What one test or process has compiled, the others find, and later runs, too.
compilation.keep_compiled(Path(__file__).parents[1] / "build/compiled")

NEED_ACME = [
  "agents/test_acme_conformance.py",
  "agents/test_batched_actor.py",
  "agents/test_data_parallel.py",
  "agents/test_learns.py",
  "agents/test_ngu_actor.py",
  "agents/test_ngu_explores.py",
  "agents/test_replay.py",
  "agents/test_replay_bytes.py",
  "benchmarks/test_comparisons.py",
  "launch/test_cluster.py",
  "launch/test_coordinator.py",
  "launch/test_distributed.py",
  "launch/test_kept_replay.py",
  "launch/test_lockstep.py",
  "launch/test_parts.py",
  "launch/test_roles.py",
  "launch/test_supervisor.py",
]
# Begun first, since a file is one process's: the longest comes first, so that
# no process is left with it when the others are done.
LONGEST = [
  "experiments/test_same_always.py",
  "launch/test_distributed.py",
  "launch/test_cluster.py",
  "experiments/test_launching.py",
  "experiments/test_pretraining.py",
  "agents/test_learns.py",
  "experiments/test_ends_together.py",
  "experiments/test_run_study.py",
  "experiments/test_programs.py",
  "test_docs.py",
  "agents/test_acme_conformance.py",
]
_FOLDER = Path(__file__).parent
assert all((_FOLDER / name).exists() for name in NEED_ACME + LONGEST)
collect_ignore = NEED_ACME if sys.version_info >= (3, 11) else []


def pytest_report_header() -> list[str]:
  return [f"left out, needs dm-acme: {name}" for name in collect_ignore]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
  order = {_FOLDER / name: rank for rank, name in enumerate(LONGEST)}
  items.sort(key=lambda item: order.get(item.path, len(order)))
  if collect_ignore:
    skip = pytest.mark.skip(reason="needs dm-acme, which ends at CPython 3.10")
    for item in items:
      if item.get_closest_marker("acme"):
        item.add_marker(skip)
