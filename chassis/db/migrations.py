"""Brings a schema up to date: alembic orders the revisions and writes the script, our drivers run it.

A revision is a thin `store/migrations/versions/0002_x.py` beside its `0002_x.sql`; revision ids are four
digits, so "behind" is a comparison of text. alembic runs in its offline form (it writes SQL and keeps its
version table), because its online form wants a second driver stack: SQLAlchemy's asyncpg dialect needs
greenlet, and its SQLite dialect brings its own idea of transactions. The script runs in one transaction on
both engines, behind a lock that a second process waits for (docs/decisions/0002-migrations-by-alembic.md).
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from chassis.db.errors import SchemaBehind, StoreUnavailable, WrongDatabase
from chassis.db.queries import Engine
from chassis.db.schema_text import for_engine, statements
from chassis.db.sqlite import connect
from chassis.db.sqlite_module import Connection, choose_sqlite
from chassis.db.urls import engine_of, sqlite_path

# alembic and SQLAlchemy are a third of a service's start and only `migrate` needs them, so they load there.
if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

FRAME_SQL = Path(__file__).with_name("frame.sql")
NO_SCHEMA = ""
"""The revision of an empty database."""
_LOCK_CLASS = 0x4C55
_DIALECTS: dict[Engine, str] = {"sqlite": "sqlite", "postgresql": "postgresql+asyncpg"}


def run_frame(op: Any) -> None:
    """Create the frame's tables (idempotency, outbox, audit); called by each service's revision 0001."""
    _run_script(op, FRAME_SQL)


def run_sql(op: Any, revision_file: str) -> None:
    """Run the .sql file beside a revision's .py file; called as `run_sql(op, __file__)`."""
    _run_script(op, Path(revision_file).with_suffix(".sql"))


def head(package: str) -> str:
    """The newest revision of a package's code."""
    versions = (_store_folder(package) / "migrations" / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")
    return max((path.name[:4] for path in versions), default=NO_SCHEMA)


async def upgrade(url: str, *, package: str) -> str:
    """Bring a database to the head of a package and return the revision; safe to run twice at once.

    Raises:
        WrongDatabase: the file belongs to another service.
        StoreUnavailable: the database cannot be reached.
    """
    if engine_of(url) == "sqlite":
        return await asyncio.to_thread(_upgrade_sqlite, sqlite_path(url), package)
    return await _upgrade_postgresql(url, package)


async def current(url: str) -> str:
    """The revision of a database; NO_SCHEMA for one without a schema."""
    if engine_of(url) == "sqlite":
        return await asyncio.to_thread(_current_sqlite, sqlite_path(url))
    connection = await _connect_postgresql(url)
    try:
        return await _current_postgresql(connection)
    finally:
        await connection.close()


async def require_schema(url: str, *, package: str) -> None:
    """Refuse a database whose schema is older than the code; a newer one is fine, migrations only add.

    Raises:
        SchemaBehind, WrongDatabase, StoreUnavailable.
    """
    found, wanted = await current(url), head(package)
    if found < wanted:
        raise SchemaBehind(package=package, current=found or "none", head=wanted)
    if engine_of(url) == "sqlite":
        await asyncio.to_thread(_check_owner, sqlite_path(url), package)


async def apply_schema(url: str, *, package: str) -> None:
    """Create the schema from frame.sql and the package's schema.sql, for the test that both ways agree."""
    engine = engine_of(url)
    script = FRAME_SQL.read_text(encoding="utf-8") + "\n;\n" + schema_sql(package)
    translated = [for_engine(statement, engine) for statement in statements(script)]
    if engine == "sqlite":
        await asyncio.to_thread(_run_sqlite, sqlite_path(url), lambda _: translated)
        return
    connection = await _connect_postgresql(url)
    try:
        await connection.execute(";\n".join(translated))
    finally:
        await connection.close()


def schema_sql(package: str) -> str:
    """The text of a package's store/schema.sql."""
    return (_store_folder(package) / "schema.sql").read_text(encoding="utf-8")


def application_id(package: str) -> int:
    """The number an SQLite file carries so that no other service opens it."""
    return int.from_bytes(sha256(package.encode("ascii")).digest()[:4], "big") & 0x7FFF_FFFF


def _run_script(op: Any, path: Path) -> None:
    from sqlalchemy import text  # noqa: PLC0415

    engine: Engine = "sqlite" if op.get_context().dialect.name == "sqlite" else "postgresql"
    for statement in statements(path.read_text(encoding="utf-8")):
        # A colon would be taken for a parameter.
        op.execute(text(for_engine(statement, engine).replace(":", r"\:")))


def _store_folder(package: str) -> Path:
    """Where a package keeps its store's files; the package itself is not run for it."""
    spec = find_spec(package)
    assert spec is not None, package
    assert spec.submodule_search_locations, f"{package} is a package"
    return Path(next(iter(spec.submodule_search_locations))) / "store"


def _scripts(package: str) -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    folder = _store_folder(package) / "migrations"
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def _script(package: str, engine: Engine, found: str) -> list[str]:
    """The statements that lead from a revision to the head, the version table's own included."""
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    scripts = _scripts(package)
    wanted = scripts.get_current_head() or NO_SCHEMA
    if found >= wanted:
        return []
    output = io.StringIO()

    def steps(revision: Any, _context: MigrationContext) -> Any:
        # alembic's own documented way of handing revisions to a context (its "upgrade" command does the
        # same).
        return scripts._upgrade_revs(wanted, revision or "base")

    context = MigrationContext.configure(
        dialect_name=_DIALECTS[engine],
        opts={
            "as_sql": True,
            "output_buffer": output,
            "fn": steps,
            "script": scripts,
            "starting_rev": found or None,
            "transactional_ddl": False,
        },
    )
    with Operations.context(context):
        context.run_migrations()
    return statements(output.getvalue())


def _upgrade_sqlite(path: Path, package: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)

    def script(connection: Connection) -> list[str]:
        found = _revision_sqlite(connection)
        _refuse_stranger(connection, package)
        return _script(package, "sqlite", found)

    _run_sqlite(path, script, owner=package)
    return _current_sqlite(path)


def _run_sqlite(path: Path, script: Callable[[Connection], list[str]], *, owner: str | None = None) -> None:
    sqlite = choose_sqlite()
    try:
        connection = connect(sqlite, path)
    except sqlite.Error:
        raise StoreUnavailable("none") from None
    try:
        # Taken before the revision is read, so a second process finds the work done.
        connection.execute("BEGIN IMMEDIATE")
        for statement in script(connection):
            connection.execute(statement)
        if owner is not None:
            connection.execute(f"PRAGMA application_id = {application_id(owner)}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def _current_sqlite(path: Path) -> str:
    if not path.exists():
        return NO_SCHEMA
    connection = connect(choose_sqlite(), path)
    try:
        return _revision_sqlite(connection)
    finally:
        connection.close()


def _revision_sqlite(connection: Connection) -> str:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return NO_SCHEMA
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row["version_num"]) if row else NO_SCHEMA


def _check_owner(path: Path, package: str) -> None:
    connection = connect(choose_sqlite(), path)
    try:
        _refuse_stranger(connection, package)
    finally:
        connection.close()


def _refuse_stranger(connection: Connection, package: str) -> None:
    found = connection.execute("PRAGMA application_id").fetchone()["application_id"]
    if found not in {0, application_id(package)}:
        raise WrongDatabase(package)


async def _connect_postgresql(url: str) -> Any:
    try:
        return await asyncpg.connect(url)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        raise StoreUnavailable("none") from None


async def _upgrade_postgresql(url: str, package: str) -> str:
    connection = await _connect_postgresql(url)
    try:
        async with connection.transaction():
            # Ends with the transaction; a second process then finds the work done.
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK_CLASS, 0)
            script = _script(package, "postgresql", await _current_postgresql(connection))
            if script:
                await connection.execute(";\n".join(script))
        return await _current_postgresql(connection)
    finally:
        await connection.close()


async def _current_postgresql(connection: Any) -> str:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return NO_SCHEMA
    return str(await connection.fetchval("SELECT version_num FROM alembic_version") or NO_SCHEMA)


__all__ = [
    "FRAME_SQL",
    "NO_SCHEMA",
    "application_id",
    "apply_schema",
    "current",
    "head",
    "require_schema",
    "run_frame",
    "run_sql",
    "schema_sql",
    "upgrade",
]
