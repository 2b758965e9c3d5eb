"""Named statements load once, per engine, and clash loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.db.errors import QueryUnknown
from chassis.db.queries import QueryNameTaken, load_queries

TEXT = """
-- name: visit_of
-- One visit.
SELECT id, 'a:b' AS odd FROM visits WHERE id = :id AND owner = :owner AND :id <> '';

-- name: only_here__sqlite
-- SQLite alone.
SELECT 1;

-- name: shared_cursor
-- A name that ends as aiosql's own additions do.
SELECT 2;

-- name: shared
-- Its neighbour.
UPDATE visits SET id = :id;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "queries.sql"
    file.write_text(TEXT)
    return file


def test_parameters_become_numbers_for_postgresql_and_stay_names_for_sqlite(path: Path) -> None:
    numbered = load_queries((path,), engine="postgresql")["visit_of"]
    named = load_queries((path,), engine="sqlite")["visit_of"]

    assert numbered.sql == "SELECT id, 'a:b' AS odd FROM visits WHERE id = $1 AND owner = $2 AND $1 <> ''"
    assert numbered.order == named.order == ("id", "owner")
    assert ":id" in named.sql
    assert numbered.names == named.names == {"id", "owner"}


def test_a_variant_of_the_other_engine_is_absent(path: Path) -> None:
    assert load_queries((path,), engine="sqlite")["only_here"].sql == "SELECT 1"
    with pytest.raises(QueryUnknown):
        load_queries((path,), engine="postgresql")["only_here"]


def test_a_name_taken_twice_is_told(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sql"
    other.write_text("-- name: visit_of\n-- Again.\nSELECT 1;\n")
    with pytest.raises(QueryNameTaken, match=r"visit_of .* other\.sql"):
        load_queries((path, other), engine="sqlite")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_frames_queries_are_always_there(engine: str) -> None:
    names = {query.name for query in load_queries((), engine=engine)}  # type: ignore[arg-type]
    assert {"frame_idempotency_claim", "frame_outbox_claim", "frame_audit_append"} <= names
    assert not {name for name in names if name.endswith(("_cursor", "__postgresql"))}
