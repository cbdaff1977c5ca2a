"""The benchmark of the reward measures what it says, on whatever machine."""

import json
import subprocess
import sys

_PROGRAM = """
import sys
from absl import flags
from behavior_transfer.benchmarks import intrinsic_reward

flags.FLAGS(["x", "--network=small", "--turns=1", "--seconds=0.1"])
comparison = intrinsic_reward.compare(2, 1_000)
print(__import__("json").dumps([comparison.values(), comparison.row()]))
"""


def test_it_times_the_reward_against_the_network():
  printed = subprocess.check_output([sys.executable, "-c", _PROGRAM], text=True)
  values, row = json.loads(printed)
  assert values["ours"] > 0
  assert values["theirs"] > 0
  assert values["at_most"] == 1
  assert "its networks" in row
  assert "its memory" in row
