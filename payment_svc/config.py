"""Settings of payment, from the environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from chassis.settings import CommonSettings, Secret, setting
from payment_svc.domain.payees import PayeeEntryMalformed, Payees
from standards.vietqr import bank_names

_SECRET_CHARS_MIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(CommonSettings):
    """Everything payment can be told."""

    PREFIX: ClassVar[str] = "PAYMENT_"

    listen: str = setting(default="127.0.0.1:7004", doc="Address of the gRPC server, host:port.")
    metrics_listen: str = setting(
        default="127.0.0.1:7204", doc="Address of the Prometheus page, host:port; port 0 takes a free one."
    )
    facility_accounts: tuple[str, ...] = setting(
        doc="The facilities' own bank accounts, FACILITY=BIN:ACCOUNT, separated by commas; "
        "a facility is paid into its first."
    )
    hdbank_secret: Secret = setting(doc="Secret that HDBank signs its notifications with.")
    intent_expiry_h: int = setting(
        default=24, minimum=1, maximum=24 * 30, doc="How long a payment code may be used, hours."
    )
    statement_max_bytes: int = setting(
        default=64 << 20, minimum=1_024, maximum=1 << 30, doc="Largest statement file taken, bytes."
    )
    missing_after_days: int = setting(
        default=1,
        minimum=0,
        maximum=30,
        doc="Days a statement must reach past a payment's own day before its absence is a break.",
    )

    def faults(self) -> Iterator[str]:
        """Faults that need more than one field to see."""
        yield from CommonSettings.faults(self)
        try:
            payees = Payees.parse(self.facility_accounts)
        except PayeeEntryMalformed as fault:
            yield f"PAYMENT_FACILITY_ACCOUNTS: {fault}, such as 19999=970436:0011001234567."
        else:
            unknown = sorted(payees.bank_bins() - set(bank_names()))
            if unknown:
                yield f"PAYMENT_FACILITY_ACCOUNTS names banks nobody knows: {', '.join(unknown)}."
        if len(self.hdbank_secret) < _SECRET_CHARS_MIN:
            yield f"PAYMENT_HDBANK_SECRET has fewer than {_SECRET_CHARS_MIN} characters."
