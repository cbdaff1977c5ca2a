"""Runs an experiment as a Launchpad program: in threads, processes, or on Ray.

Launchpad's own launchers end a program at its first failure and start nothing
again, so that its nodes, handles and commands are used here, and its nodes are
run by a supervisor of ours.
"""

import contextlib
import pathlib
from collections.abc import Sequence

import launchpad as lp
from launchpad import context
from launchpad.nodes.python import local_multi_processing

from . import processes, program, signals, supervisor, threads
from .coordinator import Coordinator
from .experiment import ServedExperiment

THREADS = context.LaunchType.LOCAL_MULTI_THREADING.value
PROCESSES = context.LaunchType.LOCAL_MULTI_PROCESSING.value
RAY = "ray"


def run(
  experiment: ServedExperiment,
  launch_type: str,
  log_folder: pathlib.Path,
  learner_gpus: str | None = None,
) -> int:
  """Runs an experiment to its end, from its newest checkpoint if it has one.

  The first SIGTERM or Ctrl-C has the learner write a checkpoint and ends the
  run; a second one kills.

  Args:
    experiment: What to run. Its parts must be picklable by cloudpickle; on Ray,
      paths in it must be absolute and the same for all machines.
    launch_type: `THREADS`, `PROCESSES` or `RAY`.
    log_folder: Where processes write their output.
    learner_gpus: Numbers of the GPUs that the learner uses, separated by
      commas; None means all there are. On Ray, only how many they are matters.

  Returns:
    The exit code for the process: 0, 128 plus the number of the signal that
    ended the run, or 1 if something failed, which is then said.
  """
  log_folder.mkdir(parents=True, exist_ok=True)
  resumed = experiment.checkpointer.latest()
  coordinator = Coordinator(experiment, resumed)
  program_ = program.make_program(experiment, coordinator, resumed)
  workers: Sequence[supervisor.Worker]
  with contextlib.ExitStack() as stack:
    if launch_type == RAY:
      from . import cluster  # imports Ray, which is an extra

      num_nodes = len(program_.get_all_nodes())
      stack.enter_context(cluster.connection(num_nodes))
      workers = cluster.workers(
        program_, log_folder, learner_gpus, coordinator.say
      )
    elif launch_type == PROCESSES:
      _connect(program_, launch_type, learner_gpus)
      workers = _processes(program_, log_folder)
    else:
      _connect(program_, launch_type, learner_gpus)
      workers = _threads(program_)
    (told,) = program_.groups[program.COORDINATOR]
    threads.ThreadWorker(program.COORDINATOR, 0, told.function).start()
    stack.callback(coordinator.close)
    # So far there is nothing to save, and a signal simply ends the process.
    stop = stack.enter_context(signals.StopRequest())
    return supervisor.Supervisor(workers, coordinator, stop).run()


def _connect(program_: lp.Program, launch_type: str, learner_gpus: str | None):
  """Prepares the nodes as Launchpad's launchers do."""
  for group, nodes in program_.groups.items():
    environment = dict(processes.ONE_THREAD_ON_CPU)
    if group == program.LEARNER:
      environment = {}
      if learner_gpus is not None:
        environment["CUDA_VISIBLE_DEVICES"] = learner_gpus
    for node in nodes:
      node._initialize_context(
        context.LaunchType(launch_type),
        local_multi_processing.PythonProcess(env=environment),
      )
  for node in program_.get_all_nodes():
    node.bind_addresses()


def _threads(program_: lp.Program) -> list[threads.ThreadWorker]:
  return [
    threads.ThreadWorker(group, number, node.function)
    for group, nodes in program_.groups.items()
    if group != program.COORDINATOR
    for number, node in enumerate(nodes)
  ]


def _processes(
  program_: lp.Program, log_folder: pathlib.Path
) -> list[processes.ProcessWorker]:
  workers = []
  for group, nodes in program_.groups.items():
    if group == program.COORDINATOR:
      continue
    commands = nodes[0].to_executables(nodes, group, nodes[0].launch_context)
    workers += [
      processes.ProcessWorker(
        group,
        number,
        command.command_as_list,
        command.env_overrides,
        log_folder,
      )
      for number, command in enumerate(commands)
    ]
  return workers
