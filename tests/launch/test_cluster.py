"""Runs on Ray clusters, whose machines are raylets and die in mid-run."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import psutil
import pytest
from ray import cluster_utils

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import toy

from behavior_transfer.launch import distributed

# By default Ray's processes wait until nobody else wants the cores.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112

_PROGRAMS = pathlib.Path(__file__).resolve().parents[2] / "experiments"
_HURRY = "hurry"  # file in the workdir; until it is there, steps take long
_CORE = ("learner_0", "replay_0")
_OTHERS = ("actor_0", "actor_1", "evaluator_0")


class _Gated(toy.Corridor):
  """Takes its time until whoever kills something has seen what comes of it."""

  def __init__(self, seed: int, workdir: pathlib.Path):
    super().__init__(seed)
    self._hurry = workdir / _HURRY

  def step(self, action):
    if not self._hurry.exists():
      time.sleep(0.1)
    return super().step(action)


class _Broken(toy.Corridor):
  def step(self, action):
    raise OSError("the emulator is gone")


def _main(kind: str, folder: str) -> int:
  """The program that is started here."""
  workdir = pathlib.Path(folder)
  environments = {
    "gated": lambda seed: _Gated(seed, workdir),
    "broken": _Broken,
  }
  plan = toy.make_experiment(
    workdir,
    environment_factory=environments[kind],
    num_steps=1_000_000,
    num_actors=2,
    envs_per_actor=2,
  )
  return distributed.run(plan, distributed.RAY, workdir / "logs")


class _Cluster:
  """A Ray cluster on this machine; its head has room for no node."""

  def __init__(self, folder: str):
    # Ray notes there which cluster is the newest, and does not make the folder.
    pathlib.Path(tempfile.gettempdir(), "ray").mkdir(exist_ok=True)
    self._cluster = cluster_utils.Cluster()
    self._start_machine(
      num_cpus=0,
      temp_dir=folder,
      include_dashboard=False,
      # A death is known after seconds instead of half a minute.
      _system_config={
        "health_check_initial_delay_ms": 1000,
        "health_check_period_ms": 1000,
        "health_check_failure_threshold": 3,
      },
    )
    self.address = self._cluster.address

  def add_machine(self, num_cpus: int) -> subprocess.Popen:
    """Adds one; its raylet."""
    return self._start_machine(num_cpus=num_cpus)

  def close(self):
    self._cluster.shutdown()

  def _start_machine(self, **options) -> subprocess.Popen:
    node = self._cluster.add_node(
      wait=False, object_store_memory=80 * 2**20, **options
    )
    return node.all_processes["raylet"][0].process


@pytest.fixture
def cluster():
  # Not in pytest's folder, whose path is too long for Ray's sockets.
  with (
    tempfile.TemporaryDirectory(prefix="ray_") as folder,
    contextlib.closing(_Cluster(folder)) as started,
  ):
    yield started


@pytest.fixture
def start(tmp_path):
  """A function that starts the program, with `tmp_path` as its workdir."""
  with contextlib.ExitStack() as stack:

    def start_one(kind: str, cluster: _Cluster | None) -> subprocess.Popen:
      environment = {**os.environ}
      environment.pop("RAY_ADDRESS", None)
      if cluster is not None:
        environment["RAY_ADDRESS"] = cluster.address
      process = subprocess.Popen(
        [sys.executable, __file__, kind, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
      )
      stack.enter_context(process)
      stack.callback(process.kill)
      return process

    yield start_one


class _Node(NamedTuple):
  """A process whose output goes to a log of the run."""

  pid: int
  raylet: int


def _nodes(workdir: pathlib.Path) -> dict[str, _Node]:
  """What runs of a program, by the names of the logs."""
  found = {}
  for link in pathlib.Path("/proc").glob("[0-9]*/fd/1"):
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
      log, process = link.readlink(), psutil.Process(int(link.parts[2]))
      if log.parent == workdir / "logs":
        found[log.stem] = _Node(process.pid, process.ppid())
  return found


def _wait(what, process: subprocess.Popen | None = None):
  """Waits until a function says something; that is returned."""
  while not (said := what()):
    if process is not None and process.poll() is not None:
      raise AssertionError(process.stderr.read())
    time.sleep(0.2)
  return said


def _finish(process: subprocess.Popen, workdir: pathlib.Path) -> str:
  """Waits for its end, after which no node may be left; what it said."""
  _, errors = process.communicate()
  _wait(lambda: not _nodes(workdir))
  return errors


def _counts(workdir: pathlib.Path):
  return toy.Checkpointer(workdir).latest()


def _if_at(nodes: dict[str, _Node], names: tuple[str, ...], raylet: int):
  """The nodes, once all that are named are at that machine."""
  there = {name for name, node in nodes.items() if node.raylet == raylet}
  return nodes if there >= set(names) else None


def _kill(raylet: subprocess.Popen):
  raylet.kill()
  raylet.wait()


def test_a_run_gets_over_the_loss_of_its_machines(cluster, start, tmp_path):
  """That of its actors at once; that of its learner when started again."""
  # Machines come one by one, so that it is known who is where.
  core = cluster.add_machine(num_cpus=2)
  process = start("gated", cluster)
  _wait((tmp_path / "logs" / "learner_0.log").exists, process)
  lost = cluster.add_machine(num_cpus=3)
  at_loss = _wait(lambda: _counts(tmp_path), process)
  before = _nodes(tmp_path)
  assert {name: node.raylet for name, node in before.items()} == {
    **dict.fromkeys(_CORE, core.pid),
    **dict.fromkeys(_OTHERS, lost.pid),
  }

  other = cluster.add_machine(num_cpus=3)
  _kill(lost)
  after = _wait(lambda: _if_at(_nodes(tmp_path), _OTHERS, other.pid), process)
  assert all(after[name] == before[name] for name in _CORE)
  # One at least came after the loss.
  steps = at_loss.agent_steps + 2 * toy.CHECKPOINT_PERIOD
  _wait(lambda: _counts(tmp_path).agent_steps >= steps, process)

  _kill(core)
  errors = _finish(process, tmp_path)
  assert process.returncode == 1, errors
  for name in ("actor/0", "actor/1", "evaluator/0"):
    assert f"{name} was ended by SIGKILL; it is started again" in errors
  # Ray takes its time, so that it may be known first by who misses them.
  assert re.search("/[01] (was ended by SIGKILL|.* code 1); the run", errors)
  saved = _counts(tmp_path)
  assert saved.agent_steps >= steps

  cluster.add_machine(num_cpus=2)
  process = start("gated", cluster)
  (tmp_path / _HURRY).touch()

  def goes_on() -> bool:
    counts = _counts(tmp_path)
    return (
      counts.agent_steps > saved.agent_steps + 200
      and counts.evaluated > saved.evaluated
    )

  _wait(goes_on, process)
  process.send_signal(signal.SIGTERM)
  errors = _finish(process, tmp_path)
  assert process.returncode == 128 + signal.SIGTERM, errors
  assert "resumed from step" in errors
  assert f"saved at step {_counts(tmp_path).agent_steps:,}" in errors


def test_what_a_node_raises_ends_the_run(start, tmp_path):
  process = start("broken", None)
  errors = _finish(process, tmp_path)
  assert process.returncode == 1, errors
  assert "Traceback" in errors
  assert "OSError: the emulator is gone" in errors
  assert re.search("actor/[01] ended with exit code 1; the run ends", errors)


def test_without_ray_one_line_says_how_to_get_it():
  program = str(_PROGRAMS / "run_r2d2.py")
  without = (
    "import runpy, sys; sys.modules['ray'] = None;"
    f" sys.argv = [{program!r}, '--launch=ray'];"
    f" runpy.run_path({program!r}, run_name='__main__')"
  )
  process = subprocess.run(
    [sys.executable, "-c", without], capture_output=True, text=True
  )
  assert process.returncode == 2
  assert process.stderr.count("\n") == 1
  assert "behavior-transfer[ray]" in process.stderr


if __name__ == "__main__":
  sys.exit(_main(*sys.argv[1:]))
