"""Refuses a schema that would bar the way from one machine to many (Citus, distributed by citizen_id).

A table about a person has a column citizen_id. Its primary key starts with it, its unique keys and its
foreign keys to other such tables hold it; `*_lookup` tables and the frame's own stay whole and are exempt.
No triggers, and only the types both engines share: TEXT, BIGINT, BYTEA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chassis.db.migrations import FRAME_SQL
from chassis.db.schema_text import for_engine, statements
from chassis.db.sqlite_module import Connection, choose_sqlite

PERSON_COLUMN = "citizen_id"
LOOKUP_SUFFIX = "_lookup"
_CREATE_TRIGGER = re.compile(r"\ACREATE\s+(?:OR\s+REPLACE\s+)?TRIGGER\s+(\w+)", re.IGNORECASE)
_DEFERRABLE = re.compile(r"(?<!NOT )\bDEFERRABLE\b", re.IGNORECASE)
_TABLE_NAME = re.compile(r"\bTABLE\s+(\w+)", re.IGNORECASE)
_COLUMN_TYPES = {"TEXT", "INTEGER", "BLOB"}
_TYPE_OF_ENDING = {
    "_vnd": "INTEGER",
    "_count": "INTEGER",
    "_pct": "INTEGER",
    "_time": "TEXT",
    "_date": "TEXT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFault:
    """One thing in a schema that breaks a rule."""

    table: str
    rule: str
    """`person_key`, `unique_key`, `foreign_key`, `no_primary_key`, `trigger`, `type`, `deferred` or `unreadable`."""
    detail: str


def check_schema(schema_sql: str) -> list[SchemaFault]:
    """The faults of a schema text (a service's schema.sql, without the frame); none for a good one."""
    sqlite = choose_sqlite()
    connection: Connection = sqlite.connect(":memory:", isolation_level=None)
    faults: list[SchemaFault] = []
    try:
        for statement in statements(FRAME_SQL.read_text(encoding="utf-8")):
            connection.execute(for_engine(statement, "sqlite"))
        frame = set(_tables(connection))
        for statement in statements(schema_sql):
            if match := _CREATE_TRIGGER.match(statement):
                faults.append(SchemaFault(table=match[1], rule="trigger", detail="write it in the operation"))
                continue
            if _DEFERRABLE.search(statement):
                # Found only at COMMIT, where it would fail every caller of the group.
                faults.append(SchemaFault(table=_name_of(statement), rule="deferred", detail="check at once"))
            try:
                connection.execute(for_engine(statement, "sqlite"))
            except sqlite.Error as cause:
                # Our own schema text, no row of anybody: the message may be shown.
                faults.append(SchemaFault(table=statement[:60], rule="unreadable", detail=str(cause)))
        for table in sorted(set(_tables(connection)) - frame):
            faults += _table_faults(connection, table)
    finally:
        connection.close()
    return faults


def _name_of(statement: str) -> str:
    match = _TABLE_NAME.search(statement)
    return match[1] if match else statement[:60]


def _tables(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [str(name) for (name,) in rows]


def _rows(connection: Connection, pragma: str, name: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f"PRAGMA {pragma}('{name}')")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns(connection: Connection, table: str) -> list[dict[str, Any]]:
    return _rows(connection, "table_info", table)


def _is_personal(connection: Connection, table: str) -> bool:
    return not table.endswith(LOOKUP_SUFFIX) and any(
        column["name"] == PERSON_COLUMN for column in _columns(connection, table)
    )


def _table_faults(connection: Connection, table: str) -> Iterator[SchemaFault]:
    columns = _columns(connection, table)
    key = [c["name"] for c in sorted(columns, key=lambda c: int(c["pk"])) if c["pk"]]
    if not key:
        yield SchemaFault(table=table, rule="no_primary_key", detail="name what makes a row one")
    yield from _type_faults(table, columns)
    if not _is_personal(connection, table):
        return
    if key and key[0] != PERSON_COLUMN:
        yield SchemaFault(table=table, rule="person_key", detail=f"({', '.join(key)})")
    yield from _unique_faults(connection, table)
    yield from _foreign_key_faults(connection, table)


def _type_faults(table: str, columns: list[dict[str, Any]]) -> Iterator[SchemaFault]:
    for column in columns:
        name, found = str(column["name"]), str(column["type"])
        wanted = next((t for ending, t in _TYPE_OF_ENDING.items() if name.endswith(ending)), None)
        if found not in _COLUMN_TYPES or (wanted is not None and found != wanted):
            yield SchemaFault(table=table, rule="type", detail=f"{name} {found}")


def _unique_faults(connection: Connection, table: str) -> Iterator[SchemaFault]:
    for index in _rows(connection, "index_list", table):
        if not index["unique"] or index["origin"] == "pk":
            continue
        names = [str(row["name"]) for row in _rows(connection, "index_info", index["name"])]
        if PERSON_COLUMN not in names:
            yield SchemaFault(table=table, rule="unique_key", detail=f"({', '.join(names)})")


def _foreign_key_faults(connection: Connection, table: str) -> Iterator[SchemaFault]:
    targets: dict[int, str] = {}
    sources: dict[int, set[str]] = {}
    for row in _rows(connection, "foreign_key_list", table):
        targets[row["id"]] = row["table"]
        sources.setdefault(row["id"], set()).add(row["from"])
    for key_id, target in targets.items():
        if _is_personal(connection, target) and PERSON_COLUMN not in sources[key_id]:
            columns = ", ".join(sorted(sources[key_id]))
            yield SchemaFault(table=table, rule="foreign_key", detail=f"({columns}) to {target}")
