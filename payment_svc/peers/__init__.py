"""Adapters to sibling services: none, the money part calls nobody."""
