"""Adapters to sibling services: none, identity stands at the bottom and calls nobody."""
