"""Makes one file of a run's policy, to keep or to pass on.

  python experiments/export.py --checkpoint=runs/ngu_hero_0 --output=hero.zip
  python experiments/run_bt.py --game=hero_hard --pretrained=hero.zip

It has the policies that it transfers from, and nothing that only training
needs. From a web server, it is --pretrained=https://…/hero.zip#sha256=…, with
the sum that is printed here.
"""

import pathlib

from absl import flags

from behavior_transfer import files
from behavior_transfer.agents import checkpoints, policy_file
from behavior_transfer.experiments import cli, policy_files, workdirs

_CHECKPOINT = flags.DEFINE_string(
  "checkpoint",
  None,
  "A checkpoint, or a workdir (its newest one).",
  module_name="program",
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "File to write, a zip.", module_name="program"
)


def main():
  """Reads the flags and writes the file."""
  with cli.user_input():
    if _CHECKPOINT.value is None:
      raise ValueError("--checkpoint is missing")
    if _OUTPUT.value is None:
      raise ValueError("--output is missing")
    source = checkpoints.resolve(_CHECKPOINT.value)
    output = pathlib.Path(_OUTPUT.value)
    if output.exists():
      raise ValueError(f"--output={output}: it is there; allowed: a new file")
    with files.whole(workdirs.writable(output)) as partial:
      policy_file.pack(source, partial)
  print(f"policy: {output}, of {source}\nsha256={policy_files.sha256(output)}")


if __name__ == "__main__":
  cli.run(main)
