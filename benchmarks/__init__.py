"""Measurements, each against what a user would compare it with."""
