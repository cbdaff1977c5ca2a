"""Flags that say which study at which scale, and where it is kept."""

import pathlib

from absl import flags

from behavior_transfer.experiments import studies
from behavior_transfer.experiments.studies import Study, results, scales
from behavior_transfer.experiments.studies import study as study_lib

_STUDY = flags.DEFINE_enum(
  "study", None, sorted(studies.STUDIES), "Which study.", module_name="study"
)
_SCALE = flags.DEFINE_enum(
  "scale",
  None,
  sorted(scales.SCALES),
  "How large its runs are: "
  + "; ".join(f"{s.name} for {s.suits}" for s in scales.SCALES.values())
  + ". By default that which the study is for, laptop for most.",
  module_name="study",
)
_FOLDER = flags.DEFINE_string(
  "folder",
  None,
  "Holds the workdirs of the runs; by default studies/<study>_<scale>.",
  module_name="study",
)


def read() -> tuple[Study, scales.Scale, pathlib.Path]:
  """Study, scale and folder.

  Raises:
    ValueError: No study is named, or the folder is another's.
  """
  if _STUDY.value is None:
    raise ValueError(
      f"--study is missing; it is one of {', '.join(sorted(studies.STUDIES))}"
    )
  study = studies.STUDIES[_STUDY.value]
  scale = scales.SCALES[_SCALE.value or study.scale]
  default = f"studies/{study.name}_{scale.name}"
  folder = pathlib.Path(default if _FOLDER.value is None else _FOLDER.value)
  results.check_folder(study_lib.plan(study, scale), folder)
  return study, scale, folder
