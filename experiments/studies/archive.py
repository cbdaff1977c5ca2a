"""What a study's report is made of, in one small file, to be drawn again."""

import json
import pathlib
import zipfile
from collections.abc import Sequence

from behavior_transfer.files import whole

from .results import LOG, RECORD
from .study import Run

NAME = "runs.zip"


def write(runs: Sequence[Run], folder: pathlib.Path, output: pathlib.Path):
  """Packs the evaluations; the same ones give the same bytes.

  Args:
    runs: That are complete.
    folder: Of the study.
    output: Folder to write `NAME` to.
  """
  with (
    whole(output / NAME) as partial,
    zipfile.ZipFile(partial, "w") as archive,
  ):
    for run in runs:
      workdir = folder / run.name
      record = json.loads((workdir / RECORD).read_text())
      record = {
        "command": run.command,  # without the paths of this machine
        "commit": record["commit"],
        "versions": record["versions"],
      }
      files = {
        LOG: (workdir / LOG).read_bytes(),
        RECORD: json.dumps(record, indent=2).encode(),
      }
      for name, content in files.items():
        entry = zipfile.ZipInfo(f"{run.name}/{name}")  # of a fixed date
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
