"""Identity: who a citizen is and whether it can be proved.

Owns: citizens, their identifiers with history, demographics as cards told them, card readings, checks against the
population register, the reading of administrative units, consents, delegations, and which sign-in is which citizen.
Never touches: clinical data, insurance coverage, money; never keeps data the register returned, only its verdict.
Is called by: emr_svc, insurance_svc, payment_svc, gateway.
Calls: no sibling; the population register through `external.registry`.
"""
