"""Settings of identity, from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from chassis.settings import CommonSettings, Secret, is_loopback, setting
from identity_svc.domain.identifier_systems import read_systems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CommonSettings):
    """Everything identity can be told."""

    PREFIX: ClassVar[str] = "IDENTITY_"

    listen: str = setting(default="127.0.0.1:7001", doc="Address of the gRPC server, host:port.")
    metrics_listen: str = setting(
        default="127.0.0.1:7201", doc="Address of the Prometheus page, host:port; port 0 takes a free one."
    )
    register_url: str = setting(
        default="http://127.0.0.1:7101", doc="Address of the population register, http(s)://host:port."
    )
    register_client_id: str = setting(default="lienthong", doc="Name of this client at the register.")
    register_client_key: Secret = setting(doc="Key of this client at the register.")
    register_check_max_age_h: int = setting(
        default=24 * 30,
        minimum=0,
        maximum=24 * 366,
        doc="How long a confirmed check of the same card answers instead of the register, hours; 0 always asks.",
    )
    register_failures: int = setting(
        default=5, minimum=1, maximum=100, doc="Failures in a row after which the register is left alone."
    )
    register_pause_s: float = setting(
        default=10.0, minimum=0.1, maximum=600.0, doc="How long it is left alone before a probe, seconds."
    )
    register_recheck_wait_s: float = setting(
        default=5.0, minimum=0.1, maximum=3_600.0, doc="Wait between re-checks while it is down, seconds."
    )
    import_workers: int = setting(
        default=1,
        minimum=0,
        maximum=16,
        doc="Processes that read and encrypt the rows of a register import; 0 does it in a thread.",
    )
    identifier_systems_file: str = setting(
        default="",
        doc="CSV file (system,family) with a site's own names of identifier systems; empty for none.",
    )

    csca_dir: Path | None = setting(
        default=None,
        must_exist=True,
        doc="Folder of certificates (CSCA) and revocation lists that chips are checked with, DER or PEM; none knows "
        "no issuer.",
    )
    csca_reload_s: float = setting(
        default=30.0, minimum=0.1, maximum=86_400.0, doc="Time between two looks for changes there, seconds."
    )

    def identifier_systems(self) -> str:
        """The text of the site's own names of identifier systems, empty for none."""
        path = self.identifier_systems_file
        return Path(path).read_text(encoding="utf-8") if path else ""

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        yield from CommonSettings.faults(self)
        try:
            read_systems(self.identifier_systems())
        except (OSError, ValueError):
            yield "IDENTITY_IDENTIFIER_SYSTEMS_FILE is no UTF-8 CSV with the columns system and family."
        if not self.register_url.startswith(("http://", "https://")):
            yield "IDENTITY_REGISTER_URL is neither http://host:port nor https://host:port."
        elif self.register_url.startswith("http://") and not is_loopback(_authority(self.register_url)):
            yield "IDENTITY_REGISTER_URL leaves this machine: use https."


def _authority(url: str) -> str:
    """host:port of a URL, the port added where it is missing."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority if ":" in authority.rpartition("]")[2] else f"{authority}:80"
