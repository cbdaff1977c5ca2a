"""Runs every comparison that this machine can, and prints one table.

  python benchmarks/table.py
  python benchmarks/table.py --output=figures.json

`make bench` is the same. Each program has a process of its own; they take turns
with nobody, so leave the machine alone meanwhile.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from behavior_transfer.benchmarks import comparisons

# Options that keep all of them together below half an hour on two cores.
_PROGRAMS = {
  "acting.py": ("--turns=4",),
  "one_box.py": (
    *("--network=small", "--shape=16x10x40", "--replay_ratios=4", "--turns=3"),
  ),
  "learning.py": ("--turns=3", "--seconds=2"),
  "core.py": ("--turns=2", "--seconds=2"),
  "memory.py": (),
  "price.py": ("--turns=4",),
  "environment.py": ("--turns=4", "--seconds=3"),
  "intrinsic_reward.py": ("--turns=3",),
  "startup.py": ("--turns=2",),
}
_FOLDER = pathlib.Path(__file__).parent


def measure() -> Iterator[comparisons.Comparison]:
  """The comparisons of each program in turn."""
  for index, (program, options) in enumerate(_PROGRAMS.items(), 1):
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
      output = pathlib.Path(folder, "figures.json")
      done = subprocess.run(
        [sys.executable, _FOLDER / program, *options, f"--output={output}"],
        text=True,
        capture_output=True,
      )
      if done.returncode:
        raise RuntimeError(f"{program} failed:\n{done.stderr}")
      values = json.loads(output.read_text())
    for comparison in values["comparisons"]:
      del comparison["ratio"], comparison["met"]
      yield comparisons.Comparison(**comparison)
    where = f"[{index}/{len(_PROGRAMS)}] {program}"
    print(f"{where}, {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
  comparisons.run(measure)
