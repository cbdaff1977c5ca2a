"""Copies a policy out of a run, to keep or to pass on: without what training
needs on top of it, and with the policies that it transfers from.

  python experiments/export.py --checkpoint=runs/ngu_hero_0 --output=explorer
  python experiments/run_bt.py --game=hero_hard --pretrained=explorer
"""

import pathlib

from absl import flags

from behavior_transfer.agents import checkpoints
from behavior_transfer.experiments import cli

_CHECKPOINT = flags.DEFINE_string(
  "checkpoint",
  None,
  "A checkpoint, or a workdir (its newest one).",
  module_name="program",
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "Folder to make for the copy.", module_name="program"
)


def main():
  """Reads the flags and copies."""
  with cli.user_input():
    if _CHECKPOINT.value is None:
      raise ValueError("--checkpoint is missing")
    if _OUTPUT.value is None:
      raise ValueError("--output is missing")
    source = checkpoints.resolve(_CHECKPOINT.value)
    output = pathlib.Path(_OUTPUT.value)
    if output.exists():
      raise ValueError(f"--output={output}: it is there; allowed: a new folder")
    checkpoints.copy_policy(source, output)
  print(f"policy: {output}, a copy of {source}")


if __name__ == "__main__":
  cli.run(main)
