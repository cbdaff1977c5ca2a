"""Pytrees as arrays by name, as they are kept on disk."""

import os
import zipfile
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax
import numpy as np


def flat(tree: Any) -> dict[str, Any]:
  """{name: leaf}, in the order in which JAX flattens the tree.

  Raises:
    ValueError: two leaves have one name.
  """
  leaves = {}
  for key_path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
    name = jax.tree_util.keystr(key_path, simple=True, separator="/")
    if name in leaves:
      raise ValueError(f"two leaves are named {name}")
    leaves[name] = leaf
  return leaves


def like(template: Any, tree: Any) -> Any:
  """A tree of the template's structure, with the leaves of these names."""
  arrays = flat(tree)
  leaves = [arrays[name] for name in flat(template)]
  return jax.tree.unflatten(jax.tree.structure(template), leaves)


def nested(arrays: dict[str, Any]) -> dict[str, Any]:
  """Dictionaries in dictionaries, which `flat` gives these names."""
  return flax.traverse_util.unflatten_dict(arrays, sep="/")


def write(
  path: str | os.PathLike,
  arrays: Mapping[str, Any],
  compression: int = zipfile.ZIP_STORED,
) -> None:
  """Writes an .npz; `np.savez` takes neither every name nor a full disk."""
  with zipfile.ZipFile(path, "w") as archive:
    for name, array in arrays.items():
      member = zipfile.ZipInfo(name + ".npy")
      member.compress_type = compression
      with archive.open(member, "w", force_zip64=True) as stream:
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
