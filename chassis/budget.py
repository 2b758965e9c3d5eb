"""Gives a national system its share of the time left, so that the degraded answer still has its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.rpc.context import remaining_ms

NATIONAL_SHARE = 0.4
WITHOUT_DEADLINE_MS = 10_000
"""What is shared out where no call and no `acting_as` sets a deadline."""


@asynccontextmanager
async def national_budget(share: float = NATIONAL_SHARE) -> AsyncIterator[int]:
    """Surround a call to a national system; yields the milliseconds it has.

    Args:
        share: Part of what is left of the deadline, above 0 and at most 1.
    Raises:
        TimeoutError: the share was used up; what is left of the deadline belongs to the degraded branch.
    """
    assert 0 < share <= 1, share
    left = remaining_ms()
    budget_ms = int((WITHOUT_DEADLINE_MS if left is None else left) * share)
    async with asyncio.timeout(budget_ms / 1000):
        yield budget_ms
