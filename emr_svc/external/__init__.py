"""Adapters to systems outside the suite; emr_svc has none yet."""
