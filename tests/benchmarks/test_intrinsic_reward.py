"""The benchmark of the reward measures what it says, on whatever machine."""

import pytest

from behavior_transfer.benchmarks import intrinsic_reward


def test_it_times_the_reward_against_the_network():
  row = intrinsic_reward.measure(num_environments=2, entries=1_000)
  parts = ("q_network", "reward", "reward_networks", "memory")
  assert all(row[f"{part}_ms"] > 0 for part in parts)
  ratio = row["reward_ms"] / row["q_network_ms"]
  assert row["ratio"] == pytest.approx(ratio)
