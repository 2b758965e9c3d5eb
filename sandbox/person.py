"""One seeded citizen as card, register and portal know them; the three may disagree on purpose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any

JsonObject = dict[str, Any]  # Any: JSON values of our own control interface


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenCard:
    """What is printed in the QR of the citizen card (7-field form of 2021 to 2024)."""

    personal_number: str
    """12 digits, prefix 099, which no province has."""
    former_number: str
    """Old 9-digit number, or empty."""
    full_name: str
    birth_date: date
    gender: str
    """Nam or Nữ."""
    address: str
    issue_date: date

    def qr_text(self) -> str:
        """The QR string: seven fields with | between, dates as ddMMyyyy."""
        return "|".join(
            (
                self.personal_number,
                self.former_number,
                self.full_name,
                f"{self.birth_date:%d%m%Y}",
                self.gender,
                self.address,
                f"{self.issue_date:%d%m%Y}",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEntry:
    """What the population register holds."""

    full_name: str
    birth_text: str
    """yyyy-MM-dd, or yyyy when only the year is known."""
    gender: str
    address: str
    former_address: str
    """The address before the reorganisation of 1 July 2025, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceCard:
    """One issue of a health insurance card."""

    number: str
    """15 characters: group, level, province of issue, social insurance number."""
    valid_from_date: date
    valid_to_date: date
    facility_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVisit:
    """A visit the portal knows of."""

    record_number: str
    facility_code: str
    admit_text: str
    """yyyyMMddHHmm, Vietnam."""
    leave_text: str
    reason_code: str
    co_pay_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalEntry:
    """What the insurance portal holds."""

    social_number: str
    """10 digits, prefix 99, which no province has."""
    full_name: str
    birth_text: str
    """dd/MM/yyyy or yyyy."""
    gender: str
    address: str
    office: str
    card: InsuranceCard
    new_card: InsuranceCard | None
    status_code: str
    """000, or the result code the portal answers whatever the dates say."""
    area_code: str
    """K1, K2, K3 or empty."""
    five_year_date: date
    visits: tuple[PastVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One seeded citizen."""

    index: int
    dirt: tuple[str, ...]
    """Named classes of dirt; ("clean",) when nothing is wrong."""
    card: CitizenCard
    printed_insurance_number: str
    """The 15 characters on the card the patient still carries; may differ from the portal's."""
    old_ward_code: str
    new_ward_code: str
    register: RegisterEntry | None
    portal: PortalEntry | None

    def to_json(self) -> JsonObject:
        """This person as JSON; dates are ISO, `qr_text` is the card's QR string."""
        fields = _json_value(dataclasses.asdict(self))
        assert isinstance(fields, dict)
        return {**fields, "qr_text": self.card.qr_text()}


def _json_value(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    return value
