"""The logs of a study's runs in one small file, to be drawn again elsewhere."""

import json
import os
import pathlib
import zipfile
from collections.abc import Sequence

from .results import LOGS, RECORD
from .study import Run

NAME = "runs.zip"


def write(runs: Sequence[Run], folder: pathlib.Path, output: pathlib.Path):
  """Packs what a report is made of; the same logs give the same bytes.

  Args:
    runs: That are complete.
    folder: Of the study.
    output: Folder to write `NAME` to.
  """
  temporary = output / f".{NAME}.tmp"
  with zipfile.ZipFile(temporary, "w") as archive:
    for run in runs:
      workdir = folder / run.name
      record = json.loads((workdir / RECORD).read_text())
      del record["command"]  # with paths of this machine; the report has it
      files = {name: (workdir / name).read_bytes() for name in LOGS}
      files[RECORD] = json.dumps(record, indent=2).encode()
      for name, content in files.items():
        entry = zipfile.ZipInfo(f"{run.name}/{name}")  # of a fixed date
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
  os.replace(temporary, output / NAME)
