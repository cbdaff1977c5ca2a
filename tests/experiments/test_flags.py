"""Combinations of flags are taken, or refused in a line that names one."""

import ast
import subprocess
import sys

import pytest


@pytest.mark.parametrize("script", ["run_r2d2.py", "run_ngu.py", "run_bt.py"])
def test_combinations_of_flags(script):
  result = subprocess.run(
    [sys.executable, "-m", "tests.experiments.fuzz_flags", script],
    capture_output=True,
    text=True,
    check=False,
  )
  assert result.returncode == 0, result.stderr[-4000:]
  taken, refused = ast.literal_eval(result.stdout.splitlines()[-1]).values()
  assert taken >= 50 and refused >= 100
