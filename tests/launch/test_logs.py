"""Logs that a kill, a power cut or a full disk has damaged."""

import contextlib
import errno
import os

import hypothesis
import pytest
from hypothesis import strategies as st

from behavior_transfer import files
from behavior_transfer.experiments import workdirs
from behavior_transfer.launch import loggers

ROWS = [
  {"agent_steps": 4, "loss": 0.25, "return_hero": 1000.0},
  {"agent_steps": 8, "loss": 0.5, "return_hero": float("nan")},
  {"agent_steps": 12, "loss": 12345.678, "return_hero": -3.0},
]


def write(path, rows=ROWS):
  with contextlib.closing(loggers.CSVLogger(path, start=100)) as logger:
    for row in rows:
      logger.write(row)
  return path.read_bytes()


def steps(path):
  return [int(row["agent_steps"]) for row in loggers.read(path)[1]]


def test_of_a_log_that_was_cut_anywhere_the_whole_rows_are_left(tmp_path):
  path = tmp_path / "train.csv"
  content = write(path)
  for length in range(len(content)):
    path.write_bytes(content[:length])
    whole = max(content[:length].count(b"\n") - 1, 0)
    assert steps(path) == [4, 8, 12][:whole]
    with contextlib.closing(loggers.CSVLogger(path, start=8)) as logger:
      logger.write({"agent_steps": 9, "loss": 1.0, "return_hero": 2.0})
    assert steps(path) == [*[4, 8][:whole], 9]
    assert workdirs.read_log(path)["return_hero"][-1] == 2.0


@hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
@hypothesis.given(
  st.integers(0, 10**6),
  st.sampled_from((b"\0\0\0\0", b"\xff", b"\xc3", b",", b"\n", b'"', b"x")),
  st.booleans(),
)
def test_a_damaged_row_costs_no_other_row(
  tmp_path_factory, position, damage, replaces
):
  path = tmp_path_factory.getbasetemp() / "damaged.csv"
  path.unlink(missing_ok=True)
  content = write(path)
  position %= len(content)
  after = position + (len(damage) if replaces else 0)
  path.write_bytes(content[:position] + damage + content[after:])
  line = content[:position].count(b"\n")
  if line:  # not in the header
    left = steps(path)
    last = line + content[position - 1 : after + 1].count(
      b"\n"
    )  # that it meets
    assert set(left) >= {4, 8, 12} - {4 * n for n in range(line, last + 1)}
  columns, rows = loggers.read(path)
  assert all(len(row) == len(columns) for row in rows)
  loggers.CSVLogger(path, start=100).close()


def test_a_log_with_a_damaged_header_begins_anew(tmp_path):
  path = tmp_path / "train.csv"
  content = write(path)
  path.write_bytes(b"\0" * 8 + content[8:])
  write(path, ROWS[:1])
  assert steps(path) == [4]
  assert list(workdirs.read_log(path)) == list(ROWS[0])


def test_what_is_left_out_is_told(tmp_path, caplog):
  path = tmp_path / "train.csv"
  path.write_bytes(write(path)[:-4])
  assert not caplog.records
  loggers.read(path)
  assert caplog.messages == [f"{path}: 1 damaged rows are left out"]


def test_a_file_is_seen_whole_or_as_it_was(tmp_path):
  path = tmp_path / "result.json"
  path.write_text("old")
  with (
    pytest.raises(OSError, match="No space left"),
    files.whole(path) as partial,
  ):
    partial.write_text("half")
    assert path.read_text() == "old"
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
  assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
  with files.whole(path) as partial:
    partial.write_text("new")
  assert path.read_text() == "new"
  assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
