"""From nothing to the first learner step, with and without compiled code kept.

  python benchmarks/startup.py
  python benchmarks/startup.py --older=FOLDER --turns=3

Starts `run_bt.py` again and again, in 16 environments: with nothing compiled,
and with what the starts before have left in the cache. The replay is small, so
that filling it takes little.

The second command sets the same beside another checkout, of e4558ed for one,
the last before this engine, run by this interpreter.
"""

import collections
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from absl import flags

from behavior_transfer.benchmarks import comparisons
from behavior_transfer.experiments import cli

_OLDER = flags.DEFINE_string(
  "older", None, "Folder of another checkout.", module_name="program"
)
_CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
_PATIENCE = 600.0  # seconds


def _first_learner_step(checkout: pathlib.Path, folder: pathlib.Path) -> float:
  """Seconds until a run has learned; what it compiles stays in the folder."""
  workdir, link = folder / "run", folder / "packages" / "behavior_transfer"
  shutil.rmtree(workdir, ignore_errors=True)
  link.parent.mkdir(parents=True, exist_ok=True)
  with contextlib.suppress(FileExistsError):
    link.symlink_to(checkout)  # it needs not be installed
  command: list[str | pathlib.Path] = [
    *(sys.executable, checkout / "experiments" / "run_bt.py"),
    *("--game=hero_hard", "--pretrained=hero_ngu", f"--workdir={workdir}"),
    *("--envs_per_actor=16", "--allow_large_replay", "--batch_size=4"),
    *("--max_replay_size=100", "--min_replay_size=4"),
    *("--actor_update_period=1", f"--preset={comparisons.NETWORK.value}"),
  ]
  paths = {"XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(link.parent)}
  start, log = time.monotonic(), workdir / "learner.csv"
  process = subprocess.Popen(
    command,
    env={**os.environ, **paths},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )
  try:
    while not log.exists() or log.read_text().count("\n") < 2:
      if time.monotonic() - start > _PATIENCE:
        raise RuntimeError(f"{checkout} has not learned in {_PATIENCE:.0f} s")
      time.sleep(0.05)
    return time.monotonic() - start
  finally:
    process.kill()
    process.wait()


def measure() -> Iterator[comparisons.Comparison]:
  """A start with what was compiled before, over one without, or an older's."""
  checkouts = {"ours": _CHECKOUT}
  if _OLDER.value is not None:
    with cli.user_input():
      checkouts["older"] = pathlib.Path(_OLDER.value).resolve()
      if not (checkouts["older"] / "experiments/run_bt.py").exists():
        raise ValueError(f"--older is {_OLDER.value!r}, which is no checkout")
  found = collections.defaultdict(list)
  for _ in range(comparisons.TURNS.value):
    for side, checkout in checkouts.items():
      with tempfile.TemporaryDirectory() as folder:
        for start in ("first", "second"):
          seconds = _first_learner_step(checkout, pathlib.Path(folder))
          found[side, start].append(seconds)
  medians = {name: statistics.median(values) for name, values in found.items()}
  second = medians["ours", "second"]
  yield comparisons.Comparison(
    "the second start of run_bt.py / the first",
    *("s", second, medians["ours", "first"]),
    at_most=1 / 3,
  )
  if "older" in checkouts:
    yield comparisons.Comparison(
      "the second start / the older checkout's",
      *("s", second, medians["older", "second"]),
      at_most=1 / 2.5,
    )


if __name__ == "__main__":
  comparisons.run(measure)
