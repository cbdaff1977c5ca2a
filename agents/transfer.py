"""Initial weights taken from a pre-trained network.

`partial` loads the torso and the LSTM and leaves the head fresh, `full` loads
everything (arXiv 2102.13515, sec. 5, "Combining pre-trained behavior and
weights").
"""

from typing import Any, NamedTuple

import flax.traverse_util
import jax.numpy as jnp
import numpy as np

from . import networks as networks_lib


class Report(NamedTuple):
  """What became of each parameter, by its path.

  Attributes:
    loaded: copied as they are.
    grown: copied, with entries added for the extra actions.
    fresh: initialised at random.
  """

  loaded: tuple[str, ...]
  grown: tuple[str, ...]
  fresh: tuple[str, ...]

  def __str__(self) -> str:
    parts = (
      f"{name} {len(paths)}" + (f" ({', '.join(paths)})" if paths else "")
      for name, paths in zip(self._fields, self, strict=True)
    )
    return "initial weights: " + "; ".join(parts)


def initialise(
  fresh: networks_lib.Params,
  source: networks_lib.Params,
  mode: str,
  num_actions: int,
) -> tuple[networks_lib.Params, Report]:
  """Loads weights from `source` into a freshly initialised network.

  Args:
    fresh: the new network's parameters.
    source: the pre-trained network's.
    mode: "none", "partial" or "full".
    num_actions: primitive actions A, the first entries of both heads.

  Returns:
    The parameters, and a report of what was loaded.

  Raises:
    ValueError: if the two networks differ in anything but the number of extra
      entries, or extra entries cannot be dropped.
  """
  new = flax.traverse_util.flatten_dict(fresh, sep="/")
  old = flax.traverse_util.flatten_dict(source, sep="/")
  result: dict[str, Any] = {}
  statuses: dict[str, list[str]] = {name: [] for name in Report._fields}
  for path, value in new.items():
    if mode == "none" or (mode == "partial" and "/head/" in path):
      status = "fresh"
    elif path not in old:
      raise ValueError(f"the pre-trained network has no parameter {path}")
    elif old[path].shape == value.shape:
      status, value = "loaded", jnp.asarray(old[path])
    elif "/head/advantage/" in path:
      status = "grown"
      value = _grow(old[path], value.shape[-1] - num_actions, num_actions)
    else:
      raise ValueError(
        f"parameter {path} is of shape {old[path].shape} in the "
        f"pre-trained network and {value.shape} in the new one"
      )
    result[path] = value
    statuses[status].append(path)
  report = Report(*(tuple(paths) for paths in statuses.values()))
  return flax.traverse_util.unflatten_dict(result, sep="/"), report


def _grow(old: Any, num_extra: int, num_actions: int) -> jnp.ndarray:
  """Gives an advantage kernel or bias other extra entries, `[..., A + K]`.

  The head subtracts the mean advantage over all entries. Each new entry is
  chosen so that this mean stays what it was in the old head; hence all
  primitive Q-values are unchanged. For an old head without extra entries that
  is the mean of the primitives'.
  """
  if num_extra == 0:
    raise ValueError(
      f"the pre-trained head has {old.shape[-1]} entries and the new one "
      f"{num_actions}; full initialisation cannot drop extra actions"
    )
  old = np.asarray(old, np.float64)
  primitive = old[..., :num_actions]
  mean = old.mean(axis=-1, keepdims=True)
  total = primitive.sum(axis=-1, keepdims=True)
  extra = mean + (num_actions * mean - total) / num_extra
  extra = np.broadcast_to(extra, (*old.shape[:-1], num_extra))
  return jnp.asarray(np.concatenate([primitive, extra], -1), jnp.float32)
