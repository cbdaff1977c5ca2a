"""From nothing to the first learner step, with and without compiled code kept.

  python benchmarks/startup.py
  python benchmarks/startup.py --older=FOLDER --seconds=60 --turns=3

Starts `run_bt.py` again and again: with nothing compiled, and with what the
starts before have left in the cache. The replay is small, so that filling it
takes little.

The second command sets the same beside another checkout, of e4558ed for one,
the last before this engine, run by this interpreter; and the speed at which
both act and learn, with the preset `small` as it was then. Both have 16
environments.
"""

import contextlib
import csv
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from absl import flags

from behavior_transfer.benchmarks import comparisons
from behavior_transfer.experiments import cli

_OLDER = flags.DEFINE_string(
  "older", None, "Folder of another checkout.", module_name="program"
)
_CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
_PATIENCE = 600.0  # seconds
_WARM_UP = 3  # rows of the learner's log
_SETTINGS = (
  *("--preset=small", "--burn_in=10", "--trace_length=40"),
  *("--sequence_period=20", "--n_step=5", "--batch_size=16"),
  *("--max_replay_size=5000", "--min_replay_size=200", "--replay_ratio=4"),
)
_FRAMES_PER_STEP = 4


@contextlib.contextmanager
def _running(
  checkout: pathlib.Path, folder: pathlib.Path, *options: str
) -> Iterator[Callable[[int], list[dict[str, str]]]]:
  """Has a checkout's `run_bt.py` run; what is compiled stays in the folder.

  Yields:
    Waits until the learner's log has as many rows, and gives them.
  """
  workdir, link = folder / "run", folder / "packages" / "behavior_transfer"
  shutil.rmtree(workdir, ignore_errors=True)
  link.parent.mkdir(parents=True, exist_ok=True)
  with contextlib.suppress(FileExistsError):
    link.symlink_to(checkout)  # it needs not be installed
  command: list[str | pathlib.Path] = [
    *(sys.executable, checkout / "experiments" / "run_bt.py"),
    *("--game=hero_hard", "--pretrained=hero_ngu", f"--workdir={workdir}"),
    *("--envs_per_actor=16", "--allow_large_replay", *options),
  ]
  paths = {"XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(link.parent)}
  with subprocess.Popen(
    command,
    env={**os.environ, **paths},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  ) as process:

    def rows(number: int) -> list[dict[str, str]]:
      log, deadline = workdir / "learner.csv", time.monotonic() + _PATIENCE
      while time.monotonic() < deadline:
        lines = log.read_text().splitlines() if log.exists() else []
        if len(lines) > number:
          return list(csv.DictReader(lines))
        time.sleep(0.05)
      raise RuntimeError(f"{checkout} has not learned in {_PATIENCE:.0f} s")

    try:
      yield rows
    finally:
      process.kill()


def _first_learner_step(checkout: pathlib.Path, folder: pathlib.Path) -> float:
  """Seconds until a run has learned for the first time."""
  start = time.monotonic()
  with _running(
    *(checkout, folder, f"--preset={comparisons.NETWORK.value}"),
    *("--max_replay_size=100", "--min_replay_size=4", "--batch_size=4"),
    "--actor_update_period=1",
  ) as rows:
    rows(1)
    return time.monotonic() - start


def _speed(checkout: pathlib.Path, folder: pathlib.Path) -> float:
  """Frames per second of a run that acts and learns, and nothing else."""
  with _running(
    *(checkout, folder, *_SETTINGS, f"--frames={10**9}"),
    *("--evaluation_episodes=0", f"--checkpoint_period={10**9}"),
  ) as rows:
    first = len(rows(_WARM_UP))
    time.sleep(comparisons.SECONDS.value)
    then, *_, now = rows(first + 1)[first - 1 :]
  steps, seconds = (
    float(now[column]) - float(then[column])
    for column in ("agent_steps", "walltime")
  )
  return _FRAMES_PER_STEP * steps / seconds


def measure() -> Iterator[comparisons.Comparison]:
  """A start with what was compiled before, over one without, or an older's."""
  checkouts = {"ours": _CHECKOUT}
  if _OLDER.value is not None:
    with cli.user_input():
      checkouts["theirs"] = pathlib.Path(_OLDER.value).resolve()
      if not (checkouts["theirs"] / "experiments/run_bt.py").exists():
        raise ValueError(f"--older is {_OLDER.value!r}, which is no checkout")
  found: dict[str, list[float]] = {}
  for _ in range(comparisons.TURNS.value):
    for side, checkout in checkouts.items():
      with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        for start in ("first", "second"):
          seconds = _first_learner_step(checkout, path)
          found.setdefault(f"{side} {start}", []).append(seconds)
        if _OLDER.value is not None:
          speed = _speed(checkout, path)
          found.setdefault(f"{side} speed", []).append(speed)
  medians = {name: statistics.median(values) for name, values in found.items()}
  yield comparisons.Comparison(
    "the second start of run_bt.py / the first",
    *("s", medians["ours second"], medians["ours first"]),
    at_most=1 / 3,
  )
  if _OLDER.value is not None:
    yield comparisons.Comparison(
      "the second start / the older checkout's",
      *("s", medians["ours second"], medians["theirs second"]),
      at_most=1 / 2.5,
    )
    yield comparisons.Comparison(
      "acting and learning, small, / the older checkout",
      *("frames/s", medians["ours speed"], medians["theirs speed"]),
      at_least=1.4,
    )


if __name__ == "__main__":
  comparisons.run(measure)
