"""Adapters to systems outside the suite: the OIDC issuer."""
