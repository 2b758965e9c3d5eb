"""Checks of drug lines: code, registration and tender as the annex writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from standards.claims.lint.case import MEDICAL_GASES, Case, Hit
from standards.claims.model import Row

_DRUG_GROUPS = ("4", "5", "6")
_INGREDIENT = re.compile(r"[0-9]{2}[A-Z]?\.[0-9]{1,5}(\.[0-9]+)*|[0-9]{4}\.\S+")
"""40.155 and 05V.12, or YYYY and the registration of a raw material (annex of 3176, MA_THUOC)."""
_TRANSPORT = re.compile(r"(VM|BB)\.[0-9]{2}[0-9A-Z]{3}")
_OXYGEN_NAME = re.compile(r"(khí )?oxy(gen)?( y tế| dược dụng|$| ?\()")
_DRUG_TENDER = re.compile(r"[^;]+;G[0-9]+;N[0-9]+;[0-9]{4}(;[^;]+)?|[^;]+;[0-9]{4}")
_SUPPLY_TENDER = re.compile(r"[^;]+;G[0-9]+;(N[0-9]+;)?[0-9]{4}|[^;]+;[0-9]{4}")
"""Four parts; two for what the facility makes itself, three for supplies planned before Circular 14/2020/TT-BYT."""


def check_drugs(case: Case) -> Iterator[Hit]:
    """Code, registration and tender of drugs; the tender of supplies."""
    for number, row in case.numbered("XML2"):
        for rule_id, field in _faults(row):
            yield Hit(rule_id=rule_id, table="XML2", row=number, field=field)
    for number, row in case.numbered("XML3"):
        tender = row.get("TT_THAU", "")
        if tender and not _SUPPLY_TENDER.fullmatch(tender):
            yield Hit(rule_id="TENDER_FORM", table="XML3", row=number, field="TT_THAU")


def _faults(row: Row) -> Iterator[tuple[str, str]]:
    code, group = row.get("MA_THUOC", ""), row.get("MA_NHOM", "")
    registration, tender = row.get("SO_DANG_KY", ""), row.get("TT_THAU", "")
    is_medicine = group in _DRUG_GROUPS and not _TRANSPORT.fullmatch(code)
    if code and is_medicine and not all(_INGREDIENT.fullmatch(part) for part in code.split("+")):
        yield "DRUG_CODE_FORM", "MA_THUOC"
    if _OXYGEN_NAME.match(row.get("TEN_THUOC", "").lower()) and code and code != MEDICAL_GASES[0]:
        yield "OXYGEN_CODE", "MA_THUOC"
    if is_medicine and code not in MEDICAL_GASES and not registration:
        yield "REGISTRATION_MISSING", "SO_DANG_KY"
    if any(character.isspace() for character in registration):
        yield "REGISTRATION_SPACED", "SO_DANG_KY"
    if tender and not _DRUG_TENDER.fullmatch(tender):
        yield "TENDER_FORM", "TT_THAU"
