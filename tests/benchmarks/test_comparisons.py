"""The comparisons run to their end, at the smallest size, with both sides."""

import json
import pathlib
import subprocess
import sys

import pytest

_FOLDER = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"


def _run(tmp_path, program, *arguments):
  """What the program wrote and printed."""
  output = tmp_path / "figures.json"
  command = [sys.executable, _FOLDER / program, "--network=small", *arguments]
  printed = subprocess.run(
    [*command, f"--output={output}"],
    check=True,
    text=True,
    stdout=subprocess.PIPE,
  ).stdout
  return json.loads(output.read_text()), printed


@pytest.mark.slow
def test_acting(tmp_path):
  figures, printed = _run(tmp_path, "acting.py", "--seconds=0.2", "--turns=1")
  rows = figures["rows"]
  assert set(rows) == {"ours, 1", "ours, 16", "dm-acme", "emulator"}
  theirs = rows["dm-acme"]["steps_per_second"]
  for row in rows.values():
    assert row["steps_per_second"] > 0
    assert row["ratio"] == pytest.approx(row["steps_per_second"] / theirs)
  assert "met" in printed


@pytest.mark.slow
def test_learning(tmp_path):
  figures, printed = _run(
    tmp_path, "learning.py", "--shapes=2x2x4", "--turns=1"
  )
  row = figures["rows"]["2x2x4"]
  assert row["ours"] > 0
  assert row["theirs"] > 0
  assert row["ratio"] == pytest.approx(row["ours"] / row["theirs"])
  assert "2x2x4" in printed


@pytest.mark.slow
def test_price(tmp_path):
  figures, printed = _run(tmp_path, "price.py", "--seconds=0.2", "--turns=1")
  assert len(figures["ratios"]) == 3
  assert all(ratio > 0 for ratio in figures["ratios"].values())
  assert printed.count("met") == 3


def test_a_malformed_shape_is_refused():
  result = subprocess.run(
    [sys.executable, _FOLDER / "learning.py", "--shapes=16x20"],
    text=True,
    capture_output=True,
  )
  assert result.returncode == 2
  assert "--shapes has '16x20'; each is like 16x20x40" in result.stderr
