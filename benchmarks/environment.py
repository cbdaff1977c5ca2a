"""What decoding costs, and the environment against ale-py's own in C++.

  python benchmarks/environment.py

Everything on one core, at random. ale-py's vector environment repeats actions,
takes the maximum of two screens and makes 84 x 84 of them as ours does; it is
given one environment, no stack and no start on a button.
"""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
from ale_py import vector_env

from behavior_transfer import envs
from behavior_transfer.benchmarks import comparisons, crowd, timing
from behavior_transfer.envs import console, decoders, recordings

_GAMES = ("hero", "ms_pacman")


def _theirs(
  game: str, stack: contextlib.ExitStack
) -> tuple[Callable[[], object], int]:
  environment = vector_env.AtariVectorEnv(
    game,
    1,
    num_threads=1,
    full_action_space=True,
    stack_num=1,
    reward_clipping=False,
    use_fire_reset=False,
  )
  stack.callback(environment.close)
  rng = np.random.default_rng(0)
  environment.reset(seed=0)

  def step():
    environment.step(rng.integers(18, size=1))

  return step, 1


def _decoding(game: str) -> comparisons.Comparison:
  """All frames of the recording: decoded, and emulated."""
  path = recordings.bundled(game)
  assert path is not None
  actions = recordings.load(path, game)
  ale, decode = console.switch_on(game), envs.decoder(game).decode
  frames = list(console.play(ale, actions))

  def decode_all():
    for frame in frames:
      decode(frame.before, frame.after)

  def emulate_all():
    ale.reset_game()
    for action in actions:
      ale.act(int(action))

  rates = comparisons.rates(
    {"ours": (decode_all, len(frames)), "theirs": (emulate_all, len(frames))},
    *(0.1, 1),
  )
  return comparisons.Comparison(
    f"decoding a frame of {game} / emulating it",
    *("us", 1e6 / rates["ours"], 1e6 / rates["theirs"]),
    at_most=0.03,
  )


def measure() -> Iterator[comparisons.Comparison]:
  """A variant against its game, ours against ale-py's, and every decoder."""
  for game in _GAMES:
    with contextlib.ExitStack() as stack:
      ours, bare = envs.make(f"{game}_hard", seed=0), envs.AtariEnvironment
      rates = comparisons.rates(
        {
          "variant": crowd.at_random(ours, stack),
          "game": crowd.at_random(bare(game, seed=0), stack),
          "ale-py": _theirs(game, stack),
        },
        warm_up=timing.WARM_UP,
      )
    yield comparisons.Comparison(
      f"a step of {game}_hard / of {game}, nothing decoded",
      *("us", 1e6 / rates["variant"], 1e6 / rates["game"]),
      at_most=1.05,
    )
    yield comparisons.Comparison(
      f"{game}_hard / ale-py's vector environment",
      *("steps/s", rates["variant"], rates["ale-py"]),
      at_least=0.9,
    )
  yield from map(_decoding, sorted(decoders.DECODERS))


if __name__ == "__main__":
  comparisons.run(measure, cores=1)
