"""Visits, what was recorded in them, and the queue in front of the rooms.

Owns: visits, their entries, queue tickets.
Never touches: money, identifiers of the outside world as keys.
Is called by: the gateway.
Calls: nobody.
"""
