"""The same processes and hops as a check-in with nothing in them: what the wire and Python's gRPC cost alone.

Raw grpc.aio servers and stubs, the suite's own messages at their usual size, one HTTP call to an outside program
where insurance asks the portal. No chassis, no storage, no traces, no tokens.
"""
