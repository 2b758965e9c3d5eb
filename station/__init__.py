"""Puts the five services and the sandbox together on one machine.

Owns: ports, keys and environment of a local suite; its processes; the one-process suite of a commune
station's small box; the demonstration.
Never touches: a rule of the business.
Is called by: dev.py, tests, bench.
Calls: every service's `assemble`, and the suite's programs by their command line.
"""
