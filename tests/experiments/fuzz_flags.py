"""Throws combinations of flags at one program, in this process.

  python -m tests.experiments.fuzz_flags run_ngu.py

Programs define the same flags, so that one process has room for one of them.
"""

import contextlib
import io
import math
import pathlib
import runpy
import sys

import hypothesis
from absl import flags
from hypothesis import strategies as st

from behavior_transfer.experiments import cli, training

_FOLDER = pathlib.Path(__file__).parents[2] / "experiments"
_BASE = ("--game=maze_far", "--preset=miniature", "--print_config")
_NUMBERS = (
  "0", "1", "-1", "2", "7", "100", "3.5", "0.5", "0.999999999", "1e-40", "1e6",
  "65536", "1e9", "3000000000", "1e300", "1e400", "1" + "0" * 25, "nan", "inf",
  "-inf", "", "abc", "True", "None", "1,2", "0x10", "\u0661",
)  # fmt: skip
_PLAUSIBLE = ("1", "1", "2", "3", "8", "20", "50", "100", "1000")
_WORDS = ("", "none", "full", "ngu", "ez_greedy", "local_mp", "é", "a b", "/")
# To ask for GPUs is to start a process that counts them.
_LEFT_OUT = {"learner_gpus", "print_config", "allow_large_replay"}


def _flags() -> dict[str, flags.Flag]:
  groups = flags.FLAGS.flags_by_module_dict()
  return {
    flag.name: flag
    for group in ("run", "launch", "agent")
    for flag in groups[group]
    if flag.name not in _LEFT_OUT
  }


@st.composite
def _arguments(draw, defined):
  names = draw(st.lists(st.sampled_from(sorted(defined)), max_size=4))
  arguments = []
  for name in names:
    if defined[name].boolean:
      arguments.append(draw(st.sampled_from((f"--{name}", f"--no{name}"))))
      continue
    parser = defined[name].parser
    likely = getattr(parser, "enum_values", None) or _PLAUSIBLE
    if isinstance(parser, flags.FloatParser):
      likely = ("0.5", "0.9", "1", "0.001")
    pool = draw(st.sampled_from((likely, likely, likely, _NUMBERS, _WORDS)))
    arguments.append(f"--{name}={draw(st.sampled_from(pool))}")
  return arguments


def main(script: str):
  """Runs some hundred examples; the first that is wrong ends it."""
  program = runpy.run_path(str(_FOLDER / script))
  base = [*_BASE, *(["--pretrained=random"] if script == "run_bt.py" else [])]
  name = script.removeprefix("run_").removesuffix(".py")
  defined = _flags()
  outcomes = {0: 0, 2: 0}

  @hypothesis.settings(
    max_examples=300, deadline=None, derandomize=True, database=None
  )
  @hypothesis.given(_arguments(defined))
  def check(arguments):
    flags.FLAGS.unparse_flags()
    output, errors = io.StringIO(), io.StringIO()
    with (
      contextlib.redirect_stdout(output),
      contextlib.redirect_stderr(errors),
    ):
      try:
        cli._parse([script, *base, *arguments], cli._refuse_arguments)
        code = training.main(
          name, program["_ENVIRONMENT"], program["_make_agent"]
        )
      except SystemExit as end:
        code = end.code
    outcomes[code] += 1  # no other is known
    if code == 2:
      (line,) = errors.getvalue().splitlines()
      assert line.startswith("error: ")
      assert any(each in line for each in defined), line
      assert not output.getvalue()
      return
    values = dict(
      line.partition("  #")[0].split(" = ", 1)
      for line in output.getvalue().splitlines()
      if " = " in line
    )
    for flag, value in values.items():
      if flags.FLAGS[flag].flag_type() == "string":  # a folder may be named inf
        continue
      with contextlib.suppress(ValueError):
        assert math.isfinite(float(value)), values

  check()
  print(outcomes)


if __name__ == "__main__":
  main(sys.argv[1])
