"""An iterator that a thread keeps ahead of its reader."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

# An element, or what was raised in its place.
_Item = tuple[Any, BaseException | None]


class PrefetchingIterator(Iterator):
  """Fetches elements in a thread, so that one can ask whether one is there.

  What the thread raises is raised to the reader, in its turn. The thread is a
  daemon: one that waits for a source that never answers keeps no process alive.
  """

  def __init__(self, source: Iterator, size: int = 2):
    """Starts to fetch.

    Args:
      source: Where elements come from; read by the thread alone.
      size: Elements held ready at most.
    """
    self._source = source
    self._queue: queue.Queue[_Item] = queue.Queue(maxsize=size)
    self._stopped = threading.Event()
    threading.Thread(target=self._fetch, name="prefetch", daemon=True).start()

  def ready(self) -> bool:
    """Whether `next` would return (or raise) at once."""
    return not self._queue.empty()

  def __next__(self) -> Any:
    element, error = self._queue.get()
    if error is not None:
      self._queue.put((element, error))  # also for whoever asks again
      raise error
    return element

  def stop(self):
    """Lets the thread end as soon as its source lets go of it."""
    self._stopped.set()

  def _fetch(self):
    error: BaseException = StopIteration()
    try:
      for element in self._source:
        self._put((element, None))
        if self._stopped.is_set():
          return
    except BaseException as raised:  # handed over to the reader
      error = raised
    self._put((None, error))

  def _put(self, item: _Item):
    while not self._stopped.is_set():
      try:
        return self._queue.put(item, timeout=0.1)
      except queue.Full:
        continue
