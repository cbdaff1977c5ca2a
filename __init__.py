"""Behavior Transfer, Never Give Up and R2D2, on Atari games real and modded."""

__version__ = "0.2.0"
