"""What every engine shares does without the frameworks of any."""

import subprocess
import sys

_SHARED = (
  "episodes",
  "experiment",
  "lockstep",
  "loggers",
  "progress",
  "record",
  "signals",
)
_PROGRAM = """
import importlib, sys

class Absent:
  def find_spec(self, name, path=None, target=None):
    frameworks = "acme", "gym", "launchpad", "reverb", "tensorflow"
    if name.partition(".")[0] in frameworks:
      raise ModuleNotFoundError(f"{name} is not there")

sys.meta_path.insert(0, Absent())
for name in sys.argv[1:]:
  importlib.import_module("behavior_transfer.launch." + name)
"""


def test_what_engines_share_imports_where_no_framework_exists():
  result = subprocess.run(
    [sys.executable, "-c", _PROGRAM, *_SHARED], capture_output=True, text=True
  )
  assert result.returncode == 0, result.stderr


def test_a_worker_imports_no_jax():
  """What one unpickles of a game and of its frames; JAX takes 70 MB of each."""
  program = """
import sys
from behavior_transfer.agents.replay import frames
from behavior_transfer.experiments import tasks
from behavior_transfer.launch.embedded import worker
assert not {"jax", "flax"} & sys.modules.keys()
"""
  subprocess.run([sys.executable, "-c", program], check=True)
