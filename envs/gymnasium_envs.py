"""Every variant as a Gymnasium environment.

  import gymnasium
  from behavior_transfer.envs import gymnasium_envs

  gymnasium.register_envs(gymnasium_envs)  # the import has done it
  gymnasium.make("behavior_transfer/hero_hard-v0")

needs `pip install 'behavior-transfer[gymnasium]'`.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from . import variants


class GymnasiumEnvironment(gymnasium.Env):
  """A variant behind Gymnasium's interface.

  Observations are those of the `dm_env`. The end of a game is `terminated`, the
  clock's is `truncated`. `info` holds `native_reward`, a float, `events`,
  {event: count}, and `place`, None where it is not known.
  """

  metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

  def __init__(
    self, variant: str, render_mode: str | None = None, **options: Any
  ):
    """Makes the environment.

    Args:
      variant: As in `envs.make`.
      render_mode: "rgb_array", or None.
      **options: As in `envs.make`.

    Raises:
      ValueError: There is no such variant, mode or option.
    """
    if render_mode not in (None, *self.metadata["render_modes"]):
      raise ValueError(
        f"render_mode: got {render_mode!r}; allowed: rgb_array, None."
      )
    self.render_mode = render_mode
    self._variant = variant
    self._options = options
    self._environment = variants.make(variant, seed=0, **options)
    observation = self._environment.observation_spec()
    self.observation_space = spaces.Box(
      0, 255, observation.shape, observation.dtype.type
    )
    self.action_space = spaces.Discrete(
      self._environment.action_spec().num_values
    )

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Starts an episode; with a seed, in an environment as good as new."""
    del options
    super().reset(seed=seed)
    if seed is not None:
      self._environment.close()
      self._environment = variants.make(
        self._variant, seed=seed, **self._options
      )
    return self._environment.reset().observation, self._info()

  def step(
    self, action: int
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Plays a step."""
    timestep = self._environment.step(int(action))
    return (
      timestep.observation,
      float(timestep.reward),
      timestep.last() and timestep.discount == 0,
      timestep.last() and timestep.discount > 0,
      self._info(),
    )

  def render(self) -> np.ndarray | None:
    """The picture in colour; None unless `render_mode` asks for it."""
    return None if self.render_mode is None else self._environment.render()

  def close(self):
    """Ends it."""
    self._environment.close()

  def _info(self) -> dict[str, Any]:
    return {
      "native_reward": float(self._environment.native_reward),
      "events": self._environment.events,
      "place": self._environment.place,
    }


for _name in variants.names():
  gymnasium.register(
    f"behavior_transfer/{_name}-v0",
    f"{__name__}:GymnasiumEnvironment",
    kwargs={"variant": _name},
  )
