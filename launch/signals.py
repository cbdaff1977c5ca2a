"""Lets a run end in good order when it is told to stop."""

import signal
from types import FrameType


class StopRequest:
  """Notes the first SIGTERM or Ctrl-C; a second one kills.

  A context manager, to be entered in the main thread.
  """

  def __init__(self):
    self.signal: signal.Signals | None = None
    self._previous = {}

  def __enter__(self) -> "StopRequest":
    for number in (signal.SIGTERM, signal.SIGINT):
      self._previous[number] = signal.signal(number, self._note)
    return self

  def __exit__(self, *_):
    for number, handler in self._previous.items():
      signal.signal(number, handler)

  def __bool__(self) -> bool:
    """Whether a stop was asked for."""
    return self.signal is not None

  @property
  def exit_code(self) -> int:
    """What a shell expects of a process that a signal ended; 0 without one."""
    return 0 if self.signal is None else 128 + self.signal

  def _note(self, number: int, frame: FrameType | None):
    del frame
    self.signal = signal.Signals(number)
    for each in self._previous:
      signal.signal(each, signal.SIG_DFL)
