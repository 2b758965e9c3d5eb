"""Who pays: what is known about a citizen's insurance for a visit, and how a cost is split by the rules of the day.

Owns: coverages and the portal's replies behind them, benefit rules with dates, cost splits, claims.
Never touches: money that changes hands, clinical data, identifiers as keys.
Is called by: gateway; payment_svc may.
Calls: the insurer's portal; identity_svc and emr_svc when a claim is built, and for nothing else.
"""
