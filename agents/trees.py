"""Pytrees as arrays by name, as they are kept on disk."""

from typing import Any

import flax.traverse_util
import jax


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
