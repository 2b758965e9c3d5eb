"""Adapters to sibling services: none, the facts this service needs come with each request."""
