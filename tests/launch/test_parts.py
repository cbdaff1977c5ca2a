"""The parts of a launcher, one by one."""

import csv
import io
import itertools
import os
import signal
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata

from behavior_transfer.launch import (
  experiment,
  loggers,
  prefetch,
  progress,
  record,
  signals,
)


def _wait_until(condition):
  deadline = time.monotonic() + 600
  while not condition():
    assert time.monotonic() < deadline
    time.sleep(0.01)


def test_prefetching_keeps_the_order_and_stays_within_its_size():
  taken = []

  def source():
    for i in range(10):
      taken.append(i)
      yield i

  iterator = prefetch.PrefetchingIterator(source(), size=2)
  _wait_until(iterator.ready)
  _wait_until(lambda: len(taken) == 3)  # two are held, one waits to be
  time.sleep(0.05)
  assert len(taken) == 3
  assert list(iterator) == list(range(10))


def test_prefetching_hands_over_what_the_source_raises():
  def source():
    yield 1
    raise RuntimeError("replay is gone")

  iterator = prefetch.PrefetchingIterator(source())
  assert next(iterator) == 1
  for _ in range(2):  # not only once
    with pytest.raises(RuntimeError, match="replay is gone"):
      next(iterator)
  assert iterator.ready()


def test_prefetching_stops_reading():
  taken = []
  source = (taken.append(i) for i in itertools.count())
  iterator = prefetch.PrefetchingIterator(source, size=1)
  _wait_until(iterator.ready)
  iterator.stop()
  time.sleep(0.3)
  before = len(taken)
  time.sleep(0.2)
  assert len(taken) == before


def test_streams_differ_by_name_step_and_seed():
  def make(seed):
    return experiment.Experiment(
      environment_factory=None,
      logger_factory=None,
      checkpointer=None,
      num_steps=10,
      checkpoint_period=1,
      evaluation_period=1,
      evaluation_episodes=1,
      seed=seed,
    )

  seeds = [
    make(seed).stream(name, step)
    for seed, name, step in itertools.product((0, 1), ("a", "b"), (0, 100))
  ]
  assert len(set(seeds)) == 8
  assert make(1).stream("b", 100) == seeds[-1]
  assert min(seeds) >= 0


def _rows(path):
  with path.open(newline="") as file:
    return list(csv.DictReader(file))


def test_csv_takes_new_columns(tmp_path):
  path = tmp_path / "train.csv"
  logger = loggers.CSVLogger(path, start=0)
  logger.write({"agent_steps": 1, "loss": np.float32(0.5)})
  logger.write({"agent_steps": 2, "bonus": 3})
  assert _rows(path) == [
    {"agent_steps": "1", "loss": "0.5", "bonus": ""},
    {"agent_steps": "2", "loss": "", "bonus": "3"},
  ]


def test_csv_drops_rows_from_beyond_the_checkpoint(tmp_path):
  path = tmp_path / "train.csv"
  first = loggers.CSVLogger(path, start=0)
  for step in (1, 2, 3):
    first.write({"agent_steps": step, "loss": step})
  first.close()
  with path.open("a") as file:
    file.write("1")  # a crash in the middle of a row
  second = loggers.CSVLogger(path, start=2)
  second.write({"agent_steps": 3, "loss": 30})
  assert [row["loss"] for row in _rows(path)] == ["1", "2", "30"]


def test_csv_without_rows_is_taken_over(tmp_path):
  loggers.CSVLogger(tmp_path / "train.csv", start=0).close()
  logger = loggers.CSVLogger(tmp_path / "train.csv", start=0)
  logger.write({"agent_steps": 1})
  assert _rows(tmp_path / "train.csv") == [{"agent_steps": "1"}]


def test_rows_say_how_far_the_run_is(tmp_path):
  counts = experiment.Counts(agent_steps=7, learner_steps=2)
  make = loggers.make_factory(tmp_path, frames_per_step=4)
  logger = record.StampedLogger(make("train", 0), counts, frames_per_step=4)
  logger.write({"episode_return": 1.5})
  logger.close()
  (row,) = _rows(tmp_path / "train.csv")
  assert (row["agent_steps"], row["frames"], row["learner_steps"]) == (
    "7",
    "28",
    "2",
  )
  assert list((tmp_path / "tensorboard" / "train").iterdir())


def test_of_the_rows_that_come_too_fast_one_now_and_then_passes(
  tmp_path, monkeypatch
):
  now = [0.0]
  monkeypatch.setattr(loggers.time, "monotonic", lambda: now[0])
  logger = loggers.CSVLogger(tmp_path / "learner.csv", start=0)
  logger = loggers.TimeFilter(logger, period=2.0)
  for step, now[0] in enumerate((0.0, 1.9, 2.0, 3.0, 3.9, 7.0, 8.9)):
    logger.write({"agent_steps": step})
  logger.close()
  rows = _rows(tmp_path / "learner.csv")
  assert [row["agent_steps"] for row in rows] == ["0", "2", "5"]


def test_tensorboard_has_curves_and_settings_and_nothing_else(tmp_path):
  settings = {"game": "hero", "batch_size": 8, "discount": 0.9, "gpus": None}
  make = loggers.make_factory(tmp_path, frames_per_step=4, settings=settings)
  counts = experiment.Counts(agent_steps=7)
  for label in ("train", "eval"):
    logger = record.StampedLogger(make(label, 0), counts, frames_per_step=4)
    logger.write({"episode_return": np.float32(1.5)})
    logger.close()
    events = event_accumulator.EventAccumulator(
      str(tmp_path / "tensorboard" / label)
    )
    events.Reload()
    assert events.Tags()["scalars"] == ["episode_return"]
    (point,) = events.Scalars("episode_return")
    assert (point.step, point.value) == (28, 1.5)
    told = events.PluginTagToContent("hparams") if label == "eval" else {}
  start = metadata.parse_session_start_info_plugin_data(
    told["_hparams_/session_start_info"]
  )
  assert start.hparams["game"].string_value == "hero"
  assert start.hparams["batch_size"].number_value == 8
  assert start.hparams["discount"].number_value == 0.9
  described = metadata.parse_experiment_plugin_data(
    told["_hparams_/experiment"]
  )
  (metric,) = described.metric_infos
  assert metric.name.tag == "episode_return"


def test_tensorboard_hides_what_the_run_goes_back_behind(tmp_path):
  for start, steps in ((0, (1, 2)), (0, (1, 2, 3)), (2, (3, 4))):
    make = loggers.make_factory(tmp_path, frames_per_step=4)
    logger = make("train", start)
    for step in steps:
      logger.write({"agent_steps": step, "frames": 4 * step, "loss": start})
    logger.close()
  events = event_accumulator.EventAccumulator(
    str(tmp_path / "tensorboard" / "train")
  )
  events.Reload()
  assert [(e.step, e.value) for e in events.Scalars("loss")] == [
    (4, 0),
    (8, 0),
    (12, 2),
    (16, 2),
  ]


class _Terminal(io.StringIO):
  def isatty(self):
    return True


def _draw(stream, monkeypatch):
  now = [0.0]
  monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
  monkeypatch.setenv("COLUMNS", "200")
  counts = experiment.Counts(agent_steps=100)
  line = progress.Progress(1100, 4, counts, stream)
  filling = progress.ReplayStatus(size=2, capacity=50, min_size=10, inserts=2)
  filled = filling._replace(size=20, inserts=40, samples=10)
  line.update(lambda: filling)  # starts the clock
  figures = {"flight": 0.25, "intrinsic_reward": 12.34}
  line.episode({"episode_return": 12.0, **figures})
  for now[0], status in ((10.0, filling), (20.0, filled)):
    counts.agent_steps += 100
    counts.learner_steps += 5 if status is filled else 0
    line.update(lambda status=status: status)
  line.evaluating(1, 2)  # not due
  now[0] = 30.0
  line.evaluating(2, 2)
  line.evaluation(7.0)
  line.say("saved")
  return stream.getvalue()


def test_progress_in_a_file_is_a_line_each_time(monkeypatch):
  assert _draw(io.StringIO(), monkeypatch).splitlines() == [
    "step 200/1,100 | return 12.0 | ETA 1m30s | 40 frames/s"
    " | filling replay 20% | flight 0.25 | intrinsic reward 12.3",
    "step 300/1,100 | return 12.0 | ETA 1m20s | 40 frames/s | learner 0.25/s"
    " | replay 40% (0.25 samples an insert) | flight 0.25"
    " | intrinsic reward 12.3",
    "step 300/1,100 | evaluating, 2/2 episodes",
    "saved",
  ]


def test_progress_on_a_terminal_stays_in_its_line(monkeypatch):
  text = _draw(_Terminal(), monkeypatch)
  assert text.count("\n") == 1
  assert text.count("\rstep") == 3
  assert text.endswith(" \rsaved\n")


@pytest.mark.parametrize("columns", [1, 30, 60, 80, 100])
def test_what_matters_is_seen_on_any_terminal(monkeypatch, columns):
  now = [0.0]
  monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
  monkeypatch.setenv("COLUMNS", str(columns))
  stream = _Terminal()
  counts = experiment.Counts(agent_steps=100_000_000)
  line = progress.Progress(1_250_000_000, 4, counts, stream)
  line.update(progress.ReplayStatus)
  line.episode({"episode_return": -12345.6, "return_hero_easy": 500.0})
  line.evaluation(12345.6)
  line.update(progress.ReplayStatus)
  now[0] = 10.0
  counts.agent_steps += 20_000
  line.update(lambda: progress.ReplayStatus(size=9, capacity=10, inserts=9))
  whole = (
    "step 100,020,000/1,250,000,000 | return -12,345.6 | eval 12,345.6"
    " | ETA 159h43m | 8,000 frames/s | replay 90%"
  )
  drawn = stream.getvalue().rpartition("\r")[2].rstrip()
  assert len(drawn) < columns
  assert whole.startswith(drawn) or columns > 99
  if columns >= 60:  # each part as it is, or not at all
    shown = drawn.split(" | ")
    assert shown == whole.split(" | ")[: len(shown)] and len(shown) > 1
  assert ("ETA" in drawn) == (columns >= 80)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_is_noted_and_the_second_would_kill(number):
  before = signal.getsignal(signal.SIGINT)  # ignored, in a shell's background
  with signals.StopRequest() as stop:
    assert not stop
    assert stop.exit_code == 0
    os.kill(os.getpid(), number)
    assert stop
    assert stop.exit_code == 128 + number
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
  assert signal.getsignal(signal.SIGINT) is before
