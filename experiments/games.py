"""Tells of games and their variants, plays them, checks what decoders say.

  python experiments/games.py list
  python experiments/games.py show hero_hard
  python experiments/games.py play mine.toml
  python experiments/games.py watch mine.toml --recording=mine.npz
  python experiments/games.py probe breakout --event=life_lost
  python experiments/games.py verify hero --recording=mine.npz
  python experiments/games.py verify --all --frames=200000

`play` needs a screen, a keyboard and pygame, and records what you do. `watch`
films a recording, with events and both scores. `probe` lists the cells of
memory that change with an event: a decoder's, `life_lost` or `reward`. `verify`
holds, at each emulator frame, the native values of the decoded events against
what ALE pays. Exit code 1: a frame is unexplained, and a picture of it was
written; or the event to probe for never came.

Without `--recording`, the one that comes with the game is watched, probed and
verified; where there is none, play is random, and `verify` adds random play
also where there is one.
"""

import pathlib
import time
from collections.abc import Callable, Iterable, Sequence

import imageio.v3 as imageio
from absl import flags

from behavior_transfer import envs
from behavior_transfer.envs import (
  console,
  decoders,
  probing,
  recordings,
  verification,
)
from behavior_transfer.experiments import cli, playing, video, workdirs

_ALL = flags.DEFINE_bool(
  "all", False, "Verify every decoder.", module_name="program"
)
_RECORDING = flags.DEFINE_string(
  "recording", None, "Play of the game, by `play`.", module_name="program"
)
_EVENT = flags.DEFINE_string(
  "event", "reward", "To probe for.", module_name="program"
)
_FRAMES = cli.define_integer(
  "frames",
  200_000,
  "Emulator frames of random play; a film of it ends with the game.",
  lower_bound=1,
  module_name="program",
)
_SEED = cli.define_integer(
  "seed", 0, "Of that play.", lower_bound=0, module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output",
  None,
  "What `play` (NAME.npz), `watch` (NAME.mp4) and `verify`"
  " (unexplained_NAME.png) write.",
  module_name="program",
)
_COMMANDS = tuple(
  f"{command} NAME" for command in ("show", "play", "watch", "probe", "verify")
)
_SHOWN = 16  # cells, the most telling ones


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
  print(f"\na point of the native score pays {variant.native_weight:g}")
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


def watch(name: str):
  """Films a recording of a variant's game, or one game of random play."""
  output = _output(name, "{name}.mp4")
  video.check_format(output)
  game, total = envs.variant(name).game, 0.0
  ((source, actions),) = _plays(game)
  with envs.make(name, seed=0, noop_max=0, action_repeat=1) as environment:
    film = video.Video(output, name, action_repeat=1)
    timestep = environment.reset()
    for action in actions:
      if timestep.last():
        break
      timestep = environment.step(int(action))
      total += float(timestep.reward)
      film.add(environment, int(action), total, extra_action=0)
    film.close()
  print(f"{source}: return {total:,g}; {output}")


def probe(name: str) -> bool:
  """Prints the cells that change with an event; whether it came at all."""
  variant = envs.variant(name)
  game, decoder = variant.game, variant.decoder
  happens = _occurrence(decoder, _EVENT.value)
  ((_, actions),) = _plays(game)
  frames = console.play(console.switch_on(game), actions)
  count, changes = probing.probe(frames, happens)
  print(f"{game}: {count:,} frames with {_EVENT.value}")
  if not count:
    return False
  names = {a: n for n, a in decoder.cells.items()} if decoder else {}
  print(f"{'RAM':>4} {'then':>6} {'else':>6}  mostly")
  for address, then, otherwise, (before, after) in changes[:_SHOWN]:
    print(
      f"{address:4} {then:6.1%} {otherwise:6.1%}  {before:3} -> {after:3}"
      f"  {names.get(address, '')}"
    )
  return True


def verify(names: Sequence[str]) -> bool:
  """Prints a line for each play of a game; whether all is accounted for."""
  explained = True
  for name in names:
    output = _output(name, "unexplained_{name}.png")
    for source, actions in _plays(name, also_random=True):
      explained &= _verify(envs.decoder(name), source, actions, output)
  return explained


def _verify(
  decoder: envs.Decoder,
  source: str,
  actions: Iterable[int],
  output: pathlib.Path,
) -> bool:
  start = time.perf_counter()
  account = verification.verify(decoder, actions)
  rate = account.frames / (time.perf_counter() - start)
  events = ", ".join(f"{e} {n}" for e, n in account.events.most_common())
  print(
    f"{decoder.game}: {account.frames:,} frames, {source}, {rate:,.0f}/s;"
    f" {events}",
    flush=True,
  )
  failure = account.failure
  if failure is None:
    return True
  imageio.imwrite(output, failure.screen)
  print(
    f"  frame {failure.frame}: ALE paid {failure.paid}, events"
    f" {failure.events}; see {output}"
  )
  return False


def _plays(
  game: str, also_random: bool = False
) -> list[tuple[str, Iterable[int]]]:
  """What is played, and the actions: the recording that there is, or random."""
  path = _RECORDING.value or recordings.bundled(game)
  plays: list[tuple[str, Iterable[int]]] = []
  if path is not None:
    plays.append(("recording", recordings.load(path, game)))
  if not plays or (also_random and _RECORDING.value is None):
    actions = console.random_actions(_FRAMES.value, _SEED.value)
    plays.append(("random play", actions))
  return plays


def _occurrence(
  decoder: envs.Decoder | None, event: str
) -> Callable[[console.Frame], bool]:
  if event == "reward":
    return lambda frame: frame.paid != 0
  if event == "life_lost":
    return lambda frame: frame.life_lost
  if decoder is None:
    raise ValueError(f"event: got {event!r}; allowed: reward, life_lost.")
  decoder.native_value(event)
  return lambda frame: event in decoder.decode(frame.before, frame.after)


def _output(name: str, default: str) -> pathlib.Path:
  """Where to write; refused before any work."""
  path = _OUTPUT.value or default.replace("{name}", pathlib.Path(name).stem)
  return workdirs.writable(pathlib.Path(path))


def main(arguments: Sequence[str]) -> int:
  """Obeys the command; 1 where a frame is unexplained or an event absent."""
  with cli.user_input():
    match arguments:
      case ["list"]:
        print_variants()
      case ["show", name]:
        print_variant(envs.variant(name))
      case ["play", name]:
        output = _output(name, "{name}.npz")
        if output.suffix != recordings.SUFFIX:
          raise ValueError(f"{output}: a recording ends in .npz")
        playing.play(name, output)
      case ["watch", name]:
        watch(name)
      case ["probe", name]:
        return 0 if probe(name) else 1
      case ["verify", *names] if bool(names) != _ALL.value:
        games = [envs.variant(name).game for name in names]
        games = games or sorted(decoders.DECODERS)
        for name in games:
          envs.decoder(name)
        return 0 if verify(games) else 1
      case _:
        raise ValueError(
          f"got {' '.join(arguments) or 'no command'}; allowed:"
          f" list, {', '.join(_COMMANDS)}, verify --all"
        )
  return 0


if __name__ == "__main__":
  cli.run_command(main)
