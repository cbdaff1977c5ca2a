"""Behavior Transfer (Campos et al., arXiv 2102.13515)."""

from ..networks import NetworkConfig as NetworkConfig
from ..policies import PretrainedPolicy as PretrainedPolicy
from .acting import make_policy as make_policy
from .agent import make_agent as make_agent
from .config import BTConfig as BTConfig
from .losses import make_loss as make_loss
from .networks import BTNetworks as BTNetworks
from .networks import initial_params as initial_params
from .networks import make_networks as make_networks


def __getattr__(name):
  # See r2d2/__init__.py.
  if name == "BTBuilder":
    from .builder import BTBuilder

    return BTBuilder
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
