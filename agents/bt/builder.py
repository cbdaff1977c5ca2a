"""Behavior Transfer as an Acme builder."""

from ..acme import builder
from .agent import make_agent
from .config import BTConfig


class BTBuilder(builder.Builder):
  """Builds the parts of a Behavior Transfer agent."""

  def __init__(self, config: BTConfig):
    super().__init__(config, make_agent)
