"""One process that steps environments: its parent's side, and its own."""

import collections
import contextlib
import functools
import multiprocessing
import os
import pickle
import signal
import sys
import time
import traceback
import types
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import connection, resource_tracker
from typing import Any

import numpy as np

from .. import processes
from . import stepping

SECONDS_TO_END = 1.0

# One byte wakes a worker: the half to step, or one of these.
SAVE, RESTORE = b"s", b"r"
# One byte wakes its parent; a message may follow it.
_DONE, _MESSAGE, _FAILED = b"d", b"m", b"f"


class EnvironmentFailed(RuntimeError):
  """Something raised where environments are stepped; tells its traceback."""


class WorkerDied(RuntimeError):
  """A worker is gone; tells which one, and how it ended."""


class Worker:
  """A worker process, as its parent sees it."""

  def __init__(
    self,
    number: int,
    halves: Sequence[range],
    shares: Sequence[range],
    plan: bytes,
    buffers: Sequence[Any],
  ):
    """Starts it."""
    pairs = zip(halves, shares, strict=True)
    self.shares = shares
    self.numbers = [half[index] for half, share in pairs for index in share]
    self._number = number
    context = multiprocessing.get_context("spawn")
    commands, self._commands = context.Pipe(duplex=False)
    self._replies, replies = context.Pipe(duplex=False)
    self._process = context.Process(
      target=_serve,
      args=(plan, buffers, shares, commands, replies),
      name=f"worker {number}",
    )
    self._process.start()
    commands.close()
    replies.close()

  def send(self, command: bytes, message: Any = None):
    # One that is gone may have left word of why, which `receive` reads.
    with contextlib.suppress(BrokenPipeError):
      os.write(self._commands.fileno(), command)
      if message is not None:
        self._commands.send(message)

  def receive(self) -> Any:
    """The message that comes with its reply, if one does."""
    kind = os.read(self._replies.fileno(), 1)
    if kind == _DONE:
      return None
    try:
      message = self._replies.recv()
    except (EOFError, OSError):  # at its beginning, or within it
      raise WorkerDied(self._obituary()) from None
    if kind == _FAILED:
      raise EnvironmentFailed(message)
    return message

  def hang_up(self):
    """Has it end when it next looks."""
    self._commands.close()
    self._replies.close()

  def end(self, deadline: float):
    """Waits for its end until then, and ends it."""
    self._process.join(max(deadline - time.monotonic(), 0))
    self._process.kill()
    self._process.join()
    self._process.close()

  def _obituary(self) -> str:
    self._process.join(SECONDS_TO_END)
    code = self._process.exitcode
    ending = f"ended with exit code {code}"
    if code is not None and code < 0:
      ending = f"was ended by {signal.Signals(-code).name}"
    numbers = ", ".join(map(str, self.numbers))
    return f"worker {self._number} (environments {numbers}) {ending}"


class Here:
  """Stands in for all workers; steps when it is waited for."""

  def __init__(
    self, plan: stepping.Plan, arrays: Sequence[Mapping[str, np.ndarray]]
  ):
    """Makes nothing yet."""
    self.shares = [range(len(half)) for half in plan.halves]
    self.numbers = range(len(plan.seeds))
    self._make = functools.partial(stepping.Stepper, plan, arrays, self.shares)
    self._stepper: stepping.Stepper | None = None
    self._commands: collections.deque[tuple[bytes, Any]] = collections.deque()

  def send(self, command: bytes, message: Any = None):
    self._commands.append((command, message))

  def receive(self) -> Any:
    try:
      self._stepper = self._stepper or self._make()
      while True:
        command, message = self._commands.popleft()
        reply = _obey(self._stepper, command, message)
        if command != RESTORE:
          return reply
    except Exception as error:
      raise EnvironmentFailed(traceback.format_exc()) from error

  def hang_up(self):
    if self._stepper is not None:
      self._stepper.close()

  def end(self, deadline: float):
    pass


@contextlib.contextmanager
def spawning(with_main: bool) -> Iterator[None]:
  """Processes started in it are workers.

  They keep to one thread and to the CPU, leave signals to their parent, and do
  not run the main script again, unless something of it is needed.
  """
  resource_tracker.ensure_running()  # its start would unblock the signals
  main, variables = sys.modules["__main__"], processes.ONE_THREAD_ON_CPU
  before = {name: os.environ.get(name) for name in variables}
  stops = {signal.SIGINT, signal.SIGTERM}
  mask = signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # is inherited
  try:
    os.environ.update(variables)
    if not with_main:
      sys.modules["__main__"] = types.ModuleType("__main__")
    yield
  finally:
    sys.modules["__main__"] = main
    for name, value in before.items():
      if value is None:
        del os.environ[name]
      else:
        os.environ[name] = value
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(
  plan: bytes,
  buffers: Sequence[Any],
  shares: Sequence[range],
  commands: connection.Connection,
  replies: connection.Connection,
):
  """The worker's side: does what it is told until its parent is gone."""

  def tell(kind: bytes, message: Any):
    os.write(replies.fileno(), kind)
    replies.send(message)

  with contextlib.suppress(BrokenPipeError):  # gone while being told
    try:
      with contextlib.closing(_stepper(plan, buffers, shares)) as stepper:
        while command := os.read(commands.fileno(), 1):
          message = commands.recv() if command == RESTORE else None
          reply = _obey(stepper, command, message)
          if reply:
            tell(_MESSAGE, reply)
          elif command != RESTORE:
            os.write(replies.fileno(), _DONE)
    except BaseException:
      tell(_FAILED, traceback.format_exc())


def _stepper(
  pickled: bytes, buffers: Sequence[Any], shares: Sequence[range]
) -> stepping.Stepper:
  plan: stepping.Plan = pickle.loads(pickled)
  arrays = [stepping.arrays_over(buffer, plan) for buffer in buffers]
  return stepping.Stepper(plan, arrays, shares)


def _obey(stepper: stepping.Stepper, command: bytes, message: Any) -> Any:
  """Does what a command says; the reply, None where there is nothing to say."""
  if command == SAVE:
    return stepper.save_state()
  if command == RESTORE:
    return stepper.restore_state(message)
  outcome = stepper.step(command[0])
  return outcome if any(outcome) else None
