"""Logging to Weights & Biases, offline."""

import csv
import json
import subprocess
import sys

import pytest

from tests.experiments import programs

_RUN = ("run_r2d2.py", "--game=maze_dense", "--preset=miniature")
_CSV = ("train", "eval", "learner", "progress")


def _records(file):
  """All that a run has logged, of each kind, in order."""
  from wandb.proto import wandb_internal_pb2
  from wandb.sdk.internal import datastore

  store = datastore.DataStore()
  store.open_for_scan(file)
  records = {"run": [], "history": []}
  while (data := store.scan_data()) is not None:
    record = wandb_internal_pb2.Record.FromString(data)
    if record.WhichOneof("record_type") in records:
      kind = record.WhichOneof("record_type")
      records[kind].append(getattr(record, kind))
  return records


def _values(items):
  return {
    item.key or "/".join(item.nested_key): json.loads(item.value_json)
    for item in items
  }


_needs_wandb = pytest.mark.skipif(
  sys.version_info >= (3, 11), reason="the lock has wandb for CPython 3.10 only"
)


@_needs_wandb
def test_a_run_that_goes_on_is_one_run_there(tmp_path, monkeypatch):
  monkeypatch.setenv("WANDB_MODE", "offline")
  workdir = tmp_path / "run"
  for frames in (1200, 2400):
    programs.finish(
      programs.start(
        *_RUN,
        *programs.TINY,
        "--wandb_project=zoo",
        "--num_workers=1",
        f"--workdir={workdir}",
        f"--frames={frames}",
      )
    )
  files = sorted((workdir / "wandb").glob("offline-run-*/run-*.wandb"))
  first, second = map(_records, files)
  for records, frames in ((first, 1200), (second, 2400)):
    (run,) = records["run"]
    assert run.project == "zoo"
    assert run.run_id == (workdir / "wandb_id.txt").read_text()
    settings = _values(run.config.update)
    expected = {"frames": frames, "agent": "r2d2", "batch_size": 2}
    assert expected.items() <= settings.items()
  # The same as is in the other logs, but for what is no curve.
  logged = [_values(h.item) for r in (first, second) for h in r["history"]]
  for label in _CSV:
    rows, path = [], workdir / f"{label}.csv"
    if label != "progress" or path.exists():  # it begins after ten seconds
      with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    mine = [r for r in logged if any(k.startswith(f"{label}/") for k in r)]
    assert [row["frames"] for row in mine] == [int(r["frames"]) for r in rows]
    for there, row in zip(mine, rows, strict=True):
      curves = {k for k in there if k.startswith(f"{label}/")}
      assert not curves & {f"{label}/frames", f"{label}/walltime"}
      for name in curves:
        assert there[name] == float(row[name.partition("/")[2]])


@_needs_wandb
def test_a_run_of_processes_is_there_as_well(tmp_path, monkeypatch):
  monkeypatch.setenv("WANDB_MODE", "offline")
  programs.finish(
    programs.start(
      *_RUN,
      *programs.TINY,
      "--launch=local_mp",
      "--wandb_project=zoo",
      f"--workdir={tmp_path}",
      "--frames=1200",
    )
  )
  (file,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
  logged = [_values(each.item) for each in _records(file)["history"]]
  for name in ("train/episode_return", "eval/episode_return", "learner/loss"):
    assert any(name in row for row in logged)


def test_without_the_package_it_is_refused_in_a_line():
  program = (
    "import runpy, sys; sys.modules['wandb'] = None; del sys.argv[0];"
    " runpy.run_path(sys.argv[0], run_name='__main__')"
  )
  script, *arguments = _RUN
  command = [sys.executable, "-c", program, programs.FOLDER / script]
  result = subprocess.run(
    [*command, *arguments, "--wandb_project=zoo"],
    capture_output=True,
    text=True,
    check=False,
  )
  assert (result.returncode, result.stdout) == (2, "")
  (line,) = result.stderr.splitlines()
  assert line.startswith("error: --wandb_project needs wandb: pip install")
