"""Takes a service of a one-process suite away for a while, as if its process had ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from station.onebox import OneBox


@contextmanager
def down(box: OneBox, service: str) -> Iterator[None]:
    """Calls to the service fail like those to a stopped server until the block ends."""
    # LocalNetwork can put a service on anew, which needs its whole assembly; the test wants the same one back.
    dispatchers = box.network._dispatchers
    dispatcher = dispatchers[service]
    box.network.unregister(service)
    try:
        yield
    finally:
        dispatchers[service] = dispatcher
