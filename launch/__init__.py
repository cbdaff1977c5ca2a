"""Runs an experiment. Knows no algorithm and no game.

experiment.py   what a run consists of: `Experiment`
episodes.py     what is reported of episodes
lockstep.py     many environments, one decision
record.py       counts, logs and the line on the terminal
loggers.py, trackers.py, progress.py, signals.py  what that needs
embedded/       runs an experiment in this process, on workers' environments

With an Acme builder, on Reverb:

distributed.py  runs one as a Launchpad program: in threads, processes, on Ray
  parts.py        the parts of an agent, as its builder makes them
  prefetch.py     batches, ahead of the learner
  program.py      its nodes, and who calls whom
  roles.py        what each node does
  coordinator.py  what they tell one another, and when each is to leave
  supervisor.py   starts them, starts some again, and sees all to their end
  threads.py, processes.py, cluster.py  where a node runs
"""
