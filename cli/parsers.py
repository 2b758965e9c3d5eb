"""The type of argparse's collection of subcommands, which has no public name."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Protocol


class Commands(Protocol):
    """Where commands are added."""

    def add_parser(self, name: str, *, help: str) -> ArgumentParser:
        """A new command."""
