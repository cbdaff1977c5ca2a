"""Steps environments in worker processes, or in this one."""

import atexit
import collections
import ctypes
import multiprocessing
import pickle
import time
from collections.abc import Sequence

import numpy as np

from . import stepping, worker
from .worker import EnvironmentFailed, WorkerDied

__all__ = ["EnvironmentFailed", "Environments", "WorkerDied"]


class Environments:
  """The environments of a run, in halves.

  After `start` or `restore_state`, each half in turn is awaited and released,
  so that one is stepped while the other is decided. What fails there is raised
  by `wait` and `save_state`.

  Actions and what is of a fixed size lie in shared memory. All else goes
  through a pair of pipes for each worker: bytes that wake, and what is large or
  rare. A pipe tells at once when the process at its other end is gone.

  Attributes:
    halves: Numbers of the environments of each.
  """

  def __init__(self, plan: stepping.Plan, num_workers: int):
    """Starts nothing yet.

    Args:
      plan: Of the run.
      num_workers: Processes; 0 steps in this one. Those that would have nothing
        to do are never started.
    """
    self.halves = plan.halves
    self._plan = plan
    self._num_workers = min(num_workers, len(plan.seeds))
    self._workers: list[worker.Worker | worker.Here] = []
    context = multiprocessing.get_context("spawn")
    self._buffers = [
      context.RawArray(ctypes.c_char, len(half) * plan.record.itemsize)
      for half in plan.halves
    ]
    self._arrays = [stepping.arrays_over(each, plan) for each in self._buffers]
    # Of what is shown, a copy that is not written to while others are stepped.
    self._observations = [
      np.empty_like(arrays["observation"]) for arrays in self._arrays
    ]
    self._released: collections.deque[int] = collections.deque()
    self._arrived: dict[int, stepping.Outcome] = {}

  def start(self):
    """Makes the environments and starts their first episodes."""
    self._open()
    for half in range(len(self.halves)):
      self._release(half)

  def restore_state(self, state: stepping.State):
    """Makes the environments and goes on from a state, instead of `start`."""
    self._open()
    for each in self._workers:
      part = {number: state[number] for number in map(str, each.numbers)}
      each.send(worker.RESTORE, part)
    for half, arrays in enumerate(self._arrays):
      if results := state.get(f"half{half}"):
        self._arrived[half] = stepping.Outcome.from_state(results)
        for name, array in arrays.items():
          array[:] = results[name]

  def wait(self, half: int) -> stepping.Results:
    """What came of the release of a half, or of its start.

    The final observations are its own until the half is released, the others
    until it is waited for again.
    """
    while half not in self._arrived:
      self._await_next()
    arrays, observation = self._arrays[half], self._observations[half]
    np.copyto(observation, arrays["observation"])
    small = (arrays[name].copy() for name in ("reward", "discount", "last"))
    outcome = self._arrived.pop(half)
    return stepping.Results._make(
      [observation, arrays["final_observation"], *small, *outcome]
    )

  def release(self, half: int, actions: np.ndarray):
    """Has a half stepped, by `[n]` actions."""
    self._arrays[half]["action"][:] = actions
    self._release(half)

  def save_state(self) -> stepping.State:
    """All that a run goes on from, with however many workers.

    Halves that are being stepped are waited for. What `wait` has not given yet
    is part of the state, and `wait` still gives it afterwards.
    """
    while self._released:
      self._await_next()
    for each in self._workers:
      each.send(worker.SAVE)
    state: stepping.State = {}
    for each in self._workers:
      state |= each.receive()
    for half, outcome in self._arrived.items():
      arrays = {name: x.copy() for name, x in self._arrays[half].items()}
      state[f"half{half}"] = {**arrays, **outcome.save_state()}
    return state

  def close(self):
    """Ends everything, whatever state it is in."""
    for each in self._workers:
      each.hang_up()
    deadline = time.monotonic() + worker.SECONDS_TO_END
    for each in self._workers:
      each.end(deadline)
    self._workers.clear()
    atexit.unregister(self.close)

  def _open(self):
    if not self._num_workers:
      self._workers.append(worker.Here(self._plan, self._arrays))
      return
    # Before multiprocessing's own end, which would wait for them for ever.
    atexit.register(self.close)
    pickled = pickle.dumps(self._plan)
    with worker.spawning(with_main=b"__main__" in pickled):
      for number in range(self._num_workers):
        shares = _shares(self.halves, number, self._num_workers)
        self._workers.append(
          worker.Worker(number, self.halves, shares, pickled, self._buffers)
        )

  def _release(self, half: int):
    self._released.append(half)
    for each in self._workers:
      if each.shares[half]:
        each.send(bytes([half]))

  def _await_next(self):
    half, outcome = self._released.popleft(), stepping.Outcome({}, {})
    for each in self._workers:
      part = each.receive() if each.shares[half] else None
      if part is not None:
        outcome.blocks.update(part.blocks)
        outcome.episodes.update(part.episodes)
    self._arrived[half] = outcome


def _shares(
  halves: Sequence[range], number: int, num_workers: int
) -> list[range]:
  """What a worker steps of each half, by index within it.

  One half's odd ones go to the first workers, the other's to the last.
  """
  shares = []
  for half, numbers in enumerate(halves):
    least, odd = divmod(len(numbers), num_workers)
    sizes = [least + (each < odd) for each in range(num_workers)]
    sizes = sizes[::-1] if half else sizes
    first = sum(sizes[:number])
    shares.append(range(first, first + sizes[number]))
  return shares
