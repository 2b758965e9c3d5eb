"""Adapters to banks: each turns a bank's own wire form into our terms."""
