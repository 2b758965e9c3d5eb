"""The record's own database: named statements, sealed fields."""
