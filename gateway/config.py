"""Settings of the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from chassis.settings import ProcessSettings, is_loopback, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProcessSettings):
    """Everything the gateway reads from its environment."""

    PREFIX: ClassVar[str] = "GATEWAY_"

    listen: str = setting(default="127.0.0.1:7005", doc="Address of the gRPC front, host:port.")
    http_listen: str = setting(default="127.0.0.1:7080", doc="Address of the HTTP front, host:port.")
    http_behind_tls_proxy: bool = setting(
        default=False, doc="A proxy in front ends TLS, so the HTTP front may listen beyond this machine."
    )
    identity_target: str = setting(default="127.0.0.1:7001", doc="Address of identity_svc.")
    emr_target: str = setting(default="127.0.0.1:7002", doc="Address of emr_svc.")
    insurance_target: str = setting(default="127.0.0.1:7003", doc="Address of insurance_svc.")
    payment_target: str = setting(default="127.0.0.1:7004", doc="Address of payment_svc.")
    token_signing_key_file: Path | None = setting(
        must_exist=True, doc="Private key (JWK) of the internal tokens that vouch for persons."
    )
    oidc_issuer: str = setting(doc="Issuer URL whose tokens clients bring.")
    oidc_audience: str = setting(default="lienthong-gateway", doc="Audience the tokens must name.")
    oidc_refresh_s: int = setting(
        default=600, minimum=5, maximum=86_400, doc="Time between fetches of the issuer's keys, seconds."
    )
    watch_poll_interval_ms: int = setting(
        default=500, minimum=50, maximum=60_000, doc="How often WatchVisit asks the services, milliseconds."
    )
    http_body_max_bytes: int = setting(
        default=1_048_576, minimum=1_024, maximum=67_108_864, doc="Largest JSON body, bytes."
    )
    upload_max_bytes: int = setting(
        default=67_108_864, minimum=1_024, maximum=1_073_741_824, doc="Largest file as a request body, bytes."
    )

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        yield from ProcessSettings.faults(self)
        if not is_loopback(self.http_listen) and not self.http_behind_tls_proxy:
            yield "GATEWAY_HTTP_LISTEN leaves this machine: set GATEWAY_HTTP_BEHIND_TLS_PROXY behind a TLS proxy."
