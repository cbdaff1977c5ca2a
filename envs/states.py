"""Saved states of environments: bytes with a name tag, and no pickle.

A zip of arrays, as NumPy writes it. One of them is a header in JSON: the
version of this form, what the state is of, and all that is no array.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from .arguments import require

_VERSION = 1
_HEADER = "header"


def pack(
  identity: Mapping[str, object],
  values: Mapping[str, object],
  arrays: Mapping[str, np.ndarray],
) -> bytes:
  """A state.

  Args:
    identity: What it is of, JSON values by name.
    values: JSON values.
    arrays: Of numbers.
  """
  header = {"version": _VERSION, "identity": identity, "values": values}
  text = np.frombuffer(_json(header).encode(), np.uint8)
  file = io.BytesIO()
  np.savez_compressed(file, **{_HEADER: text}, **arrays)
  return file.getvalue()


def unpack(
  state: bytes, identity: Mapping[str, object]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
  """The values and arrays of a state.

  Args:
    state: From `pack`.
    identity: What it must be of.

  Raises:
    ValueError: It is no state, or of something else; the message, of one line,
      says what differs.
  """
  try:
    with zipfile.ZipFile(io.BytesIO(state)):
      arrays = dict(np.load(io.BytesIO(state), allow_pickle=False))
    header = json.loads(arrays.pop(_HEADER).tobytes())
  except (zipfile.BadZipFile, KeyError, ValueError):
    raise ValueError("state: these bytes are no environment's.") from None
  version, theirs = header["version"], header["identity"]
  require(version == _VERSION, "state: version", version, str(_VERSION))
  for name, ours in json.loads(_json(identity)).items():
    given = theirs.get(name)
    require(given == ours, f"state: {name}", given, repr(ours))
  return header["values"], arrays


def _json(value: object) -> str:
  return json.dumps(value, default=np.generic.item)
