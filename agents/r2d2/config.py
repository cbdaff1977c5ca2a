"""R2D2's configuration."""

import dataclasses

from .. import configs


@dataclasses.dataclass(frozen=True)
class R2D2Config(configs.AgentConfig):
  """Settings of R2D2, which are those that all agents share.

  Raises:
    ValueError: naming the field, what was given and what is allowed.
  """
