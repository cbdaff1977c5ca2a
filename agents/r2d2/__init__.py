"""Recurrent Experience Replay in Distributed RL (Kapturowski et al., 2019)."""

from ..networks import NetworkConfig as NetworkConfig
from ..networks import make_networks as make_networks
from .acting import make_policy as make_policy
from .agent import make_agent as make_agent
from .config import R2D2Config as R2D2Config
from .losses import make_loss as make_loss


def __getattr__(name):
  # The builder stands on Acme and Reverb, which take ten seconds to import and
  # which the functional core does without.
  if name == "R2D2Builder":
    from .builder import R2D2Builder

    return R2D2Builder
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
