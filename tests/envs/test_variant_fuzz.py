"""Variant files: whatever they hold, they are a variant or refused in a line.

Files are built from the keys that there are and values of every kind, right
ones and wrong ones, and from text at random.
"""

import datetime
import json
import os
import re
import time

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from behavior_transfer import envs

_SECONDS = 2.0  # for a file, on a busy machine


def _toml(value):
  """A value as TOML has it, in one line."""
  if isinstance(value, bool):
    return "true" if value else "false"
  if isinstance(value, str):
    return json.dumps(value)
  if isinstance(value, list):
    return f"[{', '.join(map(_toml, value))}]"
  if isinstance(value, dict):
    pairs = (f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items())
    return f"{{{', '.join(pairs)}}}"
  return str(value)


_TEXT = strategies.text(
  strategies.characters(max_codepoint=0x2FF, exclude_characters="\x7f"),
  max_size=6,
)
_ANYTHING = strategies.recursive(
  strategies.one_of(
    strategies.booleans(),
    strategies.integers(-(10**20), 10**20),
    strategies.sampled_from([0, 1, 5, 57, 10**400, -(10**400)]),
    strategies.floats(),
    _TEXT,
    strategies.just(datetime.date(2020, 2, 3)),
  ),
  lambda inner: strategies.one_of(
    strategies.lists(inner, max_size=3),
    strategies.dictionaries(_TEXT, inner, max_size=3),
  ),
  max_leaves=6,
)


def _or_anything(*right):
  return strategies.one_of(strategies.sampled_from(right), _ANYTHING)


def _table(names, values):
  keys = strategies.one_of(strategies.sampled_from(names), _TEXT)
  right = strategies.dictionaries(
    strategies.sampled_from(names), strategies.sampled_from(values), max_size=3
  )
  mixed = strategies.dictionaries(keys, _or_anything(*values), max_size=3)
  return strategies.one_of(right, mixed, _ANYTHING)


_EVENTS = ["goal", "coin", "trap", "native", "lost"]
_FILES = strategies.fixed_dictionaries(
  {"game": _or_anything("maze", "maze", "breakout", "hero")},
  optional={
    "rewards": _table(_EVENTS, [1, -2.5, 0, 1e9]),
    "caps": _table(_EVENTS, [0, 3]),
    "visits": _table(["level", "room"], [1, 0.5]),
    "shaping": _table(["quantity", "weight", "discount"], ["x", 1, 0.5]),
    "ends_on": _or_anything([], ["coin"], ["lost"]),
    "cells": _table(
      ["lives", "score"],
      [57, {"address": 57, "bits": [0, 3]}, {"address": [76, 77]}],
    ),
    "events": _table(
      ["lost", "won"],
      ["lives falls", "lives rises", "score rises and lives is 3"],
    ),
    "rom_md5": _or_anything("f34f08e5eb96e500e851a80be3277a56"),
    "extra": _ANYTHING,
  },
)


def _check(path):
  """Makes the variant, and plays it if it is the maze's."""
  start = time.perf_counter()
  try:
    variant = envs.variant(path)
  except ValueError as error:
    message = str(error)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    assert len(message) < 2000
    return message
  finally:
    assert time.perf_counter() - start < _SECONDS
  if variant.game == "maze":
    environment = envs.make(variant, seed=0)
    environment.reset()
    for action in (1, 2, 3, 4, 3, 3, 3):
      assert np.isfinite(environment.step(action).reward)
  return None


@hypothesis.given(keys=_FILES, in_tables=strategies.booleans())
@hypothesis.settings(
  max_examples=400,
  deadline=None,
  derandomize=True,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_files_of_known_keys(tmp_path, keys, in_tables):
  """Errors name a line that has the key."""
  lines, tables = [], []
  for key, value in keys.items():
    if in_tables and isinstance(value, dict):
      tables.append(f"[{key}]")
      tables += [f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()]
    else:
      lines.append(f"{key} = {_toml(value)}")
  lines += tables
  path = tmp_path / "mine.toml"
  path.write_text("\n".join(lines), encoding="utf-8")
  message = _check(path)
  if (
    message and "at line" not in message and "rom_md5: got None" not in message
  ):
    line, key = re.search(r"line (\d+): ([\w]+)", message).groups()
    above = lines[: int(line)]
    assert any(key in text or "extra" in text for text in above)


@hypothesis.given(
  strategies.one_of(
    strategies.binary(max_size=60),
    _TEXT.map(str.encode),
    strategies.lists(
      strategies.sampled_from(
        [
          'game = "maze"',
          "[rewards]",
          "coin = 1",
          '"""',
          "'",
          "[",
          "]",
          "=",
          "#",
        ]
      )
    ).map(lambda words: "\n".join(words).encode()),
  )
)
@hypothesis.settings(
  max_examples=200,
  deadline=None,
  derandomize=True,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_files_of_anything(tmp_path, content):
  path = tmp_path / "mine.toml"
  path.write_bytes(content)
  _check(path)


_NINES = "9" * 5000
_MAZE = 'game = "maze"\n'


@pytest.mark.parametrize(
  ("text", "message"),
  [
    (_MAZE + "[rewards]\ncoin = nan\n", "line 3: rewards.coin: got nan"),
    (_MAZE + "[rewards]\ncoin = -inf\n", "line 3: rewards.coin: got -inf"),
    (_MAZE + "[rewards]\ncoin = 1e400\n", "line 3: rewards.coin: got inf"),
    (_MAZE + "[rewards]\ncoin = 1e38\n", "line 3: rewards.coin: got 1e+38"),
    (_MAZE + "[rewards]\ncoin = true\n", "line 3: rewards.coin: got True"),
    (
      _MAZE + f"[rewards]\ncoin = 1{'0' * 400}\n",
      "line 3: rewards.coin: got an int of 1329 bits",
    ),
    (
      _MAZE + f"[rewards]\ncoin = 0x{'f' * 9000}\n",
      "line 3: rewards.coin: got an int of 36000 bits",
    ),
    (
      _MAZE + "[caps]\ncoin = -1\n",
      "line 3: caps.coin: got -1; allowed: an int",
    ),
    (
      _MAZE + f"[rewards]\ncoin = [\n1,\n{_NINES}]\n",
      "mine.toml: a number too long (at line 3)",
    ),
    (_MAZE + "[caps]\ncoin = 1.5\n", "line 3: caps.coin: got 1.5"),
    (_MAZE + "[caps]\ncoin = true\n", "line 3: caps.coin: got True"),
    (_MAZE + "[visits]\nroom = nan\n", "line 3: visits.room: got nan"),
    (
      _MAZE + '[shaping]\nquantity = "x"\nweight = "x"\ndiscount = 1\n',
      "line 4: shaping.weight: got 'x'; allowed: a number",
    ),
    (
      _MAZE + 'shaping = {quantity = "x", weight = 1, discount = 2}\n',
      "line 2: shaping.discount: got 2; allowed: a number from 0 to 1",
    ),
    (
      _MAZE
      + 'shaping.quantity = "x"\nshaping.weight = 1\nshaping.discount = -1',
      "line 4: shaping.discount: got -1",
    ),
    (_MAZE + 'shaping = "x"\n', "line 2: shaping: got 'x'; allowed: a table"),
    (_MAZE + "ends_on = true\n", "line 2: ends_on: got True; allowed: a list"),
    (_MAZE + "ends_on = 2020-01-01\n", "line 2: ends_on: got datetime.date"),
    (
      _MAZE + "ends_on = [[1]]\n",
      "line 2: ends_on: got [[1]]; allowed: a list",
    ),
    (
      _MAZE + 'ends_on = "coin"\n',
      "line 2: ends_on: got 'coin'; allowed: a list",
    ),
    ("game = [1]\n", "line 1: game: got [1]; allowed: a ROM of ale-py"),
    (
      'game = "combat"\n',
      "line 1: game: got 'combat'; allowed: a ROM of ale-py",
    ),
    ('game = "hero"\nrom_md5 = ""\n', "line 2: rom_md5: got ''; allowed: "),
    ('game = "hero"\nrom_md5 = 3\n', "line 2: rom_md5: got 3; allowed: a text"),
    (
      'game = "hero"\ncells.a = {address = 3, bits = [0.0, 7.0]}\n',
      "line 2: cells.a.bits: got [0.0, 7.0]; allowed: [first, last]",
    ),
    (
      'game = "hero"\n\ncells.a.address = 3\ncells.a.bits = [true, 3]\n',
      "line 4: cells.a.bits: got [True, 3]; allowed: [first, last]",
    ),
    ('game = "hero"\n[events]\n"a b" = ""\n', "line 3: events: got 'a b'"),
    (
      'game = "hero"\n[events]\nnative = "level rises"\n',
      "line 3: events.native: got 'native'; allowed: another name",
    ),
    (
      'game = "hero"\n[cells]\na = 3\n[events]\nb = "a becomes 256"\n',
      "line 5: events.b: got 256; allowed: 0 to 255, which a holds",
    ),
    (
      f'game = "hero"\n[cells]\na = 3\n[events]\nb = "a becomes {_NINES}"\n',
      "line 5: events.b: got 'a becomes 999",
    ),
    (
      'game = "hero"\n[cells]\na = 3\n[events]\nb = "a rises above 255"\n',
      "line 5: events.b: got 'a rises above 255'; allowed: what can happen",
    ),
    (
      'game = "hero"\n[cells]\n'
      + "".join(f"c{n} = {n % 128}\n" for n in range(300)),
      "line 2: cells: got 300; allowed: at most 256",
    ),
    ('"" = 1\n' + _MAZE, "line 1: key: got ''; allowed: caps"),
    (_MAZE + '"a.b" = 1\n', "line 2: key: got 'a.b'; allowed: caps"),
    (_MAZE + "[[rewards]]\ncoin = 1\n", "line 2: rewards: got [{'coin': 1}]"),
    (_MAZE + f"rewards.{'a.' * 200}b = 1\n", "line 2: rewards.a: got {'a': {"),
    (
      _MAZE + f"rewards.a = {'[' * 300}{']' * 300}\n",
      "line 2: rewards.a: got [[[",
    ),
    (_MAZE + f"rewards.a = {'[' * 3000}{']' * 3000}\n", ": nested too deeply"),
    (
      _MAZE
      + 'ends_on = [ # "coin"\n  "coin",\n  "con",\n]\n[caps]\ncoin = -1\n',
      "line 7: caps.coin: got -1",
    ),
    (
      _MAZE + 'x = """\ncoin = 1\n"""\n[rewards]\ncoin = nan',
      "line 2: key: got 'x'",
    ),
    (
      _MAZE + '# x = 1\n\n[rewards] # coin = 1\n"coin" = "coin = 2"\n',
      "line 5: rewards.coin: got 'coin = 2'",
    ),
  ],
)
def test_the_line_and_the_field_are_named(tmp_path, text, message):
  path = tmp_path / "mine.toml"
  for ends in ("\n", "\r\n"):
    path.write_text(text, newline=ends)
    assert message in (_check(path) or "")


def test_who_uses_a_byte_order_mark_is_understood(tmp_path):
  path = tmp_path / "mine.toml"
  path.write_text(_MAZE + "[rewards]\ncoin = 4\n", encoding="utf-8-sig")
  assert envs.variant(path).rewards == {"coin": 4}


def test_only_files_are_read(tmp_path):
  pipe = tmp_path / "pipe.toml"
  os.mkfifo(pipe)
  (tmp_path / "folder.toml").mkdir()
  (tmp_path / "zeros.toml").symlink_to("/dev/zero")
  (tmp_path / "long.toml").write_text("#" * 100_000)
  (tmp_path / "latin.toml").write_bytes(b'game = "\xe9"\n')
  for name, message in (
    ("pipe", "pipe.toml: no regular file"),
    ("zeros", "zeros.toml: no regular file"),
    ("long", "long.toml: longer than 65,536 bytes"),
    ("latin", "latin.toml: 'utf-8' codec can't decode"),
  ):
    with pytest.raises(ValueError, match=message):
      envs.variant(tmp_path / f"{name}.toml")
  with pytest.raises(IsADirectoryError):
    envs.variant(tmp_path / "folder.toml")
  with pytest.raises(FileNotFoundError):
    envs.variant(tmp_path / "none.toml")
  assert (tmp_path / "pipe.toml").exists()


@pytest.mark.parametrize(
  "text",
  [
    _MAZE + "[rewards]\n" + "a = 1\n" * 5000,
    _MAZE + "".join(f"[rewards.{'a.' * 400}b{n}]\n" for n in range(70)),
    _MAZE + "rewards = [\n" + "1,\n" * 20_000 + "]\n",
    _MAZE + "".join(f"x{n} = '''\n\n'''\n" for n in range(3000)),
    _MAZE + '[caps]\ncoin = -1\n[rewards]\n"' + "a" * 60_000 + '" = 1\n',
  ],
)
def test_long_files_take_no_time(tmp_path, text):
  path = tmp_path / "mine.toml"
  path.write_text(text)
  assert _check(path)
