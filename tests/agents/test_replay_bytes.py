"""What replay takes: by hand, and by the memory of a process that fills one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from behavior_transfer.agents import bt, ngu, r2d2, sequences
from tests.agents import helpers

ROOT = Path(__file__).parents[2]
TIME_LIMIT = 1500  # seconds; a hundredth on an idle machine


def test_a_small_replay_by_hand():
  config = r2d2.R2D2Config(
    burn_in=2,
    trace_length=4,
    sequence_period=2,
    min_replay_size=1,
    max_replay_size=3,
  )
  nets = r2d2.make_networks(helpers.environment_spec(), helpers.TINY)
  spec = sequences.item_spec(
    helpers.environment_spec(), r2d2.make_policy(nets, config), config
  )
  # Rows 0-6, 2-8 and 4-10 of 6 x 6 pixels, action, reward, discount and valid;
  # three states of a previous action and 8 units.
  expected = 11 * (36 + 4 + 4 + 4 + 1) + 3 * (4 + 2 * 8 * 4)
  assert sequences.replay_bytes(spec, config) == expected == 743


@pytest.mark.parametrize(
  "agent, builder, config, extras",
  [
    (r2d2, r2d2.R2D2Builder, r2d2.R2D2Config(), 0),
    # choice, in_flight, one action of the pre-trained policy
    (bt, bt.BTBuilder, bt.BTConfig(), 4 + 1 + 4),
    # mixture_index, behaviour_probability
    (ngu, ngu.NGUBuilder, ngu.NGUConfig(), 4 + 4),
  ],
  ids=["r2d2", "bt", "ngu"],
)
def test_replay_of_the_papers_size_by_hand(agent, builder, config, extras):
  environment_spec = helpers.environment_spec(18, (84, 84, 1))
  policy = builder(config).make_policy(
    agent.make_networks(environment_spec, "paper"), environment_spec
  )
  spec = sequences.item_spec(environment_spec, policy, config)
  num_rows = 99_999 * 40 + 121
  row = 84 * 84 + 3 * 4 + 1 + extras
  state = 4 + 2 * 512 * 4
  expected = num_rows * row + 100_000 * state
  assert sequences.replay_bytes(spec, config) == expected
  if agent is r2d2:
    assert expected == 28_686_572_589


def test_a_full_replay_takes_what_was_said():
  filled = subprocess.run(
    [sys.executable, "-m", "tests.agents.fill_replay"],
    cwd=ROOT,
    # An array has its own pages then, which go when it goes. Otherwise what is
    # measured is how the heap is cut up, too: a fifth more.
    env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "16384"},
    stdout=subprocess.PIPE,
    timeout=TIME_LIMIT,
    check=True,
  )
  facts = json.loads(filled.stdout.splitlines()[-1])
  half_full, full, later = facts["resident"]
  # What is there once, the libraries and the queues, cancels out.
  growth = 2 * (full - half_full)
  # Rows that are not shared would take three times as much. Of 288 kB, Reverb
  # adds 11 for what it notes of a sequence; 1.034 to 1.047 was seen. What is on
  # its way, and so the rest, depends on what else the machine does.
  assert 0.9 < growth / facts["estimate"] < 1.3
  # Full is full; what grew on would take as much again.
  assert 2 * (later - full) < 0.4 * facts["estimate"]
