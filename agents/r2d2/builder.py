"""R2D2 as an Acme builder."""

from ..acme import builder
from .agent import make_agent
from .config import R2D2Config


class R2D2Builder(builder.Builder):
  """Builds the parts of a R2D2 agent."""

  def __init__(self, config: R2D2Config):
    super().__init__(config, make_agent)
