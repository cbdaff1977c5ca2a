"""Trains Behavior Transfer on an Atari game, native or modded.

python experiments/run_bt.py --game=hero_hard --pretrained=hero_ngu
python experiments/run_bt.py --game=hero_hard --pretrained=runs/r2d2_hero_0
"""

import pathlib

import jax
from absl import flags

from behavior_transfer.agents import bt
from behavior_transfer.experiments import (
  cli,
  option_flags,
  pretrained_policies,
  run_flags,
  training,
)

_PRETRAINED = flags.DEFINE_list(
  "pretrained",
  [],
  "Policies to transfer from, separated by commas. Each is a checkpoint or the"
  " workdir of a run, a function (observation, prev_action, state, rng) ->"
  " (action, state) as module:function, where the module may lie in the current"
  f" folder, or bundled: {', '.join(pretrained_policies.BUNDLED)}.",
  module_name="run",
)
_ENVIRONMENT = option_flags.define_environment()
_CONFIG = run_flags.define_config(bt.BTConfig)


def _make_agent(run: run_flags.RunSettings) -> training.Agent:
  spec, _ = run.task.describe()
  settings = run_flags.read_config(bt.BTConfig, _CONFIG, run)
  config = bt.BTConfig(**{k: s.value for k, s in settings.items()})
  if not _PRETRAINED.value:
    raise ValueError(
      "--pretrained is missing; try"
      f" --pretrained={next(iter(pretrained_policies.BUNDLED))}"
    )
  try:
    pretrained = pretrained_policies.load(
      _PRETRAINED.value, run.task, pathlib.Path(run.workdir)
    )
  except ValueError as error:
    raise ValueError(f"--pretrained: {error}") from error

  def make_networks(spec):
    return bt.make_networks(
      spec,
      run.network,
      pretrained=pretrained.policies,
      use_extra_action=config.use_extra_action,
    )

  initial_weights = _initial_weights(make_networks(spec), config)
  return training.Agent(
    name="bt",
    settings=settings,
    config=config,
    describe=bt.make_agent,
    make_builder=lambda: bt.BTBuilder(config),
    network_factory=make_networks,
    pretrained=pretrained,
    announcement=initial_weights,
  )


def _initial_weights(networks: bt.BTNetworks, config: bt.BTConfig) -> str:
  """What will be loaded; that it cannot be comes out before any work."""
  if config.initial_weights == "none":
    return ""
  key = jax.random.PRNGKey(0)
  return str(bt.initial_params(networks, config.initial_weights, key)[1])


if __name__ == "__main__":
  cli.run(lambda: training.main("bt", _ENVIRONMENT, _make_agent))
