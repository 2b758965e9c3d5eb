"""Chips of identity cards and passports: machine-readable zone, data groups, and the proof that they are genuine.

Source: ICAO Doc 9303, eighth edition (2021), parts 3 to 5 (zone), 10 (data groups, security object), 11 and 12
(passive authentication, certificates). Chip reading itself is the reader's work; only its bytes arrive here.
"""
