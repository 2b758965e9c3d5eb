"""Finds the administrative units that an address names: old three tiers, new two, and half-updated mixtures."""

from dataclasses import replace

from standards.admin_units.address_text import clean_address
from standards.admin_units.misspelt import variants
from standards.admin_units.reader import Reader
from standards.admin_units.reading import (
    HARMLESS,
    AddressCandidate,
    AddressOutcome,
    AddressResolution,
    Doubt,
)
from standards.admin_units.register import AdminUnit, Vintage
from standards.errors import AddressTooLong

MAX_ADDRESS_CHARS = 500
MAX_CANDIDATES = 50
"""Most candidates given; no name in the tables reaches it when the province is named."""
_WELL_READ = HARMLESS | {Doubt.ACCENTS_DIFFER}
"""Every name was recognised letter for letter: nothing is gained by looking for misspelt ones."""


def _nothing(province: AdminUnit | None) -> AddressResolution:
    """Say that no commune was found, and what to do."""
    if province is None:
        reason_vi = "Không nhận ra tỉnh, thành phố trong địa chỉ; hãy chọn bằng tay."
        reason_en = "No province was recognised in the address; choose it by hand."
    else:
        reason_vi = f"Không tìm thấy xã, phường trong {province.name}; hãy chọn bằng tay."
        reason_en = f"No commune was recognised in {province.name}; choose it by hand."
    return AddressResolution(
        candidates=(),
        outcome=AddressOutcome.NONE,
        province=province,
        reason_vi=reason_vi,
        reason_en=reason_en,
    )


def _with_misspelt(
    reader: Reader, found: list[AddressCandidate], province: AdminUnit | None
) -> tuple[list[AddressCandidate], AdminUnit | None]:
    """Add the readings in which one name is misspelt and all else fits; they count before a district nobody knows."""
    meant = []
    for variant in variants(reader):
        candidates, place = Reader(variant).read()
        for candidate in candidates:
            if HARMLESS.issuperset(candidate.doubts):
                doubts = (*candidate.doubts, Doubt.SPELLING_DIFFERS)
                meant.append(replace(candidate, doubts=doubts))
                province = province or place
    if not meant:
        return found, province
    return [each for each in found if Doubt.DISTRICT_NOT_FOUND not in each.doubts] + meant, province


def resolve_address(text: str) -> AddressResolution:
    """Find the communes in force that an address may mean.

    Reads three tiers as on cards before July 2025 ("Thôn X, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn", or
    without the kind words), two tiers as since ("Xã Ba Bể, Thái Nguyên"), and mixtures: old commune and
    district with the new province, old commune with the new province and no district, new commune with its
    old district. Case, accents, the tone mark's place, i/y, NFD, TP. TX. TT. P. X. H. Q. T. and missing
    commas do not matter; where several names fall together, the one with the exact accents and then the
    stated kind is preferred. Where that finds nothing certain, one name may be a letter, a space or a
    dialect's initial away from a unit's; such a reading is proposed and never sure.

    Args:
        text: One address, province last; "Việt Nam" after it is skipped.
    Returns:
        Every candidate. A split commune and a name borne by several communes give several; nothing is
        guessed. When a name is both an old district and a new commune and no kind word tells which, "a, b,
        province" is read as commune a in district b if b had such a commune.
    Raises:
        AddressTooLong: more than MAX_ADDRESS_CHARS (fact limit_chars).
    Source: Decision 19/2025/QĐ-TTg of 30/06/2025; Resolution 202/2025/QH15 for the provinces.
    """
    cleaned = clean_address(text)
    if len(cleaned) > MAX_ADDRESS_CHARS:
        raise AddressTooLong("address", limit_chars=MAX_ADDRESS_CHARS)
    reader = Reader(cleaned)
    found, province = reader.read()
    if not any(_WELL_READ.issuperset(candidate.doubts) for candidate in found):
        found, province = _with_misspelt(reader, found, province)
    if not found:
        return _nothing(province)
    unique = {(c.old_ward.code if c.old_ward else "", c.new_ward.code, c.read_as): c for c in reversed(found)}
    ordered = sorted(
        unique.values(),
        key=lambda c: (
            len(c.doubts),
            c.read_as is Vintage.BEFORE_2025_07,
            c.new_ward.code,
            c.old_ward.code if c.old_ward else "",
        ),
    )
    candidates = tuple(ordered[:MAX_CANDIDATES])
    if len({candidate.new_ward.code for candidate in candidates}) == 1:
        return AddressResolution(
            candidates=candidates,
            outcome=AddressOutcome.ONE,
            province=province,
            reason_vi=candidates[0].reason_vi,
            reason_en=candidates[0].reason_en,
        )
    return AddressResolution(
        candidates=candidates,
        outcome=AddressOutcome.SEVERAL,
        province=province,
        reason_vi="Địa chỉ ứng với nhiều xã, phường hiện hành; hãy hỏi người bệnh và chọn một.",
        reason_en="The address may mean several communes in force; ask the patient and choose one.",
    )
