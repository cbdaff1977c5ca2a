"""Everything of Acme, Reverb and TensorFlow.

compat.py   what dm-acme 0.4.0 and later Acme spell differently
builder.py  an agent of this zoo as an Acme builder
actor.py    acts in one environment or in many, and records
learner.py  learns from a dataset
replay.py   sequences in Reverb

This file supplies the names that dm-acme 0.4.0 still reads from JAX and that
JAX has since removed, each only where it is missing, so that `import acme`
works once this package, or a builder, has been touched. It also keeps gym,
which Acme imports and we do not use, from saying that it is unmaintained.
"""

import sys
import types

import jax
import jax.numpy as jnp

if sys.version_info >= (3, 11):
  raise ImportError(
    "builders need dm-acme, and that exists for CPython 3.10 only; use"
    " --launch=local"
  )


import gym_notices.notices

gym_notices.notices.notices.clear()


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
