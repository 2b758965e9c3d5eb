"""Describes the schema a database really has, line by line, so that two databases can be compared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg

from chassis.db import migrations
from chassis.db.sqlite import connect
from chassis.db.sqlite_module import Connection, choose_sqlite
from chassis.db.urls import engine_of, sqlite_path

_LEFT_OUT = frozenset({"alembic_version"})

_POSTGRESQL_LINES = """
SELECT c.relname AS table_name, 'column ' || lpad(a.attnum::text, 3, '0') || ' ' || a.attname || ' '
    || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT c.relname, 'constraint ' || pg_get_constraintdef(k.oid)
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND k.contype <> 'n'
UNION ALL
SELECT c.relname, 'index ' || pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT c.relname, 'trigger ' || t.tgname
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
"""


async def dump_schema(url: str) -> list[str]:
    """The tables, columns, keys, checks and indexes of a database, sorted, without alembic's own table.

    SQLite tells no CHECK back in a comparable form; PostgreSQL does, and the texts are the same.
    """
    if engine_of(url) == "sqlite":
        return await asyncio.to_thread(_dump_sqlite, sqlite_path(url))
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(_POSTGRESQL_LINES)
    finally:
        await connection.close()
    return sorted(f"{row['table_name']}: {row['line']}" for row in rows if row["table_name"] not in _LEFT_OUT)


async def drift(package: str, *, migrated_url: str, applied_url: str) -> list[str]:
    """What differs between a package's migrations and its schema.sql, tried on two empty databases.

    Returns:
        Lines that start with `migrations only: ` or `schema.sql only: `; none when both agree.
    """
    await migrations.upgrade(migrated_url, package=package)
    await migrations.apply_schema(applied_url, package=package)
    migrated, applied = set(await dump_schema(migrated_url)), set(await dump_schema(applied_url))
    return [f"migrations only: {line}" for line in sorted(migrated - applied)] + [
        f"schema.sql only: {line}" for line in sorted(applied - migrated)
    ]


def _dump_sqlite(path: Path) -> list[str]:
    connection = connect(choose_sqlite(), path)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = [row["name"] for row in names if row["name"] not in _LEFT_OUT]
        return sorted(f"{table}: {line}" for table in tables for line in _sqlite_lines(connection, table))
    finally:
        connection.close()


def _sqlite_lines(connection: Connection, table: str) -> list[str]:
    def rows(pragma: str, name: str) -> list[Any]:
        return connection.execute(f"PRAGMA {pragma}('{name}')").fetchall()

    strict = connection.execute("SELECT strict FROM pragma_table_list(?)", (table,)).fetchone()
    lines = [f"strict {strict['strict']}"]
    lines += [
        f"column {c['cid']:03d} {c['name']} {c['type']} {c['notnull']} {c['dflt_value']} key {c['pk']}"
        for c in rows("table_info", table)
    ]
    lines += [
        f"foreign key {f['id']}.{f['seq']} {f['from']} {f['table']}.{f['to']} {f['on_delete']}"
        for f in rows("foreign_key_list", table)
    ]
    for index in rows("index_list", table):
        columns = ",".join(str(c["name"]) for c in rows("index_info", index["name"]))
        lines.append(f"index {index['name']} {index['unique']} {index['origin']} ({columns})")
    lines += [
        f"trigger {row['name']}"
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        )
    ]
    return lines
