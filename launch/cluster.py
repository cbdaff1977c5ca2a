"""Runs the nodes of a program on the machines of a Ray cluster.

Ray chooses the machines, starts the processes and notices when one of them is
gone; what nodes have to tell one another goes through Reverb and Courier, as
it does elsewhere. All machines must see the run's folders and the Python
environment under the same absolute paths, and the process that was started
must be on one of them.
"""

import contextlib
import logging
import os
import pathlib
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import launchpad as lp
import ray
from absl import flags
from launchpad import address as lp_address
from launchpad import context
from launchpad.launch import serialization
from ray import cloudpickle

from . import processes, program

_PLACING_TAKES = 60.0  # seconds; then it is said what is waited for


@contextlib.contextmanager
def connection(num_nodes: int) -> Iterator[None]:
  """Connects this process to a cluster.

  It is the one that RAY_ADDRESS names, or else one that runs on this machine.
  Where there is none, this machine becomes one for as long as this lasts.

  Args:
    num_nodes: Of the program. A cluster of this machine alone has room for
      them all, however few its cores; others have the CPUs that they were
      started with (`ray start --num-cpus`).
  """
  quietly: dict[str, Any] = dict(
    log_to_driver=False, logging_level=logging.WARNING
  )
  at_sigterm = signal.getsignal(signal.SIGTERM)
  try:
    ray.init("auto", **quietly)
  except ConnectionError:
    if os.environ.get("RAY_ADDRESS"):
      raise
    cpus = max(num_nodes, os.cpu_count() or 1)
    ray.init("local", num_cpus=cpus, include_dashboard=False, **quietly)
  signal.signal(signal.SIGTERM, at_sigterm)  # which Ray has taken for itself
  try:
    yield
  finally:
    ray.shutdown()


def workers(
  program_: lp.Program,
  log_folder: pathlib.Path,
  learner_gpus: str | None,
  say: Callable[[str], None],
) -> "list[RayWorker]":
  """Makes workers of all nodes but the coordinator, which stays here.

  Those that others call get their machines now, since that is where their
  addresses are, and since without them nobody else is of use.

  Args:
    program_: Gets its addresses bound.
    log_folder: Where nodes write their output.
    learner_gpus: The learner gets as many GPUs as this has numbers; Ray chooses
      the machine, and which of its GPUs. None means as many as any machine has.
    say: Writes a line on the terminal.
  """
  made, called = [], {}
  for group, nodes in program_.groups.items():
    num_gpus = _num_gpus(learner_gpus) if group == program.LEARNER else 0
    for number, node in enumerate(nodes):
      node.launch_context.initialize(
        context.LaunchType.LOCAL_MULTI_PROCESSING, None, _stop
      )
      if group == program.COORDINATOR:
        _bind(node, _free_address())
        continue
      worker = RayWorker(group, number, node, num_gpus, log_folder, say)
      made.append(worker)
      if node.addresses:
        worker.place()
        called[worker] = node
  for worker, node in called.items():
    _bind(node, worker.free_address())
  return made


class RayWorker:
  """A node in a process on some machine, where it takes one CPU of Ray's.

  Attributes:
    group, number: Of the node.
  """

  def __init__(
    self,
    group: str,
    number: int,
    node: lp.PyNode,
    num_gpus: int,
    log_folder: pathlib.Path,
    say: Callable[[str], None],
  ):
    """Initialises the worker.

    Args:
      group, number: Of the node.
      node: Is pickled at each start.
      num_gpus: All that it sees.
      log_folder: Exists.
      say: Writes a line on the terminal.
    """
    self.group = group
    self.number = number
    self._node = node
    self._num_gpus = num_gpus
    environment = dict(processes.ONE_THREAD_ON_CPU)
    if group == program.LEARNER:
      # Ray says which GPUs there are, by CUDA_VISIBLE_DEVICES.
      environment = {} if num_gpus else {"JAX_PLATFORMS": "cpu"}
    self._environment = {
      **environment,
      "PYTHONPATH": processes.python_path(),
    }
    self._log = log_folder.absolute() / f"{group}_{number}.log"
    self._say = say
    self._host: Any = None
    self._address: Any = None  # a promise, as is the next
    self._error: Any = None
    self._code: int | None = None
    self._last_words = ""
    self._tell_at = 0.0

  def place(self) -> None:
    """Asks for a process to start in, wherever there is room by then."""
    # The supervisor alone starts anything again.
    host = ray.remote(_Host).options(
      num_cpus=1,
      num_gpus=self._num_gpus,
      max_restarts=0,
      max_task_retries=0,
      runtime_env={"env_vars": self._environment},
    )
    self._host = host.remote()
    self._address = self._host.free_address.remote()
    self._tell_at = time.monotonic() + _PLACING_TAKES

  def free_address(self) -> str:
    """Waits for the process; an address there that nobody listens at."""
    while not _is_there(self._address, timeout=1.0):
      self._tell_if_waiting()
    return ray.get(self._address)

  def start(self) -> None:
    if self._host is None:
      self.place()
    self._log.touch()
    self._code = None
    serialization.enable_lru_cache_pickling_once()
    function = cloudpickle.dumps(self._node.function)
    # The name is what `ps` shows on that machine.
    name = f"{self.group}/{self.number}"
    self._error = self._host.run.options(name=name).remote(function, self._log)

  def poll(self) -> int | None:
    if self._code is not None:
      return self._code
    if not _is_there(self._error):
      self._tell_if_waiting()
      return None
    try:
      self._last_words = ray.get(self._error)
      self._code = 1 if self._last_words else 0
    except ray.exceptions.RayError as error:  # the process or its machine
      self._last_words = f"{processes.last_lines(self._log)}\n{error}"
      self._code = -signal.SIGKILL  # Ray does not tell how
    self.kill()
    return self._code

  def last_words(self) -> str:
    return self._last_words

  def kill(self) -> None:
    if self._host is not None:
      ray.kill(self._host)
      self._host = None

  def _tell_if_waiting(self):
    """Says so, once, if there is no room for it."""
    if time.monotonic() > self._tell_at:
      self._tell_at = float("inf")
      if not _is_there(self._address):
        gpus = f", and {self._num_gpus} GPUs" if self._num_gpus else ""
        self._say(
          f"{self.group}/{self.number} waits for a machine with a CPU to"
          f" spare{gpus}"
        )


class _Host:
  """What a node's process makes of itself: an actor in Ray's sense."""

  def free_address(self) -> str:
    """Of this machine, with a port that is free."""
    return _free_address()

  def run(self, function: bytes, log: pathlib.Path) -> str:
    """Runs a node to its end.

    Args:
      function: The node's, pickled.
      log: File that output is appended to.

    Returns:
      The traceback of what it raised, "" if it ended well.
    """
    try:
      with log.open("a") as stream:
        for standard in (sys.stdout, sys.stderr):
          standard.flush()
          os.dup2(stream.fileno(), standard.fileno())
      flags.FLAGS(["node"])
      cloudpickle.loads(function)()
    except BaseException:  # told by the worker's `poll` and `last_words`
      traceback.print_exc()
      return traceback.format_exc()
    return ""


class _BoundAddress(lp_address.AbstractAddressBuilder):
  """An address that is known."""

  def __init__(self, address: str):
    self._address = address

  def build(self) -> str:
    return self._address


def _stop(mark_as_completed: bool = False):
  """Takes the place of Launchpad's, a signal to a process of this machine."""
  del mark_as_completed
  raise NotImplementedError("on Ray, no node can stop the program")


def _bind(node: lp.PyNode, address: str):
  for unbound in node.addresses:  # none of our nodes has two
    unbound.bind(_BoundAddress(address))


def _free_address() -> str:
  with socket.socket() as probe:
    probe.bind(("", 0))
    port = probe.getsockname()[1]
  return f"{ray.util.get_node_ip_address()}:{port}"


def _num_gpus(learner_gpus: str | None) -> int:
  if learner_gpus is not None:
    return len(learner_gpus.split(","))
  machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
  return int(max(machine.get("GPU", 0) for machine in machines))


def _is_there(promise: Any, timeout: float = 0.0) -> bool:
  return bool(ray.wait([promise], timeout=timeout)[0])
