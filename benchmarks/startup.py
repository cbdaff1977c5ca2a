"""From nothing to the first learner step, with and without compiled code kept.

  python benchmarks/startup.py

Starts `run_bt.py` again and again: with nothing compiled, and with what the
starts before have left in the cache. The replay is small, so that filling it
takes little; the note says how long the imports alone take, which nothing here
can shorten.
"""

import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from behavior_transfer.benchmarks import comparisons

_PROGRAM = pathlib.Path(__file__).parents[1] / "experiments" / "run_bt.py"
_IMPORTS = (
  "from behavior_transfer.agents import bt;"
  "from behavior_transfer.experiments import training;"
  "from behavior_transfer.launch import local;"
  "bt.BTBuilder"
)
_PATIENCE = 600.0  # seconds
_BAR = 1 / 3


def _first_learner_step(cache: pathlib.Path, workdir: pathlib.Path) -> float:
  """Seconds until the run has learned for the first time."""
  command: list[str | pathlib.Path] = [
    *(sys.executable, _PROGRAM, "--game=hero_hard", "--pretrained=hero_ngu"),
    *(f"--preset={comparisons.NETWORK.value}", f"--workdir={workdir}"),
    *("--max_replay_size=100", "--min_replay_size=4", "--batch_size=4"),
    *("--actor_update_period=1", "--allow_large_replay"),
  ]
  start = time.monotonic()
  with subprocess.Popen(
    command,
    env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    stdout=subprocess.DEVNULL,
  ) as process:
    rows = workdir / "learner.csv"
    while not rows.exists() or not rows.stat().st_size:
      if process.poll() is not None or time.monotonic() > start + _PATIENCE:
        raise RuntimeError(f"no learner step; exit code {process.poll()}")
      time.sleep(0.05)
    seconds = time.monotonic() - start
    process.send_signal(signal.SIGKILL)
  return seconds


def _imports() -> float:
  start = time.monotonic()
  subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
  return time.monotonic() - start


def measure() -> Iterator[comparisons.Comparison]:
  """A start with what was compiled before, over one without."""
  found: dict[str, list[float]] = {"ours": [], "theirs": [], "imports": []}
  for _ in range(comparisons.TURNS.value):
    with tempfile.TemporaryDirectory() as folder:
      for side in ("theirs", "ours"):
        workdir = pathlib.Path(folder, side)
        seconds = _first_learner_step(pathlib.Path(folder, "cache"), workdir)
        found[side].append(seconds)
        shutil.rmtree(workdir)
    found["imports"].append(_imports())
  medians = {side: statistics.median(found[side]) for side in found}
  yield comparisons.Comparison(
    "the second start of run_bt.py / the first",
    "s",
    medians["ours"],
    medians["theirs"],
    at_most=_BAR,
    note=f"imports alone {medians['imports']:.1f} s",
  )


if __name__ == "__main__":
  comparisons.run(measure)
