"""Identity's own database: named statements, sealed fields, keyed hashes."""
