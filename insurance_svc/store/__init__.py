"""Coverages, evidence and splits in the service's own database."""
