"""A study: games x arms x seeds, as data, and the runs that it consists of."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping

from behavior_transfer import envs

from . import arms
from .arms import Flags
from .claims import Claim
from .scales import Scale


@dataclasses.dataclass(frozen=True)
class Study:
  """What is compared, and on what.

  Attributes:
    name: As in `--study`.
    title: What it shows.
    games: Tasks, names of games or variants.
    arms: Names of `arms.ARMS`.
    groups: Those that a panel sets beside one another; all, where none is said.
    fewer_arms: The only ones of them on some games, by name.
    seeds: Of each arm; a scale may have fewer.
    more_seeds: The same for some arms, by name.
    pretraining_shares: Budgets of pre-training, as shares of the scale's.
    pretrainings: Names of `arms.PRETRAININGS` to run, needed or not.
    pretraining_seeds: How many policies some of them make, by name, which the
      seeds of an arm take in turns; one, where nothing is said.
    frames: Of learning a task, where that is not the scale's to say.
    flags: Of its learners, beside the scale's.
    scale: Name of the one that it is for, where nothing else is asked for.
    claims: That it puts to the test.
  """

  name: str
  title: str
  games: tuple[str, ...]
  arms: tuple[str, ...]
  groups: tuple[tuple[str, ...], ...] = ()
  fewer_arms: Mapping[str, tuple[str, ...]] = dataclasses.field(
    default_factory=dict
  )
  seeds: int = 3
  more_seeds: Mapping[str, int] = dataclasses.field(default_factory=dict)
  pretraining_shares: tuple[float, ...] = (1.0,)
  pretrainings: tuple[str, ...] = ()
  pretraining_seeds: Mapping[str, int] = dataclasses.field(default_factory=dict)
  frames: int | None = None
  flags: Flags = dataclasses.field(default_factory=dict)
  scale: str = "laptop"
  claims: tuple[Claim, ...] = ()


@dataclasses.dataclass(frozen=True)
class Run:
  """One command of a study.

  Attributes:
    name: Of its folder, within the study's.
    program: That it is of.
    flags: Of the program; `{folder}` stands for the study's folder.
    frames: That it takes.
    game: That it plays.
    arm: Name of the arm, or of the pre-training, that it belongs to.
    seed: Of it.
    share: Of the scale's budget of pre-training that it transfers from, or
      pre-trains for.
    needs: Names of the runs that must be complete before it starts.
  """

  name: str
  program: str
  flags: Flags
  frames: int
  game: str
  arm: str
  seed: int
  share: float = 1.0
  needs: tuple[str, ...] = ()

  @property
  def command(self) -> tuple[str, ...]:
    """The program and its flags, as `fill_in` takes them."""
    flags = {**self.flags, "workdir": f"{{folder}}/{self.name}"}
    return (self.program, *(_flag(k, v) for k, v in flags.items()))

  def fill_in(self, folder: pathlib.Path) -> list[str]:
    """The program and its flags for a study's folder."""
    return [argument.format(folder=folder) for argument in self.command]

  def typed(self, folder: pathlib.Path) -> list[str]:
    """The same as a user would type it."""
    program, *arguments = self.fill_in(folder)
    return ["python", f"experiments/{program}", *arguments]


def plan(study: Study, scale: Scale) -> list[Run]:
  """The runs of a study at a scale, those that others need before them.

  The first seeds of all arms come first, so that a study that is cut short can
  be looked at.
  """
  runs: dict[str, Run] = {}
  if study.frames is not None:
    scale = dataclasses.replace(scale, frames=study.frames)
  for game in study.games:
    for name in study.pretrainings:
      run = _pretraining(scale, game, name, 1.0, seed=0)
      runs.setdefault(run.name, run)
    for name in study.fewer_arms.get(game, study.arms):
      for run in _runs(study, scale, game, arms.ARMS[name]):
        runs.setdefault(run.name, run)
  return sorted(runs.values(), key=lambda run: run.seed)


def _runs(
  study: Study, scale: Scale, game: str, arm: arms.Arm
) -> Iterator[Run]:
  """Runs of an arm on a game, and what they transfer from."""
  seeds = range(min(study.more_seeds.get(arm.name, study.seeds), scale.seeds))
  if arm.pretraining is None:
    for seed in seeds:
      yield _learning(study, scale, game, arm, seed)
    return
  num_policies = study.pretraining_seeds.get(arm.pretraining, 1)
  for share in study.pretraining_shares:
    for seed in seeds:
      pretraining = _pretraining(
        scale, game, arm.pretraining, share, seed % num_policies
      )
      yield pretraining
      yield _learning(study, scale, game, arm, seed, pretraining)


def _pretraining(
  scale: Scale, game: str, name: str, share: float, seed: int
) -> Run:
  """A policy for all tasks in the same game."""
  rom = envs.variant(game).game
  frames = round(share * scale.pretraining_frames)
  folder = f"pretraining/{rom}/{name}/{frames}"
  if seed:
    folder += f"@{seed}"
  flags = {
    "game": rom,
    **arms.PRETRAININGS[name].flags,
    **scale.flags,
    "seed": seed,
    "frames": frames,
  }
  return Run(folder, "run_ngu.py", flags, frames, rom, name, seed, share)


def _learning(
  study: Study,
  scale: Scale,
  game: str,
  arm: arms.Arm,
  seed: int,
  pretraining: Run | None = None,
) -> Run:
  folder = arm.name
  flags: dict = {"game": game, **arm.flags, **scale.flags, **study.flags}
  share = 1.0
  needs: tuple[str, ...] = ()
  if pretraining is not None:
    share, needs = pretraining.share, (pretraining.name,)
    flags["pretrained"] = "{folder}/" + pretraining.name
    if share != 1:
      folder += f"@{pretraining.frames}"
  flags.update(seed=seed, frames=scale.frames)
  name, frames = f"{game}/{folder}/{seed}", scale.frames
  return Run(
    name, arm.program, flags, frames, game, arm.name, seed, share, needs
  )


def _flag(name: str, value: object) -> str:
  if isinstance(value, bool):
    return f"--{name}" if value else f"--no{name}"
  return f"--{name}={value}"
