"""Runs any Acme builder. Knows no algorithm and no game.

experiment.py  what a run consists of: `Experiment`
local.py       runs one in this process, the replay embedded
"""
