"""Chooses an SQLite that does not lose commits, or refuses (docs/decisions/0004)."""

from __future__ import annotations

import importlib
import sqlite3
from types import ModuleType

from chassis.db.errors import SqliteUnsafe

Version = tuple[int, int, int]

# SQLite 3.7.0 to 3.51.2 can lose commits when two connections write and checkpoint a WAL file; these carry
# the fix.
FIXED_FROM: Version = (3, 51, 3)
FIXED_BACKPORTS: tuple[Version, ...] = ((3, 44, 6), (3, 50, 7))


def is_safe(version: Version) -> bool:
    """Whether an SQLite version is free of the WAL-reset bug."""
    return version >= FIXED_FROM or any(
        version[:2] == fixed[:2] and version >= fixed for fixed in FIXED_BACKPORTS
    )


def choose_sqlite(candidates: tuple[str, ...] = ("sqlite3", "pysqlite3.dbapi2")) -> ModuleType:
    """The first module of the list with a safe SQLite.

    Raises:
        SqliteUnsafe: none is safe; names the versions found.
    """
    found: list[str] = []
    for name in candidates:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        version: Version = module.sqlite_version_info
        if is_safe(version):
            return module
        found.append(module.sqlite_version)
    raise SqliteUnsafe(found=" ".join(found) or "none")


# pysqlite3 ships no types and mirrors this module's interface, so the standard one stands for both.
Connection = sqlite3.Connection
