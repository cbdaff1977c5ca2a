"""Runs an agent on one machine, without a server.

engine.py    one process that decides and learns, in a fixed schedule
workers.py   steps environments in processes, or in this one
  worker.py    one such process, from both sides
  stepping.py  what is done there: step, sum up episodes, compress frames
"""
