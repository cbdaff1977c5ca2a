"""This checkout against an older one, whose default engine was another.

  git worktree add ../older e4558ed
  python benchmarks/versions.py --older=../older --seconds=60 --turns=3

Both train BT with the preset `small`, and 16 environments, by this interpreter:
the speed of acting and learning, and the seconds that a second start takes to
its first learner step.
"""

import csv
import pathlib
import statistics
import tempfile
import time
from collections.abc import Iterator

from absl import flags

from behavior_transfer.benchmarks import comparisons, startup
from behavior_transfer.experiments import cli

_OLDER = flags.DEFINE_string(
  "older", None, "Folder of the other checkout.", module_name="program"
)
_SPEED_BAR, _START_BAR = 1.4, 1 / 2.5
_WARM_UP = 3  # rows of the learner's log
_FRAMES_PER_STEP = 4


def _speed(checkout: pathlib.Path, folder: pathlib.Path) -> float:
  """Frames per second of a run that acts and learns, and nothing else."""
  with startup.running(
    *(checkout, folder, "--preset=small", f"--frames={10**9}"),
    *("--evaluation_episodes=0", f"--checkpoint_period={10**9}"),
  ) as workdir:
    first = len(startup.learner_rows(workdir, _WARM_UP)) - 2
    time.sleep(comparisons.SECONDS.value)
    lines = startup.learner_rows(workdir, first + 3)
  rows = list(csv.DictReader(lines))

  def passed(column: str) -> float:
    return float(rows[-2][column]) - float(rows[first][column])

  return _FRAMES_PER_STEP * passed("agent_steps") / passed("walltime")


def measure() -> Iterator[comparisons.Comparison]:
  """Speed and start."""
  with cli.user_input():
    older = pathlib.Path(_OLDER.value or ".").resolve()
    if _OLDER.value is None or not (older / "experiments/run_bt.py").exists():
      raise ValueError(f"--older is {_OLDER.value!r}, which is no checkout")
  sides = {"ours": startup.CHECKOUT, "theirs": older}
  speeds: dict[str, list[float]] = {side: [] for side in sides}
  starts: dict[str, list[float]] = {side: [] for side in sides}
  with tempfile.TemporaryDirectory() as root:
    folders = {side: pathlib.Path(root, side) for side in sides}
    for side, checkout in sides.items():
      startup.first_learner_step(checkout, folders[side])  # compiles
    for _ in range(comparisons.TURNS.value):
      for side, checkout in sides.items():
        starts[side].append(startup.first_learner_step(checkout, folders[side]))
        speeds[side].append(_speed(checkout, folders[side]))
  yield comparisons.Comparison(
    "acting and learning, small, / the older checkout",
    "frames/s",
    statistics.median(speeds["ours"]),
    statistics.median(speeds["theirs"]),
    at_least=_SPEED_BAR,
  )
  yield comparisons.Comparison(
    "a second start / the older checkout's",
    "s",
    statistics.median(starts["ours"]),
    statistics.median(starts["theirs"]),
    at_most=_START_BAR,
  )


if __name__ == "__main__":
  comparisons.run(measure)
