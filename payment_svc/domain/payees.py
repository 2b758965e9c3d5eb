"""Where money may go: the facilities' own bank accounts, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ENTRY = re.compile(r"([0-9]{2}[0-9A-Z]{3})=([0-9]{6}):([0-9A-Za-z]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee:
    """One registered account of a facility."""

    facility_code: str
    bank_bin: str
    """Six digits of the bank."""
    account: str


class PayeeEntryMalformed(ValueError):
    """A setting is not `FACILITY=BIN:ACCOUNT`, or names one account twice."""


class Payees:
    """The registered accounts; a facility may have several and is paid into its first.

    Source: Decree 52/2024/NĐ-CP: the suite never holds money, so every code names the facility's own account.
    """

    def __init__(self, payees: Iterable[Payee]) -> None:
        self._first: dict[str, Payee] = {}
        self._by_account: dict[str, Payee] = {}
        for payee in payees:
            if payee.account in self._by_account:
                raise PayeeEntryMalformed("one account stands twice")
            self._first.setdefault(payee.facility_code, payee)
            self._by_account[payee.account] = payee

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Payees:
        """Read entries such as `19999=970436:0011001234567`; raises PayeeEntryMalformed."""
        payees = []
        for entry in entries:
            match = _ENTRY.fullmatch(entry)
            if match is None:
                raise PayeeEntryMalformed("give FACILITY=BIN:ACCOUNT")
            payees.append(Payee(facility_code=match[1], bank_bin=match[2], account=match[3]))
        return cls(payees)

    def of(self, facility_code: str) -> Payee | None:
        """The account a facility is paid into, or None."""
        return self._first.get(facility_code)

    def owner_of(self, account: str) -> Payee | None:
        """Whose account it is, or None."""
        return self._by_account.get(account)

    def sole(self) -> Payee | None:
        """The first account of the only facility there is, or None when there are several."""
        return next(iter(self._first.values())) if len(self._first) == 1 else None

    def bank_bins(self) -> set[str]:
        """The banks in use."""
        return {payee.bank_bin for payee in self._by_account.values()}
