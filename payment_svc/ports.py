"""What the operations need from outside, as they see it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from payment_svc.domain.money import Notification


class NotificationReader(Protocol):
    """One bank's form of notification."""

    def read(self, raw: bytes) -> Notification:
        """What the bank says, with its signature checked; never raises on content."""
        ...


Readers = Mapping[str, NotificationReader]
"""A reader for each provider name."""


class Tracer(Protocol):
    """Opens spans; chassis.telemetry.Telemetry does."""

    def span(
        self, name: str, *, parent: str | None = None
    ) -> AbstractContextManager[Any]:  # Any: the span is not looked at
        """A span below `parent`, the traceparent of a journey that was kept."""
        ...
