"""Acme as its users import it, after a part of ours that stands on it."""

import subprocess
import sys

import pytest


@pytest.mark.acme
@pytest.mark.parametrize(
  "touch",
  [
    "from behavior_transfer.agents import bt; bt.BTBuilder",
    "from behavior_transfer.agents import acme_compat",
  ],
)
def test_acme_can_be_imported_once_a_builder_was_touched(touch):
  program = f"""
import jax
from behavior_transfer.agents import bt, ngu, r2d2
assert not hasattr(jax, "tree_map")
{touch}
from acme.agents.jax import builders
from acme.jax import utils, variable_utils
jax.tree_map
"""
  result = subprocess.run(
    [sys.executable, "-c", program], capture_output=True, text=True
  )
  assert result.returncode == 0, result.stderr
