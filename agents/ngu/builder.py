"""Never Give Up as an Acme builder."""

from ..acme import builder
from .agent import make_agent
from .config import NGUConfig


class NGUBuilder(builder.Builder):
  """Builds the parts of a Never Give Up agent."""

  def __init__(self, config: NGUConfig):
    super().__init__(config, make_agent)
