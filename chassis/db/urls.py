"""Reads database URLs: `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user@host/name`."""

from __future__ import annotations

from pathlib import Path

from chassis.db.queries import Engine
from chassis.errors import InvalidArgument

_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")


class DatabaseUrlInvalid(InvalidArgument):
    """A database URL names no engine of ours, or no file."""

    reason = "DATABASE_URL_INVALID"
    vi = "Địa chỉ cơ sở dữ liệu không hợp lệ; hãy kiểm tra cấu hình."

    def __init__(self) -> None:
        super().__init__("Give sqlite:///file.db (a file, not memory) or postgresql://host/name.")


def engine_of(url: str) -> Engine:
    """The engine a URL names; DatabaseUrlInvalid for any other (the URL itself may hold a password)."""
    if url.startswith(_SQLITE):
        return "sqlite"
    if url.startswith(_POSTGRESQL):
        return "postgresql"
    raise DatabaseUrlInvalid


def sqlite_path(url: str) -> Path:
    """The file of an SQLite URL; a store in memory is refused, its connections would each see their own."""
    name = url.removeprefix(_SQLITE)
    if not name or name.startswith(":") or "?" in name:
        raise DatabaseUrlInvalid
    return Path(name)
