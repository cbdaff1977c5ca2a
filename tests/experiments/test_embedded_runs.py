"""What a run on the embedded engine is, says, and never does."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket

import pytest

from tests.experiments import programs

_ENVIRONMENTS = 3
_RUN = (
  "run_r2d2.py",
  "--game=maze_dense",
  "--preset=miniature",
  *programs.TINY,
  f"--envs_per_actor={_ENVIRONMENTS}",
)
_LISTENS = "0A"  # state of a TCP socket
_ACCEPTS = 0x10000  # flag of a socket of this machine


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
  """Of a finished run; to be copied, not to be used."""
  folder = tmp_path_factory.mktemp("runs") / "run"
  arguments = (*_RUN, f"--workdir={folder}", "--frames=1200")
  programs.finish(programs.start(*arguments, "--num_workers=1"))
  return folder


@pytest.fixture
def copy(workdir, tmp_path):
  return pathlib.Path(shutil.copytree(workdir, tmp_path / "run"))


def test_another_number_of_workers_is_the_same_run(copy):
  arguments = (*_RUN, f"--workdir={copy}", "--frames=1800")
  for num_workers in (0, 2):
    process = programs.start(*arguments, f"--num_workers={num_workers}")
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert ("resumed from step 300" in errors) == (num_workers == 0)
  assert "the run is complete" in output


@pytest.mark.parametrize(
  "argument, message",
  [
    ("--envs_per_actor=4", "envs_per_actor is 4, there it is 3"),
    ("--nocheckpoint_replay", "checkpoint_replay is False, there it is True"),
  ],
)
def test_another_run_is_refused_in_a_line_that_says_how_to_go_on(
  copy, argument, message
):
  line = programs.refuse(*_RUN, f"--workdir={copy}", argument)
  assert f"{copy} belongs to another run: {message}. Give " in line
  assert "as there, or choose another --workdir" in line


def test_the_run_of_another_engine_is_refused_in_a_line_that_says_its_launch(
  copy,
):
  path = copy / "run.json"
  run = json.loads(path.read_text())
  del run["identity"]["engine"], run["identity"]["envs_per_actor"]
  path.write_text(json.dumps(run))  # as of the engine before
  line = programs.refuse(*_RUN, f"--workdir={copy}")
  assert "belongs to a run of the engine 'served', not 'embedded'" in line
  assert "--launch=local_mp goes on with it; or choose another --work" in line


@pytest.mark.acme
def test_the_run_of_this_engine_is_refused_to_others(copy):
  line = programs.refuse(*_RUN, f"--workdir={copy}", "--launch=local_mt")
  assert "belongs to a run of the engine 'embedded', not 'served'" in line
  assert "--launch=local goes on with it; or choose another --workdir" in line


def test_gpus_that_are_not_there_are_refused(tmp_path):
  line = programs.refuse(
    *_RUN, f"--workdir={tmp_path / 'run'}", "--learner_gpus=7"
  )
  assert "--learner_gpus is '7', but JAX finds 0 of these GPUs here" in line
  assert not (tmp_path / "run").exists()


def _tree(pid: int) -> list[int]:
  """A process and all that it has started."""
  children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
  found = [pid]
  for child in map(int, children.split()):
    found += _tree(child)
  return found


def _listening(pid: int) -> set[str]:
  """Sockets of a process to which others can connect."""
  process, found = pathlib.Path(f"/proc/{pid}"), set()
  own = set()
  for descriptor in (process / "fd").iterdir():
    with contextlib.suppress(FileNotFoundError):  # closed by now
      own.add(str(descriptor.readlink()))
  for kind in ("tcp", "tcp6", "unix"):
    for line in (process / "net" / kind).read_text().splitlines()[1:]:
      fields = line.split()
      if kind == "unix":
        listens, inode = int(fields[3], 16) & _ACCEPTS, fields[6]
      else:
        listens, inode = fields[3] == _LISTENS, fields[9]
      if listens and f"socket:[{inode}]" in own:
        found.add(line)
  return found


def test_who_listens_is_found():
  before = _listening(os.getpid())
  with socket.create_server(("127.0.0.1", 0)):
    assert _listening(os.getpid()) > before


def test_a_run_says_where_it_computes_and_listens_nowhere(tmp_path):
  process = programs.start(
    *_RUN,
    f"--workdir={tmp_path / 'run'}",
    "--frames=100000000",
    "--num_workers=2",
  )
  with process:
    try:
      checkpoints = tmp_path / "run" / "checkpoints"
      programs.wait_until(lambda: [*checkpoints.glob("[0-9]*")], process)
      pids = _tree(process.pid)
      assert len(pids) >= 3
      assert not [line for pid in pids for line in _listening(pid)]
      process.send_signal(signal.SIGTERM)
      output, errors = process.communicate()
    finally:
      process.kill()
  assert process.returncode == 128 + signal.SIGTERM, errors
  assert (
    f"environments: {_ENVIRONMENTS}, worker processes: 2; decides on cpu:0,"
    " learns on cpu:0"
  ) in output
