"""One payment service over SQLite: the pipeline is the same on both engines, and tests/store has both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.payment import Payment, payment_on
from tests.support.stores import OpenStore


@pytest.fixture
def store_engine() -> str:
    return "sqlite"


@pytest.fixture
async def payment(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[Payment]:
    async with payment_on(open_store, tmp_path) as made:
        yield made
