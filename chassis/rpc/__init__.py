"""Calls between services: one pipeline on each side, and two transports below them."""
