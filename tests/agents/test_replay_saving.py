"""Replay goes on from the disk as if it had never stopped."""

import shutil

import numpy as np
import pytest

from behavior_transfer.agents import checkpoints
from behavior_transfer.agents.replay import cutter, saving, writer
from tests.agents import replay_toys as toys
from tests.agents.test_embedded_replay import assert_same

CUT = cutter.Cutter(burn_in=4, trace_length=6, sequence_period=3)
BATCH = 4
SIZES = (2, 1)


def first_priority(q, learned):
  return np.abs(q).max(axis=(0, 2)) + np.abs(learned.reward).max(axis=0)


class Run:
  """Two halves of environments that fill a replay, and draws in between."""

  def __init__(self, folder, max_size, num_stacked=1):
    self.replay = toys.make_replay(
      CUT, num_stacked, max_size=max_size, priority_exponent=0.9, seed=5
    )
    self.saver = folder and saving.Saver(self.replay, folder)
    self._writers = [
      writer.Writer(self.replay, size, toys.NUM_ENTRIES, first_priority, BATCH)
      for size in SIZES
    ]

  def go(self, steps):
    """Returns all that was drawn."""
    batches = []
    for halves in steps:
      for writer_, step in zip(self._writers, halves, strict=True):
        writer_.add(**step.told)
      if len(self.replay):
        sample = self.replay.sample(BATCH)
        batch = self.replay.load(sample)
        priorities = 1 + np.abs(batch.reward.sum(axis=1))
        self.replay.update_priorities(sample.keys, priorities)
        batches.append((sample.keys, sample.probability, batch))
    return batches

  def begin(self):
    """Drops all episodes."""
    for writer_, size in zip(self._writers, SIZES, strict=True):
      for index in range(size):
        writer_.begin(index)

  def save(self):
    index = self.saver.save() if self.saver else None
    return index, [writer_.save_state() for writer_ in self._writers]

  def restore(self, saved):
    index, writers = saved
    if index is not None:
      self.saver.restore(index)
    for writer_, arrays in zip(self._writers, writers, strict=True):
      writer_.restore_state(arrays)


def steps_of(num_steps, num_stacked=1, lengths=(1, 40)):
  halves = [
    toys.play(CUT, size, num_steps, seed, num_stacked, lengths)
    for seed, size in enumerate(SIZES)
  ]
  return list(zip(*halves, strict=True))


def name(segment):
  return f"{segment:012d}.npz"


def contents(folder):
  """{file: {name: array}}."""
  found = {}
  for path in sorted(folder.iterdir()):
    with np.load(path) as arrays:
      found[path.name] = dict(arrays)
  return found


@pytest.mark.parametrize("num_stacked", [1, 3])
@pytest.mark.parametrize("max_size", [1, 6, 30, 1000])
def test_a_run_that_was_killed_ends_as_one_that_was_not(
  tmp_path, max_size, num_stacked
):
  steps = steps_of(200, num_stacked)
  whole = Run(tmp_path / "whole", max_size, num_stacked)
  killed = Run(tmp_path / "killed", max_size, num_stacked)
  for t in range(0, 200, 20):
    batches = whole.go(steps[t : t + 20])
    saved = whole.save()
    # Killed at once, after some steps more, or after a save too many.
    killed.go(steps[t : t + 20])
    at_kill = killed.save()
    killed.go(steps[t + 20 : t + 20 + t % 30])
    if t % 40:
      killed.save()
    killed = Run(tmp_path / "killed", max_size, num_stacked)
    killed.restore(at_kill)
    assert_same(at_kill, saved)
    assert killed.replay.num_bytes == whole.replay.num_bytes
  # What is there only for the sake of older checkpoints may be gone earlier.
  files = contents(tmp_path / "whole")
  index, _ = saved
  needed = {name(x) for x in index["segments"] if x >= index["needed"][-1]}
  found = contents(tmp_path / "killed")
  assert found.keys() >= needed
  assert_same(found, {file: files[file] for file in found})
  again = steps_of(50, num_stacked)
  whole.begin()
  killed.begin()
  batches = whole.go(again)
  assert len(batches) == 50
  assert_same(killed.go(again), batches)


def test_what_was_written_stays_as_it_is(tmp_path):
  run = Run(tmp_path, max_size=30)
  steps = steps_of(300)
  before, seen, numbers = {}, set(), []
  for t in range(0, 300, 20):
    run.go(steps[t : t + 20])
    run.save()
    stats = {path.name: path.stat() for path in tmp_path.iterdir()}
    now = {name: (x.st_ino, x.st_mtime_ns) for name, x in stats.items()}
    assert len(now.keys() - seen) == 1
    for file in now.keys() & before.keys():
      assert now[file] == before[file]
    # Nothing is removed that was not written.
    assert not (now.keys() & seen) - before.keys()
    before, seen = now, seen | now.keys()
    newest = contents(tmp_path)[max(now)]
    numbers += newest["blocks"][:, 0].tolist()
  assert len(numbers) == len(set(numbers)) > 200
  # Sequences of 30, and those that the saves before may need.
  assert len(before) < 8 < len(seen)
  # With nothing new, nothing is written.
  run.save()
  assert {path.name for path in tmp_path.iterdir()} <= before.keys()


def test_the_three_newest_saves_can_be_gone_back_to(tmp_path):
  folder, copy = tmp_path / "run", tmp_path / "copy"
  run = Run(folder, max_size=12)
  steps = steps_of(200)
  saves = []
  for t in range(0, 200, 10):
    run.go(steps[t : t + 10])
    saves.append((run.save(), len(run.replay), run.replay.num_bytes))
    for saved, size, num_bytes in saves[-3:]:
      shutil.copytree(folder, copy)
      back = Run(copy, max_size=12)
      back.restore(saved)
      assert len(back.replay) == size
      assert back.replay.num_bytes == num_bytes
      # What came later is gone.
      index, _ = saved
      assert contents(copy).keys() <= {name(x) for x in index["segments"]}
      shutil.rmtree(copy)


def test_remains_of_a_save_that_was_killed_are_removed(tmp_path):
  run = Run(tmp_path, max_size=30)
  run.go(steps_of(50))
  saved = run.save()
  names = {path.name for path in tmp_path.iterdir()}
  (tmp_path / ".partial-000000000099.npz").write_bytes(b"half")
  (tmp_path / "000000000099.npz").write_bytes(b"of a later save")
  Run(tmp_path, max_size=30).restore(saved)
  assert {path.name for path in tmp_path.iterdir()} == names


def flip_a_byte(path):
  data = bytearray(path.read_bytes())
  data[len(data) // 2] ^= 1
  path.write_bytes(data)


def cut_short(path):
  path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
  "damage, fault",
  [
    (lambda path: path.unlink(), "no such segment"),
    (lambda path: path.write_bytes(b""), "damaged segment"),
    (flip_a_byte, "damaged segment"),
    (cut_short, "damaged segment"),
  ],
)
def test_a_segment_that_cannot_be_read_is_named(tmp_path, damage, fault):
  run = Run(tmp_path, max_size=100)
  steps = steps_of(60)
  run.go(steps[:30])
  run.save()
  run.go(steps[30:])
  saved = run.save()
  first, _ = sorted(tmp_path.iterdir())
  damage(first)
  with pytest.raises(
    checkpoints.CheckpointError, match=f"{first}: {fault}"
  ) as error:
    Run(tmp_path, max_size=100).restore(saved)
  assert "\n" not in str(error.value)


def test_a_failed_write_changes_nothing(tmp_path):
  folder = tmp_path / "replay"
  run = Run(folder, max_size=100)
  steps = steps_of(60)
  run.go(steps[:30])
  run.save()
  run.go(steps[30:])
  folder.rename(tmp_path / "away")
  folder.write_bytes(b"no folder")
  with pytest.raises(OSError):
    run.save()
  folder.unlink()
  (tmp_path / "away").rename(folder)
  saved = run.save()
  back = Run(folder, max_size=100)
  back.restore(saved)
  assert back.replay.num_bytes == run.replay.num_bytes


def test_where_replay_is_not_saved_episodes_go_on(tmp_path):
  steps = steps_of(60, lengths=(30, 50))
  run = Run(None, max_size=100)
  run.go(steps[:25])
  for t in (25, 31, 40):
    saved = run.save()
    run = Run(None, max_size=100)
    run.restore(saved)
    end = {25: 31, 31: 40, 40: 60}[t]
    run.go(steps[t:end])
    inserts = [
      x for step in steps[t:end] for half in step for x in half.inserts
    ]
    assert run.replay.inserts == len(inserts) > 0
    sample = run.replay.sample(100)
    loaded = run.replay.load(sample)
    for i, key in enumerate(sample.keys.tolist()):
      np.testing.assert_array_equal(
        loaded.observation[i], inserts[key].sequence.observation
      )
      np.testing.assert_array_equal(
        loaded.reward[i], inserts[key].sequence.reward
      )


def test_a_replay_of_another_size_keeps_the_newest(tmp_path):
  run = Run(tmp_path, max_size=50)
  run.go(steps_of(150))
  saved = run.save()
  for size in (20, 80):
    other = Run(tmp_path, max_size=size)
    other.restore(saved)
    assert len(other.replay) == min(size, 50)
    keys = other.replay.sample(2000).keys
    assert set(keys) <= set(
      range(run.replay.inserts - size, run.replay.inserts)
    )
    other.begin()
    other.go(steps_of(50))
    assert len(other.replay) > min(size, 50) or len(other.replay) == size
