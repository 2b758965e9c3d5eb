"""The `lienthong` command: a client of the gateway for people at a terminal and for scripts.

Owns: arguments, tables and JSON on the terminal.
Never touches: a service behind the gateway, a database.
Is called by: people, scripts, the demonstration.
Calls: the gateway over gRPC, the OIDC issuer for a token.
"""
