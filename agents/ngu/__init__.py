"""Never Give Up (Badia et al., arXiv 2002.06038), with or without a task."""

from ..networks import NetworkConfig
from .acting import make_policy
from .agent import make_agent
from .config import NGUConfig
from .intrinsic import make_intrinsic_reward
from .losses import make_loss
from .networks import NGUNetworks, make_networks

__all__ = [
  "NGUBuilder",
  "NGUConfig",
  "NGUNetworks",
  "NetworkConfig",
  "make_agent",
  "make_intrinsic_reward",
  "make_loss",
  "make_networks",
  "make_policy",
]


def __getattr__(name):
  # See r2d2/__init__.py.
  if name == "NGUBuilder":
    from .builder import NGUBuilder

    return NGUBuilder
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
