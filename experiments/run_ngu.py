"""Trains Never Give Up on an Atari game: by default without any task reward.

python experiments/run_ngu.py --game=hero
python experiments/run_ngu.py --game=hero --intrinsic_reward=rnd
python experiments/run_ngu.py --game=hero_hard --nounsupervised

What it writes is what `run_bt.py --pretrained=` takes. The scores that it logs
are the game's and its variants', none of which it sees unless with the last.
"""

from behavior_transfer.agents import ngu
from behavior_transfer.experiments import (
  cli,
  option_flags,
  run_flags,
  training,
)

_ENVIRONMENT = option_flags.define_environment()
_CONFIG = run_flags.define_config(ngu.NGUConfig)


def _make_agent(run: run_flags.RunSettings) -> training.Agent:
  spec, _ = run.task.describe()
  settings = run_flags.read_config(ngu.NGUConfig, _CONFIG, run)
  config = ngu.NGUConfig(**{k: s.value for k, s in settings.items()})

  def make_networks(spec):
    return ngu.make_networks(spec, run.network, config=config)

  make_networks(spec)  # says what does not fit, early
  return training.Agent(
    name="ngu",
    settings=settings,
    config=config,
    describe=ngu.make_agent,
    make_builder=lambda: ngu.NGUBuilder(config),
    network_factory=make_networks,
  )


if __name__ == "__main__":
  cli.run(lambda: training.main("ngu", _ENVIRONMENT, _make_agent))
