"""Rules: what they say of memory, against words, and what is refused."""

import itertools
import re
import time

import hypothesis
import numpy as np
import pytest
import replay
from hypothesis import strategies

from behavior_transfer import envs
from behavior_transfer.envs import console, rules
from behavior_transfer.envs.arguments import WrongValueError

_MD5 = "f34f08e5eb96e500e851a80be3277a56"  # of Breakout
_CELLS = {
  "x": 10,
  "low": {"address": 11, "bits": [0, 3]},
  "high": {"address": 11, "bits": [4, 7]},
  "speed": {"address": 12, "type": "signed"},
  "score": {"address": [13, 14], "type": "decimal"},
}


def _decoder(**events):
  return rules.extend(
    None, "breakout", _MD5, rules.Rules(_CELLS, events, rom_md5=_MD5)
  )


def _ram(**cells):
  ram = bytearray(128)
  addresses = {"x": 10, "nibbles": 11, "speed": 12, "thousands": 13, "ones": 14}
  for name, value in cells.items():
    ram[addresses[name]] = value
  return bytes(ram)


@pytest.mark.parametrize(
  ("rule", "before", "after", "happens"),
  [
    ("x rises", {"x": 3}, {"x": 4}, True),
    ("x rises", {"x": 4}, {"x": 3}, False),
    ("x rises", {"x": 4}, {"x": 4}, False),
    ("x falls", {"x": 4}, {"x": 3}, True),
    ("x falls", {"x": 3}, {"x": 4}, False),
    ("x changes", {"x": 3}, {"x": 250}, True),
    ("x changes", {"x": 3}, {"x": 3}, False),
    ("x becomes 7", {"x": 3}, {"x": 7}, True),
    ("x becomes 7", {"x": 7}, {"x": 7}, False),
    ("x becomes 7", {"x": 7}, {"x": 3}, False),
    ("x leaves 7", {"x": 7}, {"x": 3}, True),
    ("x leaves 7", {"x": 3}, {"x": 7}, False),
    ("x rises above 7", {"x": 7}, {"x": 8}, True),
    ("x rises above 7", {"x": 8}, {"x": 9}, False),
    ("x rises above 7", {"x": 6}, {"x": 7}, False),
    ("x falls below 7", {"x": 7}, {"x": 6}, True),
    ("x falls below 7", {"x": 8}, {"x": 7}, False),
    ("x falls below 7", {"x": 6}, {"x": 5}, False),
    ("low becomes 5", {"nibbles": 0x90}, {"nibbles": 0x95}, True),
    ("low changes", {"nibbles": 0x90}, {"nibbles": 0x80}, False),
    ("high becomes 9", {"nibbles": 0x80}, {"nibbles": 0x90}, True),
    ("speed falls below 0", {"speed": 0}, {"speed": 255}, True),
    ("speed becomes -128", {"speed": 0}, {"speed": 128}, True),
    ("speed rises", {"speed": 255}, {"speed": 1}, True),
    ("score rises above 999", {"ones": 0x99}, {"thousands": 0x10}, True),
    ("score becomes 1234", {}, {"thousands": 0x12, "ones": 0x34}, True),
    ("x rises and low is 3", {"x": 1}, {"x": 2, "nibbles": 3}, True),
    ("x rises and low is 3", {"x": 1, "nibbles": 3}, {"x": 2}, False),
    ("x rises and low is not 3", {"x": 1}, {"x": 2, "nibbles": 3}, False),
    ("x rises and low is above 3", {"x": 1}, {"x": 2, "nibbles": 3}, False),
    ("x rises and low is above 2", {"x": 1}, {"x": 2, "nibbles": 3}, True),
    ("x rises and low is below 3", {"x": 1}, {"x": 2, "nibbles": 3}, False),
    ("x rises and low is below 4", {"x": 1}, {"x": 2, "nibbles": 3}, True),
    ("x rises and x is below 9 and x is not 2", {"x": 1}, {"x": 2}, False),
  ],
)
def test_what_a_rule_says(rule, before, after, happens):
  events = _decoder(it=rule).decode(_ram(**before), _ram(**after))
  assert events == ({"it": 1} if happens else {})


_RULES = strategies.builds(
  "low {}".format,
  strategies.one_of(
    strategies.sampled_from(["rises", "falls", "changes"]),
    strategies.builds(
      "{} {}".format,
      strategies.sampled_from(
        ["becomes", "leaves", "rises above", "falls below"]
      ),
      strategies.integers(0, 15),
    ),
    strategies.builds(
      "{} and low {} {}".format,
      strategies.sampled_from(["rises", "falls", "changes"]),
      strategies.sampled_from(["is", "is not", "is above", "is below"]),
      strategies.integers(0, 15),
    ),
  ),
)


_MEANT = {
  "rises": lambda before, after, _: after > before,
  "falls": lambda before, after, _: after < before,
  "changes": lambda before, after, _: after != before,
  "becomes": lambda before, after, n: before != after == n,
  "leaves": lambda before, after, n: after != before == n,
  "rises above": lambda before, after, n: before <= n < after,
  "falls below": lambda before, after, n: before >= n > after,
  "is": lambda before, after, n: after == n,
  "is not": lambda before, after, n: after != n,
  "is above": lambda before, after, n: after > n,
  "is below": lambda before, after, n: after < n,
}


def _meant(rule):
  """Changes of four bits that a rule over `low` means."""
  clauses = []
  for clause in rule.split(" and "):
    _, verb, number = re.fullmatch(
      r"(low) ([a-z ]+?)(?: (\d+))?", clause
    ).groups()
    clauses.append((_MEANT[verb], int(number or 0)))
  return {
    (before, after)
    for before, after in itertools.product(range(16), repeat=2)
    if all(holds(before, after, n) for holds, n in clauses)
  }


@hypothesis.given(_RULES, _RULES)
@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
def test_two_rules_are_taken_exactly_if_no_change_is_both(first, second):
  """Checked against every change that four bits can make."""
  impossible = [rule for rule in (first, second) if not _meant(rule)]
  overlap = _meant(first) & _meant(second)
  try:
    decode = _decoder(first=first, second=second).decode
  except WrongValueError as error:
    assert impossible or overlap, error
    event = "first" if impossible[:1] == [first] else "second"
    assert error.path == ("events", event)
    return
  assert not impossible
  assert not overlap
  for before, after in itertools.product(range(16), repeat=2):
    events = decode(_ram(nibbles=before), _ram(nibbles=after))
    assert ("first" in events) == ((before, after) in _meant(first))
    assert ("second" in events) == ((before, after) in _meant(second))


def test_many_rules_are_checked_quickly():
  several = {f"at_{n}": f"x becomes {n}" for n in range(250)}
  start = time.perf_counter()
  assert len(_decoder(**several).events) == 250
  apart = {f"at_{n}": f"x rises and score is {n}" for n in range(250)}
  assert len(_decoder(**apart).events) == 250
  with pytest.raises(WrongValueError, match=r"at_249: .* is twice, too"):
    _decoder(twice="x rises and score is 249", **apart)
  assert time.perf_counter() - start < 5  # seconds; pairs once took 30


@pytest.mark.parametrize(
  "rule",
  [
    "x rises above 255",
    "x falls below 0",
    "x becomes 5 and x is not 5",
    "x rises and x is 0",
    "x changes and low is above 15",
    "x changes and low is 3 and low is 4",
  ],
)
def test_what_can_never_happen_is_refused(rule):
  with pytest.raises(WrongValueError, match=r"^events\.it: .*never does"):
    _decoder(it=rule)


def test_two_names_of_a_cell_are_one():
  cells = {"a": 57, "b": {"address": 57, "bits": [0, 7]}}
  events = {"one": "a rises", "two": "b rises"}
  mine = rules.Rules(cells, events, rom_md5=_MD5)
  with pytest.raises(WrongValueError, match="b from 0 to 1 is one, too"):
    rules.extend(None, "breakout", _MD5, mine)


def test_other_cells_may_tell_two_events_apart():
  apart = {"a": "x rises and low is 1", "b": "x rises and low is above 1"}
  assert len(_decoder(**apart).events) == 2
  with pytest.raises(WrongValueError, match="no overlap, but x from"):
    _decoder(a="x rises and low is 1", b="x rises and high is 1")
  assert len(_decoder(a="x rises", b="low rises").events) == 2


_BREAKOUT = f"""\
game = "breakout"
rom_md5 = "{_MD5}"

[cells]
lives = 57
bricks = {{address = [76, 77], type = "decimal"}}

[events]
ball_lost = "lives falls"
points = "bricks rises"

[rewards]
points = 1
ball_lost = -5
"""


def test_a_game_without_a_decoder_gets_events(tmp_path):
  """Cell 57 are the lives, 76 and 77 the score, as ALE reads them."""
  path = tmp_path / "mine.toml"
  path.write_text(_BREAKOUT)
  lost = paid = 0
  with envs.make(str(path), seed=0, action_repeat=1) as environment:
    timestep = environment.reset()
    for action in console.random_actions(4_000, seed=0):
      lives = environment.lives
      timestep = environment.step(action)
      events = environment.events
      if timestep.first():
        continue
      assert events.get("ball_lost", 0) == lives - environment.lives
      assert events.get("points", 0) == (environment.native_reward > 0)
      assert timestep.reward == events.get("points", 0) - 5 * events.get(
        "ball_lost", 0
      )
      lost += events.get("ball_lost", 0)
      paid += events.get("points", 0)
  assert lost > 4
  assert paid > 4


def test_rules_add_to_what_a_decoder_knows(tmp_path):
  path = tmp_path / "mine.toml"
  path.write_text(
    'game = "hero"\n[events]\ndeeper = "level rises"\n'
    "[rewards]\ndeeper = 3\nminer = 1\n"
  )
  with envs.make(str(path), seed=0, noop_max=0) as environment:
    environment.reset()
    total = sum(
      environment.step(action).reward
      for action in replay.recording("hero")[::4]
    )
  assert total == 4 * 3 + 4 * 1


def test_the_decoder_of_the_game_stays_what_it_was(tmp_path):
  path = tmp_path / "mine.toml"
  path.write_text(
    'game = "hero"\n[events]\ndeeper = "level rises"\n[rewards]\ndeeper = 3\n'
  )
  assert "deeper" in envs.variant(str(path)).events
  assert "deeper" not in envs.decoder("hero").events
  assert "deeper" not in envs.variant("hero_hard").events


def test_numbers_are_read_as_bytes_or_arrays():
  decoder = _decoder(it="score rises")
  before, after = np.zeros((2, 128), np.uint8)
  after[14] = 1
  assert decoder.decode(before, after) == {"it": 1}


@pytest.mark.parametrize(
  ("old", "new", "message"),
  [
    (
      "lives falls",
      "live falls",
      "line 9: events.ball_lost: got 'live'",
    ),
    ("lives falls", "lives fall", "line 9: events.ball_lost: got 'lives fall'"),
    ("lives falls", "lives falls below", "line 9: events.ball_lost: got 'live"),
    ("lives falls", "lives falls 3", "line 9: events.ball_lost: got 'lives f"),
    (
      "lives falls",
      "lives becomes 256",
      "line 9: events.ball_lost: got 256",
    ),
    (
      "lives falls",
      "lives falls and x is 1",
      "line 9: events.ball_lost: got 'x'",
    ),
    ('"lives falls"', "3", "line 9: events.ball_lost: got 3; allowed: a text"),
    (
      '"bricks rises"',
      '"lives becomes 0"',
      "line 10: events.points: got 'lives becomes 0'; allowed: no overlap, but"
      " lives from 1 to 0 is ball_lost, too",
    ),
    (
      "lives = 57",
      "lives = 128",
      "line 5: cells.lives: got 128",
    ),
    (
      "lives = 57",
      'lives = "57"',
      "line 5: cells.lives: got '57'; allowed: an int",
    ),
    (
      "lives = 57",
      "lives = [57, 58]",
      "line 5: cells.lives: got [57, 58]",
    ),
    (
      "lives = 57",
      "lives = {at = 57}",
      "line 5: cells.lives: got {'at': 57}",
    ),
    (
      '"decimal"',
      '"word"',
      "line 6: cells.bricks.type: got 'word'",
    ),
    (
      "lives = 57",
      "lives = {address = 57, bits = 3}",
      "line 5: cells.lives.bits: got 3; allowed: [first, last]",
    ),
    (
      "lives = 57",
      "lives = {address = 57, bits = [5, 2]}",
      "line 5: cells.lives.bits: got [5, 2]; allowed: [first, last]",
    ),
    (
      "lives = 57",
      'lives = {address = 57, bits = [0, 2], type = "signed"}',
      "line 5: cells.lives.bits: got [0, 2]; allowed: none but of bytes",
    ),
    (_MD5, "0" * 32, f"line 2: rom_md5: got '{32 * '0'}'; allowed: {_MD5}"),
    (f'rom_md5 = "{_MD5}"', "", f"rom_md5: got None; allowed: {_MD5}"),
    (
      "points = 1",
      "point = 1",
      "line 13: rewards: got 'point'",
    ),
    ('"breakout"', '"maze"', "line 1: game: got 'maze'; allowed: a ROM of ale"),
    (
      f'"breakout"\nrom_md5 = "{_MD5}"\n\n[cells]\nlives',
      '"hero"\n[cells]\nlevel',
      "line 3: cells.level: got 'level'; allowed: another name; the decoder",
    ),
  ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path, old, new, message):
  path = tmp_path / "mine.toml"
  assert old in _BREAKOUT
  path.write_text(_BREAKOUT.replace(old, new, 1))
  with pytest.raises(ValueError, match=r"mine\.toml") as error:
    envs.variant(str(path))
  assert message in str(error.value)
  assert "\n" not in str(error.value)
