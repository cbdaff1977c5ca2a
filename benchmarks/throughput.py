"""Agent steps per second of acting, by processes and environments in each.

  python benchmarks/throughput.py
  python benchmarks/throughput.py --agent=ngu --network=small

Actors step real games and write to a real replay, as in a run whose learner is
on another device: nothing learns, and nothing holds insertions up. Each process
keeps to one thread. The last columns say where its time goes; "x" is the
speed against one process with one environment, and the emulator alone is what
one process could do at most.
"""

import contextlib
import multiprocessing
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from behavior_transfer.benchmarks import runs, timing
from behavior_transfer.experiments import cli, tasks, workdirs
from behavior_transfer.launch import processes

_AGENT = flags.DEFINE_enum(
  "agent", "bt", ["r2d2", "ngu", "bt"], "Who acts.", module_name="program"
)
_NETWORK = flags.DEFINE_enum(
  "network", "paper", ["paper", "small"], "Its size.", module_name="program"
)
_GAME = flags.DEFINE_string(
  "game", "ms_pacman_hard", "What is played.", module_name="program"
)
_SECONDS = flags.DEFINE_float(
  "seconds", 10.0, "Of each measurement.", lower_bound=1, module_name="program"
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "JSON file for the figures.", module_name="program"
)
_PROCESSES = (1, 2)
_ENVIRONMENTS = (1, 8, 16, 32)
_TIMEOUT = 600.0  # seconds that one process waits for another


def _act(
  number: int,
  num_processes: int,
  address: str,
  what: tuple[str, str, str],
  seconds: float,
  barrier: Any,
  results: Any,
):
  """One process: measures each number of environments, beside the others."""
  import reverb

  from behavior_transfer.launch import parts

  agent, network, game = what
  task = tasks.Task(game, tasks.EnvironmentOptions())
  client = reverb.Client(address)
  for size in _ENVIRONMENTS:
    plan = runs.make_experiment(agent, network, task, size)
    design = parts.design(plan)
    # Never learns, but has parameters to give.
    learner = parts.make_learner(
      plan, design, iter(()), client, plan.logger_factory, None
    )
    with contextlib.ExitStack() as stack:
      _, loop = parts.make_training_loop(
        plan, design, client, learner, 0, stack, number, num_processes
      )
      for _ in range(20):  # compiles, and begins the episodes
        loop.step()
      before = dict(loop.seconds)
      barrier.wait(_TIMEOUT)
      start, steps = time.perf_counter(), 0
      while time.perf_counter() - start < seconds:
        loop.step()
        steps += size
      elapsed = time.perf_counter() - start
      shares = {k: (v - before[k]) / elapsed for k, v in loop.seconds.items()}
      results.put((size, steps / elapsed, shares))
      barrier.wait(_TIMEOUT)


def _emulator_alone(game: str, seconds: float) -> float:
  """Agent steps per second of one environment with random actions."""
  rng = np.random.default_rng(0)
  task = tasks.Task(game, tasks.EnvironmentOptions())
  with task.make(0) as environment:
    num_actions = environment.action_spec().num_values
    environment.reset()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
      environment.step(rng.integers(num_actions))
      steps += 1
    return steps / (time.perf_counter() - start)


def measure(
  num_processes: int, what: tuple[str, str, str], seconds: float
) -> list[dict[str, Any]]:
  """Figures of all numbers of environments in that many processes.

  Args:
    num_processes: Processes that act at the same time.
    what: Agent, network and game.
    seconds: Of each measurement.
  """
  from behavior_transfer.launch import parts

  agent, network, game = what
  task = tasks.Task(game, tasks.EnvironmentOptions())
  plan = runs.make_experiment(agent, network, task, size=1)
  context = multiprocessing.get_context("spawn")
  with contextlib.ExitStack() as stack:
    replay = parts.Replay(plan, parts.design(plan), stack)
    barrier, results = context.Barrier(num_processes), context.Queue()
    actors = [
      context.Process(
        target=_act,
        args=(
          number,
          num_processes,
          replay.client.server_address,
          what,
          seconds,
          barrier,
          results,
        ),
        daemon=True,
      )
      for number in range(num_processes)
    ]
    for actor in actors:
      actor.start()
    rows = []
    for size in _ENVIRONMENTS:
      figures = [results.get(timeout=_TIMEOUT) for _ in actors]
      assert all(figure[0] == size for figure in figures)
      rows.append(_row(num_processes, size, figures))
    for actor in actors:
      actor.join(_TIMEOUT)
  return rows


def _row(num_processes: int, size: int, figures: Sequence[Any]):
  shares = {
    f"{name}_share": float(np.mean([figure[2][name] for figure in figures]))
    for name in figures[0][2]
  }
  return {
    "processes": num_processes,
    "environments": size,
    "steps_per_second": sum(figure[1] for figure in figures),
    **shares,
  }


def main():
  """Measures all combinations and prints a table."""
  what = (_AGENT.value, _NETWORK.value, _GAME.value)
  with cli.user_input():
    output = _OUTPUT.value and workdirs.writable(pathlib.Path(_OUTPUT.value))
    tasks.Task(_GAME.value, tasks.EnvironmentOptions()).describe()
  os.environ.update(processes.ONE_THREAD_ON_CPU)
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  alone = _emulator_alone(_GAME.value, _SECONDS.value)
  print(f"{' '.join(what)}; the emulator alone: {alone:,.0f} steps/s")
  print(
    f"{'processes':>9} {'environments':>12} {'steps/s':>9} {'x':>6}"
    f" {'environment':>12} {'inference':>10} {'replay':>7}"
  )
  rows: list[dict[str, Any]] = []
  for num_processes in _PROCESSES:
    for row in measure(num_processes, what, _SECONDS.value):
      rows.append(row)
      row["ratio"] = row["steps_per_second"] / rows[0]["steps_per_second"]
      print(
        f"{row['processes']:9} {row['environments']:12}"
        f" {row['steps_per_second']:9,.0f} {row['ratio']:6.1f}"
        f" {row['environment_share']:12.0%} {row['inference_share']:10.0%}"
        f" {row['replay_share']:7.0%}",
        flush=True,
      )
  if output:
    machine = {**timing.machine(), "emulator_steps_per_second": alone}
    workdirs.write_json(
      output, {"what": what, "machine": machine, "rows": rows}
    )


if __name__ == "__main__":
  cli.run(main)
