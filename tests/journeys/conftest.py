"""A suite that the modules of bad input share the shape of: one for each module, in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.edge import Edge, open_edge
from tests.support.fronts import Held


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    held = Held()
    yield await held.enter(open_edge(tmp_path_factory.mktemp("suite")))
    await held.leave()


@pytest_asyncio.fixture(loop_scope="module")
async def untouched(edge: Edge) -> AsyncIterator[None]:
    """The test stores nothing: no row more in any table of any service."""
    before = edge.row_counts()
    yield
    assert edge.row_counts() == before
