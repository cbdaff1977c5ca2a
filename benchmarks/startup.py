"""From nothing to the first learner step, with and without compiled code kept.

  python benchmarks/startup.py

Starts `run_bt.py` again and again: with nothing compiled, and with what the
starts before have left in the cache. The replay is small, so that filling it
takes little; the note says how long the imports alone take, which nothing here
can shorten.
"""

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

from behavior_transfer.benchmarks import comparisons

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
_IMPORTS = "from behavior_transfer.experiments import run_bt"
_PATIENCE = 600.0  # seconds
_BAR = 1 / 3


@contextlib.contextmanager
def running(
  checkout: pathlib.Path, folder: pathlib.Path, *options: str
) -> Iterator[pathlib.Path]:
  """Has a checkout's `run_bt.py` run; gives its workdir, which is new.

  Args:
    checkout: Of this project; needs not be installed.
    folder: Keeps what it compiles.
    *options: Of the program.
  """
  workdir, link = folder / "run", folder / "packages" / "behavior_transfer"
  shutil.rmtree(workdir, ignore_errors=True)
  link.parent.mkdir(parents=True, exist_ok=True)
  with contextlib.suppress(FileExistsError):
    link.symlink_to(checkout)
  command: list[str | pathlib.Path] = [
    *(sys.executable, checkout / "experiments" / "run_bt.py"),
    *("--game=hero_hard", "--pretrained=hero_ngu", f"--workdir={workdir}"),
    *("--envs_per_actor=16", "--allow_large_replay", *options),
  ]
  paths = {"XDG_CACHE_HOME": folder, "PYTHONPATH": link.parent}
  with subprocess.Popen(
    command,
    env={**os.environ, **{name: str(path) for name, path in paths.items()}},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  ) as process:
    try:
      yield workdir
    finally:
      process.kill()


def learner_rows(workdir: pathlib.Path, number: int) -> list[str]:
  """Lines of its log, as soon as there are as many, and the header."""
  log, deadline = workdir / "learner.csv", time.monotonic() + _PATIENCE
  while time.monotonic() < deadline:
    lines = log.read_text().splitlines() if log.exists() else []
    if len(lines) > number:
      return lines
    time.sleep(0.05)
  raise RuntimeError(f"{workdir} has not learned within {_PATIENCE:.0f} s")


def first_learner_step(checkout: pathlib.Path, folder: pathlib.Path) -> float:
  """Seconds until a run has learned for the first time."""
  start = time.monotonic()
  with running(
    *(checkout, folder, f"--preset={comparisons.NETWORK.value}"),
    *("--max_replay_size=100", "--min_replay_size=4", "--batch_size=4"),
    "--actor_update_period=1",
  ) as workdir:
    learner_rows(workdir, 1)
    return time.monotonic() - start


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
        seconds = first_learner_step(CHECKOUT, pathlib.Path(folder))
        found[side].append(seconds)
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
