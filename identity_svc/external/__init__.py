"""Adapters to national systems: the population register."""
