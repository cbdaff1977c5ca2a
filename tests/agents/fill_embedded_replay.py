"""Fills an embedded replay with frames that compress well.

  python -m tests.agents.fill_embedded_replay

Prints what the process takes and what replay says that it takes, each at two
times, in bytes.
"""

import json
import os
from pathlib import Path

import jax
import numpy as np

from behavior_transfer.agents.replay import cutter, frames, store, writer
from tests.agents import replay_toys as toys

CUT = cutter.Cutter(8, 16, 8)
SIDE = 84
NUM_ENVIRONMENTS = 100


def resident_bytes():
  pages = int(Path("/proc/self/statm").read_text().split()[1])
  return pages * os.sysconf("SC_PAGE_SIZE")


def main():
  replay = store.Replay(
    toys.spec(CUT.length, side=SIDE), CUT, 10**5, 1.0, 1, 0, float("inf")
  )
  fill = writer.Writer(
    replay,
    NUM_ENVIRONMENTS,
    toys.NUM_ENTRIES,
    lambda q, learned: np.ones(q.shape[1]),
  )
  recorders = [frames.FrameRecorder(CUT, 1) for _ in range(NUM_ENVIRONMENTS)]
  rng = np.random.default_rng(0)
  episode = toys.random_episode(rng, NUM_ENVIRONMENTS)
  rows = jax.tree.map(lambda x: x[:-1], episode.rows)
  observation = np.zeros((SIDE, SIDE, 1), np.uint8)
  for recorder in recorders:
    recorder.begin(observation)
  facts = {"resident": [], "told": []}
  for t in range(1, 1501):
    blocks = {}
    observation[t % SIDE, : t % 20] = rng.integers(256)
    for i, recorder in enumerate(recorders):
      observation[0, 0] = i
      if block := recorder.add(observation, False):
        blocks[i] = block
    fill.add(
      rows.action,
      rows.reward,
      rows.discount,
      rows.extras,
      episode.q[:-1],
      lambda: rows.recurrent_state,
      blocks,
      np.zeros(NUM_ENVIRONMENTS, bool),
      episode.q[:-1],
    )
    if t in (500, 1500):
      facts["resident"].append(resident_bytes())
      facts["told"].append(replay.num_bytes)
  print(json.dumps(facts))


if __name__ == "__main__":
  main()
