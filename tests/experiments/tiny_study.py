"""A study of seconds, for `test_run_study`.

python tests/experiments/tiny_study.py FOLDER
"""

import pathlib

from absl import app

from behavior_transfer.experiments import run_study
from behavior_transfer.experiments.studies import scales, study
from behavior_transfer.launch import signals
from tests.experiments import programs

SCALE = scales.Scale(
  name="tiny",
  suits="tests",
  frames=1200,
  pretraining_frames=800,
  seeds=1,
  frames_per_second=None,
  flags={
    "preset": "miniature",
    **dict(flag[2:].split("=") for flag in programs.TINY),
  },
)
STUDY = study.Study("tiny", "", games=("maze_far",), arms=("r2d2", "bt_ngu"))
RUNS = study.plan(STUDY, SCALE)


def main(argv):
  folder = pathlib.Path(argv[1])
  with signals.StopRequest() as stop:
    states = run_study.execute(RUNS, folder, stop)
  run_study.print_states(states)
  return stop.exit_code


if __name__ == "__main__":
  app.run(main)
