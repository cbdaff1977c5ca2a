"""A learner on two devices learns what it learns on one."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from tests.agents import learn_on_devices

ROOT = Path(__file__).parents[2]
TIME_LIMIT = 1500  # seconds; nearly all of it compiles


@pytest.fixture(scope="module")
def on_one():
  """What is learned here, on one device."""
  assert jax.local_device_count() == 1
  return learn_on_devices.learn()


@pytest.fixture(scope="module")
def on_two(tmp_path_factory):
  """The same of a process with two, which looks where its arrays are."""
  output = tmp_path_factory.mktemp("learned") / "on_two.npz"
  flags = os.environ.get("XLA_FLAGS", "")
  subprocess.run(
    [sys.executable, "-m", "tests.agents.learn_on_devices", output],
    cwd=ROOT,
    env={
      **os.environ,
      "JAX_PLATFORMS": "cpu",
      "XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count=2",
    },
    timeout=TIME_LIMIT,
    check=True,
  )
  with np.load(output) as facts:
    return dict(facts)


def of_agent(facts, agent, what):
  """{path: array} of the facts whose path starts like this."""
  return {
    path: x for path, x in facts.items() if path.startswith(f"{agent} ['{what}")
  }


@pytest.mark.parametrize("agent", learn_on_devices.AGENTS)
def test_two_devices_learn_what_one_does(agent, on_one, on_two):
  for what in ("start", "policy", "state", "priorities", "metrics"):
    expected = of_agent(on_one, agent, what)
    given = of_agent(on_two, agent, what)
    assert expected and given.keys() == expected.keys()
    # The same float32 sums in another order: of a thousand terms, they may be
    # off by some sixteen roundings of 6e-8. The most seen was 2e-7.
    for path, x in expected.items():
      np.testing.assert_allclose(
        given[path], x, rtol=1e-6, atol=1e-6, err_msg=path
      )
  # Not so close only because little was learned.
  start = of_agent(on_one, agent, "start").values()
  policy = of_agent(on_one, agent, "policy").values()
  moved = [np.abs(x - y).max() for x, y in zip(start, policy, strict=True)]
  assert min(moved) > 1e-2


@pytest.mark.parametrize("agent", learn_on_devices.AGENTS)
def test_replay_keys_never_see_a_device(agent, on_two):
  keys = of_agent(on_two, agent, "keys").values()
  assert {int(key) for key in keys} == {2**64 - 1 - i for i in range(4)}


@pytest.mark.parametrize("agent", learn_on_devices.AGENTS)
def test_each_device_does_its_part_only(agent, on_one, on_two):
  """Were frames gathered for the convolutions, both would do those of all."""
  (whole,) = of_agent(on_one, agent, "flops").values()
  (part,) = of_agent(on_two, agent, "flops").values()
  # Half of what the batch costs, and all of what the parameters do.
  assert part < 0.6 * whole


def test_a_batch_that_the_devices_cannot_share_is_refused(on_two):
  assert str(on_two["refusal"]) == (
    "batch_size is 3; it must be a multiple of 2, the number of devices to "
    "learn on"
  )


def test_one_device_takes_any_batch():
  assert learn_on_devices.refusal(3) is None
