"""The comparisons run to their end, at the smallest size, with both sides."""

import json
import pathlib
import subprocess
import sys

import pytest

_FOLDER = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
_QUICK = ("--network=small", "--turns=1", "--seconds=0.1")


def _run(tmp_path, program, *arguments):
  """The comparisons that the program wrote, by name, and what it printed."""
  output = tmp_path / "figures.json"
  printed = subprocess.run(
    [
      *(sys.executable, _FOLDER / program, *_QUICK, *arguments),
      f"--output={output}",
    ],
    check=True,
    text=True,
    stdout=subprocess.PIPE,
  ).stdout
  written = json.loads(output.read_text())["comparisons"]
  for comparison in written:
    assert comparison["ours"] > 0
    assert comparison["theirs"] > 0
    expected = comparison["ours"] / comparison["theirs"]
    assert comparison["ratio"] == pytest.approx(expected)
    assert comparison["name"] in printed
    if comparison["at_least"]:
      assert comparison["met"] == (expected >= comparison["at_least"])
    elif comparison["at_most"]:
      assert comparison["met"] == (expected <= comparison["at_most"])
    else:
      assert comparison["met"] is None
  return [comparison["name"] for comparison in written]


def test_core(tmp_path):
  names = _run(tmp_path, "core.py", "--shape=2x2x4")
  assert names[0] == "learner core, 2x2x4, / R2D2's paper"
  assert len(names) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
  ("program", "arguments", "number"),
  [
    ("environment.py", (), 2 * 2 + 12),
    (
      "one_box.py",
      (
        *("--shape=2x2x4", "--replay_ratios=1", "--bar=1"),
        "--sides=random,acting,learning",
      ),
      4,
    ),
    ("startup.py", (), 1),
    *(
      pytest.param(*program, marks=pytest.mark.acme)
      for program in (
        ("acting.py", (), 5),
        ("learning.py", ("--shapes=2x2x4",), 1),
        ("memory.py", ("--steps=4000",), 5),
        ("price.py", (), 2),
      )
    ),
  ],
)
def test_all_others(tmp_path, program, arguments, number):
  assert len(_run(tmp_path, program, *arguments)) == number


def test_the_table_has_every_program_of_comparisons():
  programs = {
    path.name
    for path in _FOLDER.glob("*.py")
    if "comparisons.run(measure" in path.read_text()
  }
  text = (_FOLDER / "table.py").read_text()
  assert programs - {"table.py"} == {
    name for name in programs if f'"{name}":' in text
  }


@pytest.mark.parametrize(
  ("program", "missing"),
  [
    ("core", ("dm_env", "ale_py")),
    ("one_box", ("gymnasium", "tensorboardX", "tree")),
  ],
)
def test_what_runs_on_a_gpu_needs_little(program, missing):
  missing = ("acme", "reverb", "tensorflow", "launchpad", *missing)
  code = f"""
import sys
sys.modules.update(dict.fromkeys({missing}))
from behavior_transfer.benchmarks import {program}
"""
  subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
  ("program", "flag", "message"),
  [
    (
      "learning.py",
      "--shapes=16x20",
      "--shapes=16x20: it is batch x burn-in x trace, like",
    ),
    (
      "core.py",
      "--shape=16x20",
      "--shape=16x20: it is batch x burn-in x trace",
    ),
    ("startup.py", "--older=/", "--older is '/', which is no checkout"),
  ],
)
def test_a_malformed_shape_is_refused(program, flag, message):
  result = subprocess.run(
    [sys.executable, _FOLDER / program, flag], text=True, capture_output=True
  )
  assert result.returncode == 2
  assert message in result.stderr
