"""Behavior Transfer, Never Give Up and R2D2 as Acme builders.

This file supplies the names that dm-acme 0.4.0 still reads from JAX and that
JAX has since removed, each only where it is missing, so that any import of
this package makes a later `import acme` work. It holds nothing else.
"""

import types

import jax
import jax.numpy as jnp


def _supply(module, name, value):
  if not hasattr(module, name):
    setattr(module, name, value)


for _name in ("map", "leaves", "flatten", "unflatten"):
  _supply(jax, f"tree_{_name}", getattr(jax.tree, _name))
_supply(jax, "tree_multimap", jax.tree.map)
_supply(jnp, "DeviceArray", jax.Array)
_supply(
  jax, "xla", types.SimpleNamespace(Device=jax.Device, DeviceArray=jax.Array)
)
_supply(
  jax,
  "pxla",
  types.SimpleNamespace(ShardedDeviceArray=jax.Array, ShardingSpec=object),
)
