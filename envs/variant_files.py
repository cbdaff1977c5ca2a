"""Variants that users write, a TOML file each.

  game = "hero"
  ends_on = ["life_lost"]

  [rewards]
  miner = 1000
  wall = -300

  [caps]
  wall = 10

  [visits]
  room = 50

  [shaping]
  quantity = "level"
  weight = 100
  discount = 0.997

Only `game` must be there; without `[rewards]`, those are the game's own, of
which `native` among the rewards is a share. For events of one's own, under
`[cells]` and `[events]`, see `rules`; a game without a decoder needs them, and
`rom_md5`.
"""

import dataclasses
import os
import re
import stat
import sys
from collections.abc import Iterator
from typing import Any

if sys.version_info >= (3, 11):
  import tomllib
else:
  import tomli as tomllib

from .arguments import require, require_one_of, table
from .conditions import Conditions, Shaping
from .rules import Rules

SUFFIX = ".toml"
_LONGEST = 1 << 16  # bytes
_CONDITIONS = {f.name for f in dataclasses.fields(Conditions)}
_RULES = {f.name for f in dataclasses.fields(Rules)}
_SHAPING = [f.name for f in dataclasses.fields(Shaping)]
_KEYS = {"game", "rewards", *_CONDITIONS, *_RULES}
# Strings, comments, brackets and ends of lines, one at a time.
_TOKEN = re.compile(
  r'"""(?:\\.|[^\\])*?"""(?!")|"(?:\\.|[^"\\])*"'
  r"|'''.*?'''(?!')|'[^']*'|\#[^\n]*|[\[\]{}\n]",
  re.DOTALL,
)


def text(path: str) -> str:
  """What is in a file.

  Raises:
    OSError: It cannot be read.
    ValueError: It is none, too long, or not in UTF-8.
  """
  with open(path, "rb", opener=_open) as file:
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
      raise ValueError(f"{path}: no regular file")
    content = file.read(_LONGEST + 1)
  if len(content) > _LONGEST:
    raise ValueError(f"{path}: longer than {_LONGEST:,} bytes")
  try:
    return content.decode("utf-8-sig").replace("\r\n", "\n")
  except UnicodeDecodeError as error:
    raise ValueError(f"{path}: {error}") from None


def _open(path: str, flags: int) -> int:
  return os.open(path, flags | os.O_NONBLOCK)  # a pipe would have us wait


def read(content: str) -> dict[str, Any]:
  """Keywords of `variants.Variant`, which checks the rest.

  Raises:
    WrongValueError: A key or a value cannot be.
    ValueError: It is no TOML, or names no game.
  """
  try:
    keys = tomllib.loads(content)
  except RecursionError:
    raise ValueError("nested too deeply") from None
  except tomllib.TOMLDecodeError:  # says where
    raise
  except ValueError:
    line_ = _refused(content)
    raise ValueError(f"a number too long (at line {line_})") from None
  for key in keys:
    require_one_of(sorted(_KEYS), "key", key, path=(key,))
  if "game" not in keys:
    raise ValueError("game is missing")
  conditions = {k: v for k, v in keys.items() if k in _CONDITIONS}
  if "shaping" in keys:
    shaping = table("shaping", keys["shaping"], lambda field, value: value)
    allowed = f"all of {', '.join(_SHAPING)}"
    require(shaping.keys() == set(_SHAPING), "shaping", [*shaping], allowed)
    conditions["shaping"] = Shaping(**shaping)
  return {
    "game": keys["game"],
    "rewards": keys.get("rewards"),
    "conditions": Conditions(**conditions),
    "rules": Rules(**{k: v for k, v in keys.items() if k in _RULES}),
  }


def line(content: str, path: tuple) -> int | None:
  """Number, from 1, of the line that defines something, or what it is part of.

  Args:
    content: Valid TOML.
    path: Keys that lead to it.

  Returns:
    None where there is nothing of it.
  """
  found, most = None, 0
  heads: tuple = ()
  for number, statement in _statements(content):
    value: Any = tomllib.loads(statement)
    if statement.lstrip().startswith("["):
      heads, depth = (), 0
      while isinstance(value, dict) and value:
        ((head, value),) = value.items()
        depth += path[: len(heads) + 1] == (*heads, head)
        heads += (head,)
    else:
      is_there = path[: len(heads)] == heads
      depth = len(heads) if is_there else 0
      while is_there and depth < len(path) and isinstance(value, dict):
        is_there = path[depth] in value
        value = value.get(path[depth])
        depth += is_there
    if depth > most:
      found, most = number, depth
  return found


def _refused(content: str) -> int | None:
  """Number of the first line of a statement that is refused by itself."""
  for number, statement in _statements(content):
    try:
      tomllib.loads(statement)
    except ValueError:
      return number
  return None


def _statements(content: str) -> Iterator[tuple[int, str]]:
  """Each statement, with the number of the line where it begins."""
  number, start, depth = 1, 0, 0
  content += "\n"
  for token in _TOKEN.finditer(content):
    depth += (token[0] in "[{") - (token[0] in "]}")
    if token[0] == "\n" and not depth:
      statement = content[start : token.start()]
      yield number, statement
      number += 1 + statement.count("\n")
      start = token.end()
