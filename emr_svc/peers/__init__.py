"""Adapters to sibling services; emr_svc calls nobody."""
