"""Recurrent Experience Replay in Distributed RL (Kapturowski et al., 2019)."""

from ..networks import NetworkConfig, make_networks
from .acting import make_policy
from .agent import make_agent
from .config import R2D2Config
from .losses import make_loss

__all__ = [
  "NetworkConfig",
  "R2D2Builder",
  "R2D2Config",
  "make_agent",
  "make_loss",
  "make_networks",
  "make_policy",
]


def __getattr__(name):
  # The builder stands on Acme and Reverb, which take ten seconds to import and
  # which the functional core does without.
  if name == "R2D2Builder":
    from .builder import R2D2Builder

    return R2D2Builder
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
