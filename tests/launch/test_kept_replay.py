"""The replay of a run: full, saved and restored."""

import contextlib
import pathlib
import sys
import threading
import time

from acme.utils import loggers

from behavior_transfer.launch import parts, progress

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import saved_replay
import toy


def _wait_until(condition):
  deadline = time.monotonic() + 600
  while not condition():
    assert time.monotonic() < deadline
    time.sleep(0.01)


def _can_insert(replay) -> bool:
  return all(map(parts.can_insert, replay.client.server_info().values()))


def _status(replay) -> progress.ReplayStatus:
  return parts.replay_status(replay.client.server_info())


def _act(made, replay, stack, num_steps) -> threading.Thread:
  """Acts in a thread, which inserts may hold up."""
  learner = made.make_learner(
    iter(()), replay.client, lambda *_, **__: loggers.NoOpLogger(), None
  )
  _, loop = made.make_training_loop(replay.client, learner, 0, stack)

  def act():
    for _ in range(num_steps):
      loop.step()

  acting = threading.Thread(target=act, daemon=True)
  acting.start()
  return acting


def test_who_waits_to_insert_is_let_go(tmp_path):
  made = parts.Parts(toy.make_experiment(tmp_path))
  with contextlib.ExitStack() as stack:
    replay = parts.Replay(made, stack)
    assert _status(replay).size == 0
    assert _can_insert(replay)
    acting = _act(made, replay, stack, num_steps=500)
    _wait_until(lambda: not _can_insert(replay))
    size = _status(replay).size
    replay.client.checkpoint()
    assert acting.is_alive()

    def has_gone() -> bool:
      replay.let_writers_go()
      return not acting.is_alive()

    _wait_until(has_gone)
    assert _status(replay).inserts > 2 * size
  saved = saved_replay.read(tmp_path / "replay")
  assert saved.items == size

  # One that is restored is as full as it was, and its limiter as strict.
  with contextlib.ExitStack() as stack:
    replay = parts.Replay(made, stack)
    status = _status(replay)
    assert (status.size, status.inserts, status.samples) == (
      saved.items,
      saved.inserts,
      saved.samples,
    )
    assert not _can_insert(replay)
    replay.let_writers_go()
    assert _can_insert(replay)
