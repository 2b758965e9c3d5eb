"""Rules and values of bills, money and reconciliation: plain Python, no await, no SQL, no proto, no clock."""
