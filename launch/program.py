"""The Launchpad program of an experiment: its nodes, and who calls whom.

actor/0..N-1 --transitions--> replay --batches--> learner
     |  ^------parameters-------------------------|  |
     |                     evaluator <-parameters-|  |
     `--------episodes, counts--> coordinator <------'
"""

import dataclasses

import launchpad as lp
from launchpad.nodes.reverb import node as reverb_node

from . import roles
from .coordinator import Coordinator
from .experiment import Counts, History, ServedExperiment

COORDINATOR = "coordinator"
REPLAY = "replay"
LEARNER = "learner"
ACTOR = "actor"
EVALUATOR = "evaluator"


def make_program(
  experiment: ServedExperiment, coordinator: Coordinator, resumed: Counts | None
) -> lp.Program:
  """Builds the program.

  Args:
    experiment: The run; its parts go to other processes by cloudpickle.
    coordinator: Stays in this process.
    resumed: Counts of the newest checkpoint, None where there is none.

  Returns:
    A program with the groups that are named above, one node each but for the
    actors.
  """
  program = lp.Program("behavior_transfer")
  # What it has seen so far is of no use elsewhere.
  experiment = dataclasses.replace(experiment, history=History())
  told = program.add_node(lp.CourierNode(lambda: coordinator), COORDINATOR)
  address = lp.Address(reverb_node.REVERB_PORT_NAME)
  replay_node = lp.PyNode(roles.serve_replay, experiment, told, address)
  replay_node.allocate_address(address)
  program.add_node(replay_node, REPLAY)
  replay = reverb_node.ReverbHandle(address)
  learner = program.add_node(
    lp.CourierNode(roles.LearnerNode, experiment, resumed, told, replay),
    LEARNER,
  )
  for number in range(experiment.num_actors):
    program.add_node(
      lp.PyNode(roles.act, experiment, number, told, replay, learner), ACTOR
    )
  if experiment.evaluation_episodes > 0:
    program.add_node(
      lp.PyNode(roles.evaluate, experiment, told, learner), EVALUATOR
    )
  return program
