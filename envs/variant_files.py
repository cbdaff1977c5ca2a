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

Only `game` and `[rewards]` must be there. For events of one's own, under
`[cells]` and `[events]`, see `rules`; a game without a decoder needs them, and
`rom_md5`.
"""

import dataclasses
import pathlib
import re
import sys
from typing import Any

if sys.version_info >= (3, 11):
  import tomllib
else:
  import tomli as tomllib

from .conditions import Conditions, Shaping
from .rules import Rules

SUFFIX = ".toml"
_CONDITIONS = {f.name for f in dataclasses.fields(Conditions)}
_RULES = {f.name for f in dataclasses.fields(Rules)}
_TABLES = {"rewards", "caps", "visits", "shaping", "cells", "events"}
_KEYS = {"game", "rewards", *_CONDITIONS, *_RULES}


def read(path: str) -> dict[str, Any]:
  """Keywords of `variants.Variant`, which checks the rest.

  Raises:
    OSError: The file cannot be read.
    ValueError: It is no TOML, lacks a key or has one too many.
  """
  try:
    content = tomllib.loads(pathlib.Path(path).read_text())
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from None
  for key in ("game", "rewards"):
    if key not in content:
      raise ValueError(f"{path}: {key} is missing")
  for key in content:
    if key not in _KEYS:
      raise ValueError(
        f"{path}, line {find(path, key)}: {key!r} is unknown; allowed:"
        f" {', '.join(sorted(_KEYS))}"
      )
  for key in _TABLES & content.keys():
    if not isinstance(content[key], dict):
      line = find(path, key)
      raise ValueError(f"{path}, line {line}: {key} is a table, [{key}]")
  conditions = {k: v for k, v in content.items() if k in _CONDITIONS}
  try:
    if "shaping" in conditions:
      conditions["shaping"] = Shaping(**conditions["shaping"])
  except TypeError:
    fields = [field.name for field in dataclasses.fields(Shaping)]
    raise ValueError(
      f"{path}, line {find(path, 'shaping')}: shaping needs"
      f" {', '.join(fields)}, and nothing else"
    ) from None
  if "ends_on" in conditions:
    conditions["ends_on"] = tuple(conditions["ends_on"])
  return {
    "game": content["game"],
    "rewards": content["rewards"],
    "conditions": Conditions(**conditions),
    "rules": Rules(**{k: v for k, v in content.items() if k in _RULES}),
  }


def find(path: str, word: object) -> int:
  """Number of the first line that defines the word, or else has it, from 1."""
  escaped = re.escape(str(word))
  lines = pathlib.Path(path).read_text().splitlines()
  for pattern in (rf"\s*{escaped}\s*=", rf".*(?<!\w){escaped}(?!\w)"):
    for number, line in enumerate(lines, 1):
      if re.match(pattern, line):
        return number
  return 1
