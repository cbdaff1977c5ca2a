"""The builders are Acme's: its signatures, and its own runners run them.

That is dm-acme 0.4.0, which requirements.lock has. The signatures are those of
the Acme that later stood on GitHub, too.
"""

import inspect
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import reverb

from behavior_transfer.agents import (
  acme_compat,
  bt,
  learning,
  ngu,
  r2d2,
)
from behavior_transfer.agents.acme import learner

# After the package, which makes Acme importable.
from acme.agents.jax import builders  # isort: skip
from acme.utils import counting, loggers  # isort: skip

ROOT = Path(__file__).parents[2]
BUILDERS = [r2d2.R2D2Builder, bt.BTBuilder, ngu.NGUBuilder]

RUNNERS = ["local_layout", "distributed_layout"]
TIME_LIMIT = 1500  # seconds for all agents by one runner

# Copied from ActorLearnerBuilder in acme/agents/jax/builders.py of
# github.com/google-deepmind/acme at commit 882fb08, without annotations.
LATER_SIGNATURES = {
  "make_replay_tables": "(self, environment_spec, policy)",
  "make_dataset_iterator": "(self, replay_client)",
  "make_adder": "(self, replay_client, environment_spec, policy)",
  "make_actor": (
    "(self, random_key, policy, environment_spec, variable_source=None, "
    "adder=None)"
  ),
  "make_learner": (
    "(self, random_key, networks, dataset, logger_fn, environment_spec, "
    "replay_client=None, counter=None)"
  ),
  "make_policy": "(self, networks, environment_spec, evaluation=False)",
}


def signature(owner, method):
  """Names, order, kinds and defaults of a method's arguments."""
  bare = inspect.signature(getattr(owner, method)).replace(
    return_annotation=inspect.Signature.empty
  )
  return str(
    bare.replace(
      parameters=[
        argument.replace(annotation=inspect.Parameter.empty)
        for argument in bare.parameters.values()
      ]
    )
  )


@pytest.mark.parametrize("method", LATER_SIGNATURES)
@pytest.mark.parametrize("builder", BUILDERS)
def test_methods_have_the_signatures_of_later_acme(builder, method):
  assert signature(builder, method) == LATER_SIGNATURES[method]


@pytest.mark.parametrize("builder", [*BUILDERS, acme_compat.Acme040Builder])
def test_builders_are_what_both_acmes_call_a_builder(builder):
  assert issubclass(builder, builders.GenericActorLearnerBuilder)
  assert not builder.__abstractmethods__


def test_the_adapters_methods_have_the_signatures_of_the_installed_acme():
  builder = acme_compat.Acme040Builder
  base = builders.GenericActorLearnerBuilder
  methods = {name for name in vars(base) if name.startswith("make_")}
  assert methods >= base.__abstractmethods__
  for method in methods:
    assert signature(builder, method) == signature(base, method), method


def batch(keys):
  info = SimpleNamespace(key=keys, probability=np.ones(len(keys)))
  return reverb.ReplaySample(info=info, data=None)


def make_learner(dataset, counter, priorities):
  """A learner whose core learns nothing, and a replay that notes its calls."""
  return learner.Learner(
    learning.LearnerCore(
      init=lambda params: learning.TrainingState(params, params, params, (), 0),
      step=lambda state, data, probability: (
        state._replace(steps=state.steps + 1),
        learning.LossOutput(np.full(len(probability), 0.5), {}),
      ),
      variables=lambda state: {"policy": state.acting_params},
    ),
    params={"w": np.ones(3)},
    batch_size=2,
    dataset=dataset,
    logger=loggers.NoOpLogger(),
    counter=counter,
    replay_client=SimpleNamespace(
      mutate_priorities=lambda table, updates: priorities.update(updates)
    ),
    replay_table_name="replay",
  )


def test_a_learner_step_takes_one_batch_and_counts_as_acmes_learners_do():
  dataset = iter([batch(np.uint64([2**63 + k, 1])) for k in range(5)])
  counter, priorities = counting.Counter(prefix="learner"), {}
  learner_ = make_learner(dataset, counter, priorities)
  for _ in range(3):
    learner_.step()
  assert len(list(dataset)) == 2
  assert counter.get_counts()["learner_steps"] == 3
  assert priorities == dict.fromkeys([2**63, 2**63 + 1, 2**63 + 2, 1], 0.5)
  (params,) = learner_.get_variables(["policy"])
  assert isinstance(params["w"], np.ndarray)
  assert learner_.save().steps == 3


def test_replay_keys_that_a_device_has_cut_short_are_refused():
  learner_ = make_learner(iter([batch(np.uint32([1, 2]))]), None, {})
  with pytest.raises(TypeError, match="uint32; they must stay uint64"):
    learner_.step()


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
  """Variables of a home folder of its own, since Acme writes to that."""
  return {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.mark.parametrize("runner", RUNNERS)
def test_acmes_runner_learns_with_each_builder(runner, environment, tmp_path):
  ran = run_by_acme(runner, environment, tmp_path / "output")
  assert ran.keys() == {"r2d2", "bt", "ngu"}
  for agent, facts in ran.items():
    assert facts["sgd_steps"] >= 10, agent
    assert facts["learner_steps"] >= 10, agent
    assert facts["actor_steps"] >= 50, agent
    assert facts["parameters_changed"], agent
    assert facts["parameters_are_finite"], agent
    if runner == "local_layout":
      assert facts["restored"], agent
    else:
      assert facts["evaluator_episodes"] >= 1, agent


def run_by_acme(runner, environment, output):
  """Runs `run_by_acme.py`; no process of it is left, whatever happens."""
  with output.open("wb") as file:
    process = subprocess.Popen(
      [sys.executable, "-m", "tests.agents.run_by_acme", runner],
      cwd=ROOT,
      env=environment,
      stdout=file,
      stderr=subprocess.STDOUT,
      start_new_session=True,
    )
    try:
      process.wait(TIME_LIMIT)
    except subprocess.TimeoutExpired:
      pytest.fail(f"did not end; its output was\n{output.read_text()[-9000:]}")
    finally:
      if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
  assert process.returncode == 0, output.read_text()[-9000:]
  return json.loads(output.read_text().splitlines()[-1])
