"""Fills a replay with noise, which does not compress, from one long episode.

  python -m tests.agents.fill_replay

The last line of output is JSON: the memory of the process when half of the
table is full, when all of it is, and when half of it has been replaced; and
what all of it is said to take.
"""

import json
import os
from pathlib import Path

import dm_env
import numpy as np
import reverb
from acme import specs

from behavior_transfer.agents import r2d2, sequences
from tests.agents import helpers, toys

SIZE = 600
# Sequences as in the paper.
CONFIG = r2d2.R2D2Config(
  min_replay_size=1, max_replay_size=SIZE, replay_ratio=None
)


class Noise(toys.Corridor):
  """Frames of the usual size that have nothing in common; it never ends."""

  def __init__(self):
    super().__init__()
    self._rng = np.random.default_rng(0)

  def observation_spec(self):
    return specs.BoundedArray((84, 84, 1), np.uint8, 0, 255)

  def step(self, action):
    return dm_env.transition(np.float32(0.0), self._observation())

  def _observation(self):
    return self._rng.integers(0, 256, (84, 84, 1), dtype=np.uint8)


def resident_bytes():
  pages = int(Path("/proc/self/statm").read_text().split()[1])
  return pages * os.sysconf("SC_PAGE_SIZE")


def main():
  environment = Noise()
  spec = specs.make_environment_spec(environment)
  builder = r2d2.R2D2Builder(CONFIG)
  policy = builder.make_policy(r2d2.make_networks(spec, helpers.TINY), spec)
  server = reverb.Server(builder.make_replay_tables(spec, policy))
  client = reverb.Client(f"localhost:{server.port}")
  adder = builder.make_adder(client, spec, policy)
  extras = helpers.extras_of_a_step(policy)
  adder.add_first(environment.reset())
  resident = []
  for _ in range(3):
    for _ in range(SIZE // 2 * CONFIG.sequence_period):
      adder.add(0, environment.step(0), extras)
    resident.append(resident_bytes())
  assert client.server_info()["replay"].current_size == SIZE
  item = sequences.item_spec(spec, policy, CONFIG)
  estimate = sequences.replay_bytes(item, CONFIG)
  print(json.dumps({"resident": resident, "estimate": estimate}))


if __name__ == "__main__":
  main()
