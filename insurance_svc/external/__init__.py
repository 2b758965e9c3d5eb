"""Adapters to national systems: the insurer's portal."""
