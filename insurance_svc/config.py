"""Settings of insurance, from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from chassis.settings import CommonSettings, Secret, is_loopback, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CommonSettings):
    """Everything insurance can be told."""

    PREFIX: ClassVar[str] = "INSURANCE_"

    listen: str = setting(default="127.0.0.1:7003", doc="Address of the gRPC server, host:port.")
    metrics_listen: str = setting(
        default="127.0.0.1:7203", doc="Address of the Prometheus page, host:port; port 0 takes a free one."
    )
    portal_url: str = setting(
        default="http://127.0.0.1:7102", doc="Address of the insurer's portal, http(s)://host:port."
    )
    portal_username: str = setting(doc="Account at the portal, such as 19999_BV.")
    portal_password: Secret = setting(doc="Password of the account at the portal, in clear.")
    portal_staff_name: str = setting(masked=True, doc="Name of the registered staff member who asks.")
    portal_staff_number: Secret = setting(doc="Citizen number of the registered staff member who asks.")
    portal_accounts_file: Path | None = setting(
        default=None,
        must_exist=True,
        doc="JSON: facility code to username, password, staff_name, staff_number; others use the account above.",
    )
    portal_failures: int = setting(
        default=5, minimum=1, maximum=100, doc="Failures in a row after which the portal is left alone."
    )
    portal_pause_s: float = setting(
        default=10.0, minimum=0.1, maximum=600.0, doc="How long it is left alone before a probe, seconds."
    )
    portal_recheck_wait_s: float = setting(
        default=5.0, minimum=0.1, maximum=3_600.0, doc="Wait between re-checks while it is down, seconds."
    )
    facility_table_file: Path | None = setting(
        default=None,
        must_exist=True,
        doc="CSV of facilities (kind, level, points, former tier and codes); none takes the sandbox's sample.",
    )

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        yield from CommonSettings.faults(self)
        if not self.portal_url.startswith(("http://", "https://")):
            yield "INSURANCE_PORTAL_URL is neither http://host:port nor https://host:port."
        elif self.portal_url.startswith("http://") and not is_loopback(_authority(self.portal_url)):
            yield "INSURANCE_PORTAL_URL leaves this machine: use https."
        if self.environment == "production" and self.facility_table_file is None:
            yield "INSURANCE_FACILITY_TABLE_FILE is needed in production: the packaged sample is invented."


def _authority(url: str) -> str:
    """host:port of a URL, the port added where it is missing."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority if ":" in authority.rpartition("]")[2] else f"{authority}:80"
