"""Starts a service whose idempotency is switched off, for the tests of the tests.

`python -m tests.support.forgetful_main emr_svc serve`: every repeat of a request is taken for a new one. The switch
is here and nowhere else: no setting of a service can turn it.
"""

from __future__ import annotations

import runpy
import sys

import chassis.idempotency
from chassis.db import Tx
from chassis.idempotency import Keep, RequestKey


async def never_recall(
    tx: Tx, key: RequestKey, *, result: str | None = None, keep: Keep = "90d"
) -> str | None:
    """Know no earlier request, and keep nothing of this one."""
    del tx, key, result, keep
    return None


async def never_peek(tx: Tx, key: RequestKey) -> str | None:
    """Know no earlier request."""
    del tx, key
    return None


async def never_remember(tx: Tx, key: RequestKey, result: str, keep: Keep = "90d") -> None:
    """Keep nothing."""
    del tx, key, result, keep


def main() -> None:
    """Take the memory away, before the service's modules look it up, and become the service."""
    chassis.idempotency.recall = never_recall
    chassis.idempotency.peek = never_peek
    chassis.idempotency.remember = never_remember
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
