"""Names that clients have for one system of identifiers: URIs of FHIR guides, OIDs, type codes of HL7 v2.

The shipped rows are those of both Vietnamese FHIR guides and of HL7; data/README.md tells where each comes from. No
OID of a Vietnamese number is published that we know of, so a site adds its own in a file of the same form.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from importlib import resources

from identity_svc.domain.errors import IdentifierSystemUnknown
from identity_svc.domain.numbers import NumberFamily

SYSTEM_CHARS_MAX = 200

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*)){2,}", re.ASCII)
_TYPE_CODE = re.compile(r"[A-Z]{2,5}", re.ASCII)
_TYPE_TABLES = (
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://hl7.org/fhir/v2/0203",
    "urn:oid:2.16.840.1.113883.18.108",
    "v2-0203",
)
"""Names of HL7 v2 table 0203 itself; a type code follows after "|"."""


class IdentifierSystems:
    """Finds what numbers a system holds."""

    def __init__(self, families: Mapping[str, NumberFamily]) -> None:
        self._families = families

    def family(self, system: str) -> NumberFamily:
        """What numbers the system holds, under any of its names.

        Args:
            system: URI with or without a closing slash, http or https; "urn:oid:…"; a bare OID; or a type code of
                HL7 v2 table 0203, alone or after its table and "|".
        Raises:
            IdentifierSystemUnknown: none of the names is ours.
        """
        found = self._families.get(plain_system(system)) if len(system) <= SYSTEM_CHARS_MAX else None
        if found is None:
            raise IdentifierSystemUnknown
        return found


def plain_system(system: str) -> str:
    """One form for the names of one system: two that differ in scheme, slash or prefix alone become equal."""
    text = system.strip()
    table, bar, code = text.rpartition("|")
    if bar and table.rstrip("/") in _TYPE_TABLES:
        return f"v2-0203|{code.upper()}"
    if _OID.fullmatch(text):
        return f"urn:oid:{text}"
    if _TYPE_CODE.fullmatch(text):
        return f"v2-0203|{text}"
    lowered = text.lower().rstrip("/")
    return lowered.replace("https://", "http://", 1) if lowered.startswith("https://") else lowered


def read_systems(site_text: str = "") -> IdentifierSystems:
    """The shipped names, and those of a site's own file over them.

    Args:
        site_text: CSV with the columns system and family (IDENTITY, INSURANCE, PASSPORT, FOREIGN_ID, TEMPORARY);
            empty for none.
    Raises:
        ValueError: a row of the site's file is not of this form.
    """
    shipped = (
        resources.files(__package__).joinpath("data", "identifier_systems.csv").read_text(encoding="utf-8")
    )
    families: dict[str, NumberFamily] = {}
    for text in (shipped, site_text):
        for row in csv.DictReader(io.StringIO(text, newline="")):
            if not row.get("system") or row.get("family") is None:
                raise ValueError("give the columns system and family in each row")
            families[plain_system(row["system"])] = NumberFamily(row["family"])
    return IdentifierSystems(families)
