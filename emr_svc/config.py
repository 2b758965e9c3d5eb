"""Settings of emr_svc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chassis.settings import CommonSettings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CommonSettings):
    """Everything emr_svc reads from its environment."""

    PREFIX: ClassVar[str] = "EMR_"

    listen: str = setting(default="127.0.0.1:7002", doc="Address of the gRPC server, host:port.")
