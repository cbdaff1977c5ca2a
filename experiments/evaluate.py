"""Plays a checkpoint by a fixed protocol and reports its returns.

  python experiments/evaluate.py --checkpoint=runs/bt_hero_hard_0
  python experiments/evaluate.py --checkpoint=scripted_hero --game=hero_easy
  python experiments/evaluate.py --checkpoint=random --game=maze_far

The policy acts as at evaluation: its own small epsilon, no flights, extra
actions on. Game and environment are those it was trained in, unless a flag
says otherwise; whatever was in force stands in the result. Episode k depends on
--seed and k alone, so that episodes can be played again one by one.
"""

import dataclasses
import datetime
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags

from behavior_transfer.agents import checkpoints, policies, pretrained
from behavior_transfer.experiments import (
  cli,
  compilation,
  option_flags,
  pretrained_policies,
  tasks,
  video,
  workdirs,
)
from behavior_transfer.experiments.studies import statistics
from behavior_transfer.launch import episodes as episodes_lib

_CHECKPOINT = flags.DEFINE_string(
  "checkpoint",
  None,
  "A checkpoint, a workdir (its newest one), module:function, or bundled:"
  f" {', '.join(pretrained_policies.BUNDLED)}.",
  module_name="program",
)
_GAME = flags.DEFINE_string(
  "game",
  None,
  "Variant to play, of those that `games.py list` names, or a file; by default"
  " the one it was trained on.",
  module_name="program",
)
_EPISODES = cli.define_integer(
  "episodes", 30, "Episodes to play.", lower_bound=1, module_name="program"
)
_SEED = cli.define_integer(
  "seed",
  0,
  "Everything random follows from it.",
  lower_bound=0,
  module_name="program",
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "JSON file for the result.", module_name="program"
)
_VIDEO = flags.DEFINE_string(
  "video",
  None,
  "Video of the first episode, .gif or .mp4.",
  module_name="program",
)
_ENVIRONMENT = option_flags.define_environment()

_FEWEST = 10  # episodes of which an interval means something


class Player(NamedTuple):
  """A policy, what it plays, and how that is put on record."""

  policy: policies.PretrainedPolicy
  task: tasks.Task
  protocol: Mapping[str, Any]


def load(name: str, game: str | None, options: Mapping[str, Any]) -> Player:
  """Loads a policy for the game and the environment that it was trained in.

  Args:
    name: What to load, as in `--checkpoint`.
    game: Variant; None means the one it was trained on.
    options: Of the environment, where they differ from those in training.

  Raises:
    ValueError: The policy is missing, damaged, or does not fit.
  """
  full_name = pretrained_policies.full_name(name)
  manifest: Mapping[str, Any] = {}
  if pretrained.is_path(full_name):
    path = checkpoints.resolve(full_name)
    full_name, manifest = str(path), checkpoints.read_manifest(path)
  game = game or manifest.get("game")
  if game is None:
    raise ValueError(f"{name} was trained on no game of ours; give --game")
  options = {**manifest.get("environment", {}), **options}
  task = tasks.Task(game, tasks.EnvironmentOptions(**options))
  loaded = pretrained_policies.load([full_name], task)
  for line in pretrained_policies.of_other_games(loaded, game):
    print(line)
  protocol = {
    "policy": loaded.names[0],
    **{key: manifest.get(key) for key in ("agent", "frames", "learner_steps")},
    "trained_on": manifest.get("game"),
    "game": game,
    "epsilon": manifest.get("config", {}).get("eval_epsilon"),
    **dataclasses.asdict(task.options),
  }
  return Player(loaded.policies[0], task, protocol)


def evaluate(
  player: Player, *, episodes: int, seed: int, video_path: pathlib.Path | None
) -> dict[str, Any]:
  """Plays episodes.

  Args:
    player: Who plays what.
    episodes: How many to play.
    seed: Everything random follows from it.
    video_path: Where the first episode is filmed.

  Returns:
    Protocol, summary and episodes, as plain JSON values.
  """
  policy, task, protocol = player
  seeds = np.random.SeedSequence(seed).generate_state(episodes).tolist()
  act = jax.jit(policy.select_action)
  rows = []
  for index, episode_seed in enumerate(seeds):
    film = None
    if index == 0 and video_path is not None:
      film = video.Video(video_path, task.game, task.options.action_repeat)
    rows.append(_play(policy, act, task, episode_seed >> 1, film))
    print(
      f"episode {index + 1}/{episodes}: return"
      f" {rows[-1]['episode_return']:,.1f}",
      flush=True,
    )
  return {
    "protocol": {**protocol, "episodes": episodes, "seed": seed},
    "created": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    "summary": {
      key: _summary([row[key] for row in rows])
      for key in rows[0]
      if key != "seed"
    },
    "episodes": rows,
  }


def _play(
  policy: policies.PretrainedPolicy,
  act: Callable,
  task: tasks.Task,
  seed: int,
  film: video.Video | None,
) -> dict[str, float]:
  """Plays one episode."""
  statistics = episodes_lib.EpisodeStatistics(tasks.make_observers("eval"))
  state = policy.init(jax.random.PRNGKey(seed))
  total = 0.0
  with task.make(seed) as environment:
    timestep = environment.reset()
    statistics.begin(environment, timestep)
    while not timestep.last():
      action, state = act(timestep.observation, state)
      timestep = environment.step(int(action))
      who = {k: float(v) for k, v in policy.telemetry(state).items()}
      statistics.step(environment, timestep, action, who)
      total += float(timestep.reward)
      if film is not None:
        film.add(environment, int(action), total, who.get("extra_action", 0.0))
  if film is not None:
    film.close()
  return {"seed": seed, **statistics.episode().row}


def _summary(values: list[float]) -> dict[str, Any]:
  """Mean, deviation, and a 95% bootstrap interval of the mean."""
  interval = None
  if len(values) >= _FEWEST:
    _, *interval = statistics.mean([values])
  return {
    "mean": float(np.mean(values)),
    "standard_deviation": np.std(values, ddof=1) if len(values) > 1 else None,
    "interval_95": interval,
  }


def print_table(result: Mapping[str, Any]):
  """Prints the summary."""
  protocol = result["protocol"]
  print(
    f"\n{protocol['policy']} on {protocol['game']}, {protocol['episodes']}"
    f" episodes, seed {protocol['seed']}, epsilon {protocol['epsilon']}"
  )
  head = "95% interval of the mean"
  if protocol["episodes"] < _FEWEST:
    head = f"(for a 95% interval: --episodes={_FEWEST} or more)"
  print(f"{'':24}{'mean':>12}{'std':>12}   {head}")
  for name, values in result["summary"].items():
    deviation, interval = values["standard_deviation"], values["interval_95"]
    print(
      f"{name:24}{values['mean']:12,.3f}"
      f"{'-' if deviation is None else format(deviation, ',.3f'):>12}"
      + (f"   {interval[0]:,.3f} .. {interval[1]:,.3f}" if interval else "")
    )


def main():
  """Reads the flags, plays and reports."""
  with cli.user_input():
    if _CHECKPOINT.value is None:
      raise ValueError("--checkpoint is missing")
    player = load(
      _CHECKPOINT.value, _GAME.value, option_flags.given(_ENVIRONMENT)
    )
    output = _OUTPUT.value and workdirs.writable(pathlib.Path(_OUTPUT.value))
    film = _VIDEO.value and workdirs.writable(pathlib.Path(_VIDEO.value))
    if film:
      video.check_format(film)
  compilation.keep_compiled()
  result = evaluate(
    player,
    episodes=_EPISODES.value,
    seed=_SEED.value,
    video_path=film or None,
  )
  print_table(result)
  if output:
    workdirs.write_json(output, result)
    print(f"result: {output}")
  if film:
    print(f"video: {film}")


if __name__ == "__main__":
  cli.run(main)
