"""Loads the named statements of queries.sql files for one engine.

aiosql reads the files and turns `:name` into `$1` for asyncpg. Its generated functions are not used: they fit
an open connection per call, while here many callers share a thread hop and a commit. Its operators (`!` after
the name of a statement that changes rows) are welcome and decide nothing: the caller's `one`, `all` or
`execute` does. A statement `name__postgresql` or `name__sqlite` replaces `name` on that engine; its comment
says why it must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aiosql.adapters.asyncpg import AsyncPGAdapter
from aiosql.adapters.sqlite3 import SQLite3Adapter
from aiosql.query_loader import QueryLoader
from aiosql.utils import VAR_REF

from chassis.db.errors import QueryUnknown

Engine = Literal["sqlite", "postgresql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")
FRAME_QUERIES = Path(__file__).with_name("frame_queries.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One named statement, ready for its engine."""

    name: str
    sql: str
    order: tuple[str, ...]
    """Parameter names in the order of `$1, $2, …`; SQLite binds by name and needs only the set."""
    names: frozenset[str]


class QueryNameTaken(ValueError):
    """Two statements have one name."""


class Queries:
    """The named statements of a database."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)

    def __getitem__(self, name: str) -> Query:
        """The statement of this name; QueryUnknown if there is none."""
        try:
            return self._queries[name]
        except KeyError:
            raise QueryUnknown(name) from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def load_queries(paths: Sequence[Path], *, engine: Engine) -> Queries:
    """Read the files, the frame's own first, and keep the variants of one engine.

    Raises:
        QueryNameTaken: two statements have the same name.
    """
    found: dict[str, Query] = {}
    for path in (FRAME_QUERIES, *paths):
        for name, query in _read_file(path, engine=engine).items():
            if name in found:
                raise QueryNameTaken(f"{name} stands in two files; {path.name} is the second")
            found[name] = query
    return Queries(found)


def _read_file(path: Path, *, engine: Engine) -> dict[str, Query]:
    adapter = AsyncPGAdapter() if engine == "postgresql" else SQLite3Adapter()  # type: ignore[no-untyped-call]  # aiosql
    loaded = QueryLoader(adapter, None, mandatory_parameters=False).load_query_data_from_file(
        path, encoding="utf-8"
    )
    order: Mapping[str, list[str]] = getattr(adapter, "var_sorted", {})
    found: dict[str, Query] = {}
    # Variants come last, so that they replace.
    for datum in sorted(loaded, key=lambda each: _variant_of(each.query_name) is not None):
        variant = _variant_of(datum.query_name)
        if variant not in {None, engine}:
            continue
        name = datum.query_name.removesuffix(f"__{variant}")
        if variant is None and name in found:
            raise QueryNameTaken(f"{name} stands twice in {path.name}")
        found[name] = _query(name, datum.sql, order.get(datum.query_name))
    return found


def _variant_of(name: str) -> Engine | None:
    return next((engine for engine in ENGINES if name.endswith(f"__{engine}")), None)


def _query(name: str, sql: str, order: Sequence[str] | None) -> Query:
    sql = sql.rstrip().removesuffix(";")
    if order is None:
        groups = (match.groupdict() for match in VAR_REF.finditer(sql))
        order = list(dict.fromkeys(group["var_name"] for group in groups if group["var_name"]))
    return Query(name=name, sql=sql, order=tuple(order), names=frozenset(order))
