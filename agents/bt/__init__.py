"""Behavior Transfer (Campos et al., arXiv 2102.13515)."""

from ..networks import NetworkConfig
from ..policies import PretrainedPolicy
from .acting import make_policy
from .agent import make_agent
from .config import BTConfig
from .losses import make_loss
from .networks import BTNetworks, initial_params, make_networks

__all__ = [
  "BTBuilder",
  "BTConfig",
  "BTNetworks",
  "NetworkConfig",
  "PretrainedPolicy",
  "initial_params",
  "make_agent",
  "make_loss",
  "make_networks",
  "make_policy",
]


def __getattr__(name):
  # See r2d2/__init__.py.
  if name == "BTBuilder":
    from .builder import BTBuilder

    return BTBuilder
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
