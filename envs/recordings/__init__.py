"""Recorded play: a game's actions, from a console just switched on.

A file holds `actions`, uint8, each for `action_repeat` emulator frames, and
`rom_md5`, the ROM that they were played on. Without sticky actions the console
is deterministic, so that they are all there is to play.
"""

import pathlib
import zipfile

import numpy as np

from behavior_transfer.envs import console

SUFFIX = ".npz"


def bundled(game: str) -> pathlib.Path | None:
  """The recording of a game that comes with the package, if there is one."""
  path = pathlib.Path(__file__).with_name(game + SUFFIX)
  return path if path.exists() else None


def load(path: str | pathlib.Path, game: str) -> np.ndarray:
  """ALE's numbers of the actions, uint8, one per emulator frame.

  Raises:
    OSError: The file cannot be read.
    ValueError: It is no recording, or one of another ROM.
  """
  try:
    with np.load(path) as data:
      rom_md5, repeat = str(data["rom_md5"]), int(data["action_repeat"])
      actions = np.repeat(data["actions"].astype(np.uint8), repeat)
  except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
    raise ValueError(f"{path}: no recording ({error})") from None
  if rom_md5 != console.rom_md5(game):
    raise ValueError(
      f"{path}: got a recording of the ROM with MD5 {rom_md5}; allowed:"
      f" {console.rom_md5(game)}, which is {game!r}"
    )
  return actions


def save(
  path: pathlib.Path, game: str, actions: np.ndarray, action_repeat: int = 1
):
  """Writes a recording; it has its name only once it is complete.

  Args:
    path: Ends in .npz.
    game: Name of the ROM in ale-py.
    actions: ALE's numbers.
    action_repeat: Emulator frames that each lasted.
  """
  partial = path.with_name(f".partial-{path.name}")
  np.savez_compressed(
    partial,
    actions=np.asarray(actions, np.uint8),
    action_repeat=action_repeat,
    rom_md5=console.rom_md5(game),
  )
  partial.replace(path)
