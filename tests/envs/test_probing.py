"""Probing: shares of frames in which cells change, counted by hand."""

from behavior_transfer.envs import probing
from behavior_transfer.envs.console import Frame


def _frame(paid, **changes):
  before, after = bytearray(128), bytearray(128)
  for cell, (was, now) in changes.items():
    before[int(cell[1:])], after[int(cell[1:])] = was, now
  return Frame(bytes(before), bytes(after), paid, False)


def test_cells_are_ranked_by_how_they_go_with_an_event():
  frames = [
    _frame(10, _3=(1, 2), _7=(0, 1)),
    _frame(10, _3=(1, 2)),
    _frame(10, _3=(4, 5), _9=(6, 7)),
    _frame(0, _3=(1, 2), _7=(5, 6)),
    _frame(0, _8=(0, 1)),
  ]
  count, changes = probing.probe(iter(frames), lambda f: f.paid == 10)
  assert count == 3
  assert changes == [
    (3, 1.0, 0.5, (1, 2)),
    (9, 1 / 3, 0.0, (6, 7)),
    (7, 1 / 3, 0.5, (0, 1)),
  ]


def test_an_event_that_never_comes_has_no_cells():
  frames = [_frame(0, _3=(1, 2))]
  assert probing.probe(frames, lambda f: f.paid > 0) == (0, [])


def test_an_event_of_every_frame():
  frames = [_frame(1, _3=(1, 2))]
  assert probing.probe(frames, lambda f: True) == (1, [(3, 1.0, 0.0, (1, 2))])
