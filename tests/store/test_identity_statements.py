"""What a check-in asks of the database: the way of a returning patient stays as short as it was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.db import Tx
from tests.support.identity import QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore

RETURNING = [
    "identity_read_by_hash",
    "identity_list_identifiers",
    "identity_newest_verification",
    "frame_idempotency_claim",
    "frame_audit_append",
]
"""The statements of a returning patient as counted before cases, index, residences and repairs were added."""


class Counted:
    """A transaction that notes the names of its statements."""

    def __init__(self, tx: Tx, names: list[str]) -> None:
        self._tx = tx
        self._names = names

    def __getattr__(self, name: str) -> Any:  # Any: each method of Tx
        found = getattr(self._tx, name)
        if name not in ("one", "all", "execute", "execute_many"):
            return found

        async def run(query: str, *arguments: Any, **values: Any) -> Any:  # Any: the values of any statement
            self._names.append(query)
            return await found(query, *arguments, **values)

        return run


async def test_a_returning_clean_patient_costs_no_statement_more(
    open_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)
    await identity.scan(card_text(old_number="099123456"))
    names: list[str] = []
    write = identity.db.write

    async def counted(work: Callable[[Any], Awaitable[Any]], *rest: Any, **options: Any) -> Any:
        return await write(lambda tx: work(Counted(tx, names)), *rest, **options)

    monkeypatch.setattr(identity.db, "write", counted)
    await identity.scan(card_text(old_number="099123456"))

    # The head of the audit chain is kept in memory where the engine allows it.
    assert [name for name in names if name != "frame_audit_head"] == RETURNING
