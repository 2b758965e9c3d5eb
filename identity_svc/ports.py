"""What identity's operations need from outside their own store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from identity_svc.domain.model import RegisterAnswer, RegisterClaim
from standards.icao.certificates import TrustFault, TrustStore


class RegisterPort(Protocol):
    """The population register: says yes or no per field and never gives its own data."""

    async def verify(self, claim: RegisterClaim) -> RegisterAnswer:
        """Ask the register to confirm a claim, inside 40 % of what is left of the current deadline.

        Raises:
            RegisterUnavailable: it was not heard; its `cause` says why. Care goes on unverified.
            RegisterRefusedRequest: it calls the request malformed; repeating cannot help.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustState:
    """The trust store as it was loaded last."""

    store: TrustStore
    faults: tuple[TrustFault, ...] = ()
    """Files that were not used."""
    load_time: datetime | None = None
    """None when no folder is configured."""


class TrustPort(Protocol):
    """Whom the chip check trusts."""

    def current(self) -> TrustState:
        """What was loaded last; never waits."""
        ...
