"""The embedded replay, against what the Reverb adder stored."""

import collections
import concurrent.futures
import gc
import json
import subprocess
import sys
from pathlib import Path

import hypothesis
import jax
import numpy as np
import pytest
from hypothesis import strategies as st

from behavior_transfer.agents import networks, sequences
from behavior_transfer.agents.replay import cutter, frames, writer
from tests.agents import replay_toys as toys

ROOT = Path(__file__).parents[2]
CUT = cutter.Cutter(burn_in=4, trace_length=6, sequence_period=3)
CUTTERS = list(toys.small_cutters())
BATCH = 3


def ones(q, learned):
  return np.ones(q.shape[1], np.float32)


def make_writer(replay, num_environments, initial_priority=ones):
  return writer.Writer(
    replay, num_environments, toys.NUM_ENTRIES, initial_priority, BATCH
  )


def fill(replay, num_environments=2, num_steps=100, seed=0):
  """Returns all that was to be inserted."""
  writer_ = make_writer(replay, num_environments)
  steps = toys.play(
    replay.cutter, num_environments, num_steps, seed, replay.num_stacked
  )
  for step in steps:
    writer_.add(**step.told)
  return [expected for step in steps for expected in step.inserts]


def assert_same(found, expected):
  """Of pytrees; dtypes, too."""
  assert jax.tree.structure(found) == jax.tree.structure(expected)
  for a, b in zip(
    jax.tree.leaves(found), jax.tree.leaves(expected), strict=True
  ):
    np.testing.assert_array_equal(a, b)
    assert a.dtype == b.dtype


def stacked(inserts, keys):
  chosen = [inserts[key].sequence for key in keys.tolist()]
  return jax.tree.map(lambda *x: np.stack(x), *chosen)


@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
@hypothesis.given(
  cut=st.sampled_from(CUTTERS)
  | st.builds(
    cutter.Cutter, st.integers(0, 9), st.just(12), st.integers(1, 12)
  ),
  num_stacked=st.sampled_from([1, 3]),
  num_environments=st.integers(1, 3),
  longest=st.sampled_from([3, 40]),
  seed=st.integers(0, 2**32 - 1),
)
def test_sequences_and_their_priorities(
  cut, num_stacked, num_environments, longest, seed
):
  """In this order, each with what its first priority is computed of."""
  seen = []

  def initial_priority(q, learned):
    assert q.shape == (cut.trace_length + 1, BATCH, toys.NUM_ENTRIES)
    for b in range(BATCH):
      seen.append((q[:, b], jax.tree.map(lambda x, b=b: x[:, b], learned)))
    return ones(q, learned)

  replay = toys.make_replay(cut, num_stacked)
  writer_ = make_writer(replay, num_environments, initial_priority)
  steps = toys.play(cut, num_environments, 45, seed, num_stacked, (1, longest))
  inserts = []
  for step in steps:
    del seen[:]
    writer_.add(**step.told)
    for (q, learned), new in zip(seen, step.inserts, strict=False):
      np.testing.assert_array_equal(q, new.q[cut.burn_in :])
      expected = new.sequence._replace(observation=None, recurrent_state=None)
      expected = jax.tree.map(lambda x: x[cut.burn_in : -1], expected)
      assert_same(learned, expected)
    inserts += step.inserts
    assert replay.inserts == len(replay) == len(inserts)
  if inserts:
    sample = replay.sample(3 * len(inserts))
    assert_same(replay.load(sample), stacked(inserts, sample.keys))


def test_the_oldest_goes_first():
  replay = toys.make_replay(CUT, max_size=10)
  inserts = fill(replay)
  assert replay.inserts == len(inserts) > 30
  assert len(replay) == 10
  sample = replay.sample(300)
  assert set(sample.keys) == set(range(len(inserts) - 10, len(inserts)))
  np.testing.assert_allclose(sample.probability, 0.1)
  assert_same(replay.load(sample), stacked(inserts, sample.keys))


def test_an_episode_that_is_dropped_leaves_nothing_behind():
  replay = toys.make_replay(CUT)
  writer_ = make_writer(replay, 1)
  for step in toys.play(CUT, 1, 5, seed=3, lengths=(100, 100)):
    writer_.add(**step.told)
  writer_.begin(0)
  steps = toys.play(CUT, 1, 40, seed=4)
  for step in steps:
    writer_.add(**step.told)
  inserts = [expected for step in steps for expected in step.inserts]
  sample = replay.sample(100)
  assert replay.inserts == len(inserts) > 0
  assert_same(replay.load(sample), stacked(inserts, sample.keys))


def test_frames_that_do_not_fit_the_steps_are_refused():
  writer_ = make_writer(toys.make_replay(CUT), 1)
  steps = toys.play(CUT, 1, 3, seed=3, lengths=(100, 100))
  steps[2].told["blocks"][0] = (b"", 7)
  with pytest.raises(ValueError, match="7 frames for the rows 0 to 3"):
    for step in steps:
      writer_.add(**step.told)


def test_what_is_drawn_follows_the_priorities():
  replay = toys.make_replay(CUT, max_size=40, priority_exponent=0.9)
  fill(replay)
  live = np.arange(replay.oldest, replay.inserts)
  priorities = np.random.default_rng(0).gamma(0.5, size=40)
  priorities[[3, 39]] = 0.0
  replay.update_priorities(live, priorities)
  expected = priorities**0.9 / np.sum(priorities**0.9)
  counts = collections.Counter()
  for _ in range(50):
    sample = replay.sample(400)
    np.testing.assert_allclose(
      sample.probability, expected[sample.keys - replay.oldest], rtol=1e-12
    )
    counts.update(sample.keys.tolist())
  found = np.array([counts[key] for key in live.tolist()])
  assert found.sum() == replay.samples == 20_000
  assert found[3] == found[39] == 0
  drawn = expected > 0
  chi_square = np.sum(
    (found - 20_000 * expected)[drawn] ** 2 / (20_000 * expected[drawn])
  )
  assert chi_square < 69.3  # exceeded with a chance of 0.001, of 37 degrees


def test_where_all_priorities_are_zero_each_is_as_likely():
  replay = toys.make_replay(CUT, max_size=7, priority_exponent=0.0)
  fill(replay)
  keys = np.arange(replay.oldest, replay.inserts)
  replay.update_priorities(keys, np.zeros(7))
  sample = replay.sample(1000)
  np.testing.assert_array_equal(np.unique(sample.keys), keys)
  np.testing.assert_array_equal(sample.probability, 1 / 7)
  # One alone that has any is drawn alone, with whatever exponent.
  replay.update_priorities(keys[2:3], np.array([1e-3]))
  np.testing.assert_array_equal(replay.sample(100).keys, keys[2])


def test_draws_are_those_of_the_seed():
  drawn = []
  for seed in (0, 0, 1):
    replay = toys.make_replay(CUT, seed=seed)
    fill(replay)
    drawn.append([replay.sample(20).keys for _ in range(3)])
  np.testing.assert_array_equal(drawn[0], drawn[1])
  assert np.any(np.not_equal(drawn[0], drawn[2]))
  assert np.any(drawn[0][0] != drawn[0][1])


def test_priorities_of_what_is_gone_are_ignored():
  replay = toys.make_replay(CUT, max_size=5)
  fill(replay)
  before = replay.save_state()["weights"]
  replay.update_priorities(
    np.arange(replay.oldest - 5, replay.oldest + 1), np.full(6, 9.0)
  )
  after = replay.save_state()["weights"]
  np.testing.assert_array_equal(after, [9.0, *before[1:]])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5])
def test_a_priority_that_is_none_is_an_error(wrong):
  replay = toys.make_replay(CUT)
  fill(replay)
  with pytest.raises(FloatingPointError, match=f"sequence 4 is {wrong}"):
    replay.update_priorities(np.array([3, 4]), np.array([1.0, wrong]))


def test_blocks_are_shared():
  cut = cutter.Cutter(8, 16, 8)
  replay = toys.make_replay(cut, max_size=20)
  writer_ = make_writer(replay, 1)
  taken = []
  for step in toys.play(cut, 1, 600, seed=1, lengths=(700, 700)):
    writer_.add(**step.told)
    blocks = replay.live_blocks().values()
    assert all(block.references in range(1, 5) for block in blocks)
    data = sum(len(b.frames) + len(b.records) for b in blocks)
    assert data <= replay.num_bytes <= data + 1000 * len(replay)
    taken.append(replay.num_bytes)
  # Each sequence brings one of 8 rows; the oldest has two more of its burn-in
  # and its first learned rows, and one for the single row that it begins with.
  assert len(blocks) == 23
  # Full is full.
  assert len(replay) == 20
  assert max(taken[300:]) < 1.02 * min(taken[300:])


def test_too_little_memory_names_the_flag():
  replay = toys.make_replay(CUT, max_bytes=50_000)
  with pytest.raises(MemoryError, match="lower --max_replay_size") as error:
    fill(replay, num_steps=1000)
  assert "\n" not in str(error.value)


def test_batches_are_loaded_in_any_thread():
  replay = toys.make_replay(CUT)
  inserts = fill(replay)
  samples = [replay.sample(8) for _ in range(30)]
  # What is drawn stays as it was.
  fill(replay, seed=1)
  with concurrent.futures.ThreadPoolExecutor(4) as pool:
    batches = list(pool.map(replay.load, samples))
  for sample, batch in zip(samples, batches, strict=True):
    assert_same(batch, stacked(inserts, sample.keys))


def test_memory_is_used_again_once_nobody_has_it():
  replay = toys.make_replay(CUT)
  inserts = fill(replay)
  samples = [replay.sample(8) for _ in range(3)]
  first = replay.load(samples[0]).observation
  place = first.ctypes.data
  assert place % 64 == 0
  for hold in (lambda x: x[3, 2:5], lambda x: x.reshape(-1), jax.device_put):
    held = hold(first)
    before = np.array(held)
    del first
    # Neither a part of it nor JAX lets it be written to.
    other = replay.load(samples[1]).observation
    np.testing.assert_array_equal(held, before)
    del held
    gc.collect()
    places = {other.ctypes.data}
    first = replay.load(samples[0]).observation
    places.add(first.ctypes.data)
    assert len(places) == 2
    del other
  assert place in places
  assert_same(replay.load(samples[2]), stacked(inserts, samples[2].keys))
  assert replay.load(replay.sample(5)).observation.shape[0] == 5


def test_the_recurrent_state_is_fetched_where_it_is_kept():
  cut = cutter.Cutter(4, 8, 8)
  writer_ = make_writer(toys.make_replay(cut), 1)
  fetched = []
  for t, step in enumerate(toys.play(cut, 1, 30, seed=0, lengths=(99, 99))):
    state = step.told["recurrent_state"]
    step.told["recurrent_state"] = lambda t=t, state=state: (
      fetched.append(t) or state()
    )
    writer_.add(**step.told)
  assert fetched == [0, 4, 12, 20, 28]


def recorded(recorder, observations):
  return [recorder.add(x, i == 30) for i, x in enumerate(observations)]


@pytest.mark.parametrize("num_stacked", [1, 4])
def test_a_recorder_goes_on_as_it_was(num_stacked):
  rows = toys.random_episode(np.random.default_rng(0), 40, num_stacked).rows
  recorder = frames.FrameRecorder(CUT, num_stacked)
  recorder.begin(rows.observation[0])
  for t in range(1, 20):
    recorder.add(rows.observation[t], False)
    other = frames.FrameRecorder(CUT, num_stacked)
    other.restore_state(recorder.save_state())
    assert_same(other.save_state(), recorder.save_state())
    later = rows.observation[t + 1 :]
    saved = recorder.save_state()
    blocks = recorded(recorder, later[:31])
    assert recorded(other, later[:31]) == blocks
    assert any(blocks)
    recorder.restore_state(saved)


def test_workers_need_no_jax():
  code = (
    "import sys; from behavior_transfer.agents.replay import frames;"
    "sys.exit('jax' in sys.modules)"
  )
  assert not subprocess.run([sys.executable, "-c", code]).returncode


def test_padding_is_what_a_learner_masks():
  replay = toys.make_replay(CUT)
  fill(replay)
  batch = replay.load(replay.sample(100))
  assert isinstance(batch, sequences.Sequences)
  padding = ~batch.valid
  assert padding.any() and not padding.all()
  np.testing.assert_array_equal(batch.action[padding], networks.NO_ACTION)
  assert not batch.discount[padding].any()


def test_replay_takes_what_it_says():
  """And not what its frames took before they were compressed."""
  filled = subprocess.run(
    [sys.executable, "-m", "tests.agents.fill_embedded_replay"],
    cwd=ROOT,
    stdout=subprocess.PIPE,
    check=True,
  )
  facts = json.loads(filled.stdout)
  told = np.diff(facts["told"]).item()
  assert told > 10_000_000
  assert 0.6 < np.diff(facts["resident"]).item() / told < 1.3
