"""Runs the nodes of a program in threads of this process."""

import threading
import traceback
from collections.abc import Callable


class ThreadWorker:
  """A node in a thread.

  Attributes:
    group, number: Of the node.
  """

  def __init__(self, group: str, number: int, function: Callable[[], object]):
    self.group = group
    self.number = number
    self._function = function
    self._error = ""
    self._thread: threading.Thread | None = None

  def start(self) -> None:
    self._error = ""
    # One that waits for something that never comes keeps no process alive.
    self._thread = threading.Thread(
      target=self._run, name=f"{self.group}/{self.number}", daemon=True
    )
    self._thread.start()

  def poll(self) -> int | None:
    if self._thread is None or self._thread.is_alive():
      return None
    return 1 if self._error else 0

  def last_words(self) -> str:
    return self._error

  def kill(self) -> None:
    """Does nothing; a thread ends by itself or with the process."""

  def _run(self):
    try:
      self._function()
    except BaseException:  # told by `poll` and `last_words`
      self._error = traceback.format_exc()
