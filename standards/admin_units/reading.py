"""What an address was read as: candidates, what is doubtful about them, and the outcome."""

from dataclasses import dataclass, field
from enum import StrEnum

from standards.admin_units.conversion import ConversionKind
from standards.admin_units.register import AdminUnit, Vintage


class Doubt(StrEnum):
    """What in the address does not agree with a candidate."""

    KIND_DIFFERS = "KIND_DIFFERS"
    """The address says xã and the table phường, or the like: communes became wards over the years.
    Harmless."""
    ACCENTS_MISSING = "ACCENTS_MISSING"
    """The address was typed without accents. Harmless."""
    ACCENTS_DIFFER = "ACCENTS_DIFFER"
    """Other accents than the unit's name."""
    DISTRICT_DIFFERS = "DISTRICT_DIFFERS"
    """The district named is another one than the commune's."""
    DISTRICT_NOT_FOUND = "DISTRICT_NOT_FOUND"
    """What stands in the district's place is no district of the province."""
    MAY_BE_DISTRICT = "MAY_BE_DISTRICT"
    """The name is an old district's as well, no kind word tells which, and what stands before is no village: the
    real commune may be one that an earlier merger took away."""
    SPELLING_DIFFERS = "SPELLING_DIFFERS"
    """One name of the address is a letter, a dialect's initial or a space away from the unit's."""
    PROVINCE_DIFFERS = "PROVINCE_DIFFERS"
    """A new commune with the name of a province that is no more."""


HARMLESS = frozenset({Doubt.KIND_DIFFERS, Doubt.ACCENTS_MISSING})


class AddressOutcome(StrEnum):
    """How many communes in force the address may mean."""

    ONE = "ONE"
    SEVERAL = "SEVERAL"
    """A person must choose: a split commune, or a name that several communes bear."""
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressCandidate:
    """One reading of an address."""

    old_ward: AdminUnit | None
    """The old commune; None when the address was read as a new one, or names an island district."""
    old_district: AdminUnit | None
    old_province: AdminUnit | None
    new_ward: AdminUnit
    new_province: AdminUnit
    kind: ConversionKind
    read_as: Vintage
    """Whether the commune's name was read as an old or a new one."""
    doubts: tuple[Doubt, ...]
    reason_vi: str
    reason_en: str
    detail: str = field(repr=False)
    """The address before the commune: house, street, village; left out of repr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressResolution:
    """All readings of an address, the least doubtful first. Several are never cut down to one."""

    candidates: tuple[AddressCandidate, ...]
    outcome: AddressOutcome
    province: AdminUnit | None
    """The province in force, when the address names one, also if no commune was found."""
    reason_vi: str
    reason_en: str

    @property
    def new_wards(self) -> tuple[AdminUnit, ...]:
        """The different communes in force among the candidates, in their order."""
        return tuple({candidate.new_ward.code: candidate.new_ward for candidate in self.candidates}.values())

    @property
    def sure_ward(self) -> AdminUnit | None:
        """The one commune in force, if there is one and no doubt that matters; else None: ask a person."""
        if self.outcome is not AddressOutcome.ONE:
            return None
        return None if self.harmful_doubts else self.candidates[0].new_ward

    @property
    def harmful_doubts(self) -> tuple[Doubt, ...]:
        """The doubts that matter of the least doubtful candidate; empty when one candidate has none that do."""
        told = (tuple(doubt for doubt in each.doubts if doubt not in HARMLESS) for each in self.candidates)
        return min(told, key=len, default=())
