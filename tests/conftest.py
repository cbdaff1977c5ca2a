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

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")

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
assert all((Path(__file__).parent / name).exists() for name in NEED_ACME)
collect_ignore = NEED_ACME if sys.version_info >= (3, 11) else []


def pytest_report_header() -> list[str]:
  return [f"left out, needs dm-acme: {name}" for name in collect_ignore]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
  if collect_ignore:
    skip = pytest.mark.skip(reason="needs dm-acme, which ends at CPython 3.10")
    for item in items:
      if item.get_closest_marker("acme"):
        item.add_marker(skip)
