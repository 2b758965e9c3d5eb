"""What identity's operations need from outside their own store."""

from __future__ import annotations

from typing import Protocol

from identity_svc.domain.model import RegisterAnswer, RegisterClaim


class RegisterPort(Protocol):
    """The population register: says yes or no per field and never gives its own data."""

    async def verify(self, claim: RegisterClaim) -> RegisterAnswer:
        """Ask the register to confirm a claim, inside 40 % of what is left of the current deadline.

        Raises:
            RegisterUnavailable: it was not heard; its `cause` says why. Care goes on unverified.
            RegisterRefusedRequest: it calls the request malformed; repeating cannot help.
        """
        ...
