"""The cuts in numbers, against the loop that they replace."""

import itertools

import pytest

from behavior_transfer.agents.replay import cutter
from tests.agents import replay_toys as toys

CUTTERS = list(toys.small_cutters())
NUM_STEPS = range(1, 26)


def cuts(cut, num_steps):
  """All sequences of an episode."""
  found = []
  for row in range(num_steps):
    span = cut.completed(row)
    found += [(row, False, span)] if span else []
  return found + [(num_steps - 1, True, x) for x in cut.remaining(num_steps)]


@pytest.mark.parametrize("num_steps", NUM_STEPS)
def test_sequences_are_those_of_the_loop(num_steps):
  for cut in CUTTERS:
    by_the_loop = toys.cut_by_the_loop(cut, num_steps)
    found = cuts(cut, num_steps)
    assert len(found) == len(by_the_loop)
    for (row, at_end, span), expected in zip(found, by_the_loop, strict=True):
      rows = range(span.first, span.first + cut.length)
      there = [i if 0 <= i <= span.last else None for i in rows]
      assert toys.Cut(row, at_end, there, span.start) == expected
      assert cut.starts(span.start)


def test_each_step_is_learned_on():
  for cut in CUTTERS:
    for num_steps in NUM_STEPS:
      learned = set()
      for _, _, span in cuts(cut, num_steps):
        first = span.first + cut.burn_in
        learned |= set(range(first, first + cut.trace_length))
      assert learned >= set(range(num_steps))


def test_sequences_end_with_blocks_that_are_no_longer_than_a_period():
  for cut in CUTTERS:
    ends = [row for row in range(30) if cut.ends_block(row)]
    assert all(cut.ends_block(row) for row in range(30) if cut.completed(row))
    gaps = [b - a for a, b in itertools.pairwise(ends)]
    assert set(gaps) == {cut.sequence_period}
    # Row 0 is in the first block, and never one of its own.
    assert 1 <= ends[0] <= cut.sequence_period


def test_by_hand():
  cut = cutter.Cutter(burn_in=4, trace_length=6, sequence_period=3)
  assert cut.length == 11
  assert [row for row in range(12) if cut.starts(row)] == [0, 2, 5, 8, 11]
  assert [row for row in range(12) if cut.ends_block(row)] == [3, 6, 9]
  assert cut.completed(5) is None
  assert cut.completed(6) == cutter.Span(-4, 6)
  assert cut.completed(9) == cutter.Span(-1, 9)
  assert cut.remaining(1) == [cutter.Span(-4, 1)]
  assert cut.remaining(9) == [cutter.Span(-1, 9)]
  assert cut.remaining(10) == [cutter.Span(2, 10)]
  assert cutter.Span(-1, 9).start == 0
