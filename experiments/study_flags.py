"""Flags that say which study at which scale, and where it is kept."""

import pathlib

from absl import flags

from behavior_transfer.experiments import studies
from behavior_transfer.experiments.studies import Study, scales

_STUDY = flags.DEFINE_enum(
  "study", None, sorted(studies.STUDIES), "Which study.", module_name="study"
)
_SCALE = flags.DEFINE_enum(
  "scale",
  "laptop",
  sorted(scales.SCALES),
  "How large its runs are: "
  + "; ".join(f"{s.name} for {s.suits}" for s in scales.SCALES.values())
  + ".",
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
    ValueError: No study is named.
  """
  if _STUDY.value is None:
    raise ValueError(
      f"--study is missing; it is one of {', '.join(sorted(studies.STUDIES))}"
    )
  scale = scales.SCALES[_SCALE.value]
  default = f"studies/{_STUDY.value}_{scale.name}"
  folder = pathlib.Path(default if _FOLDER.value is None else _FOLDER.value)
  return studies.STUDIES[_STUDY.value], scale, folder
