"""Payment's own database: named statements, sealed fields, rows to values and back."""
