"""Counts how the portal answers, for the operator's alarms; an unknown code shows here first."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter
from prometheus_client.registry import Collector


class PortalAlarms:
    """Implements the Alarms port on Prometheus counters."""

    def __init__(self) -> None:
        """Make the counters; the service's metrics take them in by `collectors`."""
        self._counting: dict[str, Counter] = {}
        self.calls = Counter(
            "insurance_portal_calls",
            "Calls to the insurer's portal, by class of the result code or reason of the failure.",
            ["kind"],
            registry=None,
        )
        self.attention = Counter(
            "insurance_portal_attention",
            "Findings that somebody has to look into: unknown code, refused account, unregistered staff.",
            ["reason"],
            registry=None,
        )

    @property
    def collectors(self) -> Sequence[Collector]:
        """What chassis.lifecycle.Assembly shows."""
        return (self.calls, self.attention)

    def portal_answered(self, kind: str) -> None:
        """Count one call; classes and reasons are names of code, so the label cannot grow."""
        counting = self._counting.get(kind)
        if counting is None:
            # Looked up by hand from then on: `labels()` takes a lock and builds a key for each call.
            counting = self._counting[kind] = self.calls.labels(kind)
        counting.inc()

    def portal_needs_attention(self, reason: str) -> None:
        """Count a finding that time alone does not mend."""
        self.attention.labels(reason).inc()
