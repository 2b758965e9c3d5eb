"""The national systems and the bank as real programs: true wire form, seeded people, faults on demand.

Owns: a population register, the insurance portal, a bank with callbacks and statements, an OIDC issuer, and
the control interface that sets faults and makes payments.
Never touches: a service, `standards`, `chassis`, or real people; what it knows about formats it knows by
itself, so that a mistake in the suite cannot hide behind the same mistake here.
Is called by: adapters of the services over HTTP, the demo and the tests through `sandbox.control`.
Calls: the callback address of the payment service.
"""
