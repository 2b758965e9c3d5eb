"""The one door of the suite: journeys over the services, for client apps, kiosks and operators.

Owns: the order of calls, the gRPC and the HTTP front, sign-in, rights at the edge.
Never touches: a record of its own; what it answers stands in the services.
Is called by: client apps, kiosks, HIS programs, the bank's webhooks, the `lienthong` command.
Calls: identity_svc, emr_svc, insurance_svc, payment_svc.
"""
