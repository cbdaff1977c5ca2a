"""Tells of games and their variants, and checks what decoders say.

  python experiments/games.py list
  python experiments/games.py show hero_hard
  python experiments/games.py show mine.toml
  python experiments/games.py verify hero
  python experiments/games.py verify --all --frames=200000

`verify` plays at random and holds, at each emulator frame, the native values of
the decoded events against what ALE pays. Exit code 1: a frame is unexplained,
and a picture of it was written.
"""

import pathlib
import time
from collections.abc import Sequence

import imageio.v3 as imageio
from absl import flags

from behavior_transfer import envs
from behavior_transfer.envs import decoders, verification
from behavior_transfer.experiments import cli, workdirs

_ALL = flags.DEFINE_bool(
  "all", False, "Verify every decoder.", module_name="program"
)
_FRAMES = flags.DEFINE_integer(
  "frames",
  200_000,
  "Emulator frames of play to verify each with.",
  lower_bound=1,
  module_name="program",
)
_SEED = flags.DEFINE_integer(
  "seed", 0, "Of that play.", lower_bound=0, module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output",
  "unexplained_{game}.png",
  "Picture of the first frame that is not accounted for.",
  module_name="program",
)
_COMMANDS = ("list", "show NAME", "verify NAME")


def print_variants():
  """A line for each variant with rewards of events, then the other games."""
  variants = [envs.variant(name) for name in envs.names()]
  for variant in variants:
    if variant.rewards is not None:
      paying = [f"{e} {v:g}" for e, v in variant.rewards.items() if v]
      print(f"{variant.name:16} {variant.game:12} {', '.join(paying)}")
  native = [v.name for v in variants if v.rewards is None]
  print(f"\nand {len(native)} games with their native rewards:")
  print(", ".join(native))


def print_variant(variant: envs.Variant):
  """Its events with what they pay, its conditions, and the known cells."""
  print(f"{variant.name}: {variant.game}")
  if variant.events:
    print(f"\n{'event':16} {'native':>8} {'here':>8}")
  for event, known in variant.events.items():
    here = variant.reward({event: 1})
    print(f"{event:16} {known.native_value:8g} {here:8g}  {known.description}")
  conditions = variant.conditions
  for event, cap in conditions.caps.items():
    print(f"{event} pays {cap} times an episode at most")
  for kind, reward in conditions.visits.items():
    print(f"the first visit to a {kind} pays {reward:g}")
  if conditions.shaping is not None:
    print(conditions.shaping)
  if conditions.ends_on:
    print(f"ends on {', '.join(conditions.ends_on)}")
  if variant.decoder is not None:
    print(f"\nROM {variant.decoder.rom_md5}\n{'cell':16} {'RAM':>8}")
    for name, address in variant.decoder.cells.items():
      print(f"{name:16} {address:8}")


def verify(names: Sequence[str]) -> bool:
  """Prints a line for each game; whether all is accounted for."""
  explained = True
  for name in names:
    decoder = envs.decoder(name)
    output = workdirs.writable(
      pathlib.Path(_OUTPUT.value.replace("{game}", name))
    )
    start = time.perf_counter()
    account = verification.verify(
      decoder, verification.random_actions(_FRAMES.value, _SEED.value)
    )
    rate = account.frames / (time.perf_counter() - start)
    events = ", ".join(f"{e} {n}" for e, n in account.events.most_common())
    print(f"{name}: {account.frames:,} frames, {rate:,.0f}/s; {events}")
    failure = account.failure
    if failure is not None:
      explained = False
      imageio.imwrite(output, failure.screen)
      print(
        f"  frame {failure.frame}: ALE paid {failure.paid}, events"
        f" {failure.events}; see {output}"
      )
  return explained


def main(arguments: Sequence[str]) -> int:
  """Obeys the command; 1 where a frame is not accounted for."""
  with cli.user_input():
    match arguments:
      case ["list"]:
        print_variants()
      case ["show", name]:
        print_variant(envs.variant(name))
      case ["verify", *names] if bool(names) != _ALL.value:
        games = names or sorted(decoders.DECODERS)
        for name in games:
          envs.decoder(name)
        return 0 if verify(games) else 1
      case _:
        raise ValueError(
          f"got {' '.join(arguments) or 'no command'}; allowed:"
          f" {', '.join(_COMMANDS)}, verify --all"
        )
  return 0


if __name__ == "__main__":
  cli.run_command(main)
