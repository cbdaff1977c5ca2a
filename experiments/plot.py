"""Draws a study, and writes its report.

  python experiments/plot.py --study=figure5 --scale=laptop

What is complete is shown; a study that is under way can be looked at. Writes
report.html with its pictures (PNG and SVG), report.md, its tables as CSV, and
in runs.zip what all of it is drawn from: unpacked, it is a --folder again.
"""

import pathlib

from absl import flags

from behavior_transfer.experiments import cli, study_flags
from behavior_transfer.experiments.studies import publish

_OUTPUT = flags.DEFINE_string(
  "output",
  None,
  "Folder to write to; by default report in the study's.",
  module_name="program",
)


def main():
  """Reads the flags, draws and writes."""
  with cli.user_input():
    study, scale, folder = study_flags.read()
    done = publish.read(study, scale, folder)
    output = pathlib.Path(_OUTPUT.value or folder / "report")
    output.mkdir(parents=True, exist_ok=True)
  print(publish.write(study, scale, folder, done, output))
  print(f"report: {output}/report.html")


if __name__ == "__main__":
  cli.run(main)
