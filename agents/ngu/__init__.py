"""Never Give Up (Badia et al., arXiv 2002.06038), with or without a task."""

from ..networks import NetworkConfig as NetworkConfig
from .acting import make_policy as make_policy
from .agent import make_agent as make_agent
from .config import NGUConfig as NGUConfig
from .intrinsic import make_intrinsic_reward as make_intrinsic_reward
from .losses import make_loss as make_loss
from .networks import NGUNetworks as NGUNetworks
from .networks import make_networks as make_networks


def __getattr__(name):
  # See r2d2/__init__.py.
  if name == "NGUBuilder":
    from .builder import NGUBuilder

    return NGUBuilder
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
