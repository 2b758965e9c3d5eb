"""The money part: what a visit costs, how it is paid, and whether the bank agrees.

Owns: bills, payment intents with VietQR, bank notifications, receipts, the double-entry ledger, bank statements and
their reconciliation.
Never touches: clinical data, identifiers of the outside world, and the money itself, which goes from payer to facility.
Is called by: gateway. Calls: nobody.
"""
