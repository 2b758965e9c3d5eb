"""The insurance portal in its true wire form: token, look-ups of card and co-pay, check-ins, claims, certificates."""
