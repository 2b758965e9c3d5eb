"""The frame each service is bolted on.

Owns: server, channel, deadlines, errors, settings, telemetry, database, outbox, audit, life cycle.
Never: a word of the hospital, the insurer or the bank.
Called by: every service, the gateway, the sandbox. Calls: the libraries it wraps.
A module is admitted when two services use it today, it has no domain word, and it could be published alone.
"""
