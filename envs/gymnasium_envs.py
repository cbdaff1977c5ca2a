"""Every variant as a Gymnasium environment.

  import gymnasium
  from behavior_transfer.envs import gymnasium_envs

  gymnasium.register_envs(gymnasium_envs)  # the import has done it
  gymnasium.make("behavior_transfer/hero_hard-v0")
  gymnasium.make("behavior_transfer/variant-v0", variant="mine.toml")

needs `pip install 'behavior-transfer[gymnasium]'`.
"""

import copy
import os
import types
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from . import arguments, variants


class GymnasiumEnvironment(gymnasium.Env):
  """A variant behind Gymnasium's interface.

  Observations are those of the `dm_env`. The end of a game is `terminated`, the
  clock's is `truncated`. `info` holds `native_reward`, a float, `events`,
  {event: count}, `place`, None where it is not known, `lives`, and `ram`, the
  console's memory. The first episode follows from the seed of its reset, or
  from chance where none is given.
  """

  metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

  def __init__(
    self,
    variant: str | os.PathLike[str] | variants.Variant,
    render_mode: str | None = None,
    **options: Any,
  ):
    """Makes the environment.

    Args:
      variant: As in `envs.make`.
      render_mode: "rgb_array", or None.
      **options: As in `envs.make`.

    Raises:
      ValueError: There is no such variant, mode or option.
    """
    if render_mode is not None:
      modes = self.metadata["render_modes"]
      arguments.require_one_of(modes, "render_mode", render_mode)
    self.render_mode = render_mode
    self._variant = variant
    self._options = options
    self._environment = variants.make(variant, seed=0, **options)
    self._is_seeded = False
    self._is_over = True
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
    if seed is None and not self._is_seeded:
      seed = int(self.np_random.integers(2**31))
    if seed is not None:
      self._environment.close()
      self._environment = variants.make(
        self._variant, seed=seed, **self._options
      )
    self._is_seeded, self._is_over = True, False
    return self._environment.reset().observation, self._info()

  def step(
    self, action: int
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Plays a step.

    Raises:
      ResetNeeded: There is no episode under way.
      ValueError: The action is no integer within the action space.
    """
    if self._is_over:
      raise gymnasium.error.ResetNeeded("step: the episode is over; call reset")
    timestep = self._environment.step(action)
    self._is_over = timestep.last()
    return (
      timestep.observation,
      float(timestep.reward),
      self._is_over and not timestep.discount,
      self._is_over and bool(timestep.discount),
      self._info(),
    )

  def render(self) -> np.ndarray | None:
    """The picture in colour; None unless `render_mode` asks for it."""
    return None if self.render_mode is None else self._environment.render()

  def close(self):
    """Ends it."""
    self._environment.close()

  def get_action_meanings(self) -> list[str]:
    """ALE's name of each action, which wrappers look for."""
    return self._environment.action_meanings

  @property
  def ale(self) -> types.SimpleNamespace:
    """What wrappers ask ale-py's own environments: `ale.lives()`."""
    return types.SimpleNamespace(lives=lambda: self._environment.lives)

  def __copy__(self):
    return copy.deepcopy(self)

  def _info(self) -> dict[str, Any]:
    return {
      "native_reward": float(self._environment.native_reward),
      "events": self._environment.events,
      "place": self._environment.place,
      "lives": self._environment.lives,
      "ram": self._environment.ram(),
    }


_ENTRY = f"{__name__}:GymnasiumEnvironment"
gymnasium.register("behavior_transfer/variant-v0", _ENTRY)  # any, by keyword
for _name in variants.names():
  gymnasium.register(
    f"behavior_transfer/{_name}-v0", _ENTRY, kwargs={"variant": _name}
  )
