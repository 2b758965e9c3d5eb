"""Administrative units of Viet Nam before and after 1 July 2025, and the way from the old ones to the new.

A bare code is ambiguous: 3,316 of the 3,321 new commune codes are re-used old ones, 1,794 of them under
another name, and seven province codes changed their meaning. So a unit is always (code, vintage).
"""

from standards.admin_units.address import MAX_ADDRESS_CHARS, MAX_CANDIDATES, resolve_address
from standards.admin_units.code_reading import vintages_of
from standards.admin_units.conversion import ConversionKind, Successor, convert_ward, predecessors
from standards.admin_units.reading import AddressCandidate, AddressOutcome, AddressResolution, Doubt
from standards.admin_units.register import (
    LEGAL_REFERENCE,
    AdminLevel,
    AdminUnit,
    Vintage,
    changed_province_codes,
    resolve_province,
    resolve_ward,
    successor_province,
)

__all__ = [
    "LEGAL_REFERENCE",
    "MAX_ADDRESS_CHARS",
    "MAX_CANDIDATES",
    "AddressCandidate",
    "AddressOutcome",
    "AddressResolution",
    "AdminLevel",
    "AdminUnit",
    "ConversionKind",
    "Doubt",
    "Successor",
    "Vintage",
    "changed_province_codes",
    "convert_ward",
    "predecessors",
    "resolve_address",
    "resolve_province",
    "resolve_ward",
    "successor_province",
    "vintages_of",
]
