"""How the agents' configs are declared and checked."""

import dataclasses
from typing import Any


def field(default: Any, description: str, source: str) -> Any:
  """A config field that carries what it means and where its default is from."""
  return dataclasses.field(
    default=default, metadata={"help": description, "source": source}
  )


def check(
  config: Any, field_name: str, allowed: bool, requirement: str
) -> None:
  """Refuses a value in one line: the field, what was given, what is allowed."""
  if not allowed:
    value = getattr(config, field_name)
    raise ValueError(f"{field_name} is {value!r}; it must be {requirement}")
