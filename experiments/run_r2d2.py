"""Trains R2D2 on an Atari game, native or modded.

python experiments/run_r2d2.py --game=hero_hard
python experiments/run_r2d2.py --game=pong --exploration=ez_greedy
"""

from behavior_transfer.agents import r2d2
from behavior_transfer.experiments import (
  cli,
  option_flags,
  run_flags,
  training,
)

_ENVIRONMENT = option_flags.define_environment()
_CONFIG = run_flags.define_config(r2d2.R2D2Config)


def _make_agent(run: run_flags.RunSettings) -> training.Agent:
  spec, _ = run.task.describe()
  settings = run_flags.read_config(r2d2.R2D2Config, _CONFIG, run)
  config = r2d2.R2D2Config(**{k: s.value for k, s in settings.items()})
  r2d2.make_networks(spec, run.network)  # says what does not fit, early
  return training.Agent(
    name="r2d2",
    settings=settings,
    config=config,
    describe=r2d2.make_agent,
    make_builder=lambda: r2d2.R2D2Builder(config),
    network_factory=lambda spec: r2d2.make_networks(spec, run.network),
  )


if __name__ == "__main__":
  cli.run(lambda: training.main("r2d2", _ENVIRONMENT, _make_agent))
