"""The values of identity: a card's facts, a citizen, an identifier, a check against the register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class Gender(StrEnum):
    """Administrative gender with the FHIR words."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    """Neither, or not to be told from the body; on no citizen card."""
    UNKNOWN = "unknown"
    """Not known yet; temporary people and files only."""


class IdentifierKind(StrEnum):
    """What kind of number an identifier is; the words stand in the store and in look-up hashes, never change one."""

    CITIZEN_NUMBER = "CITIZEN_NUMBER"
    """12 digits."""
    OLD_IDENTITY_NUMBER = "OLD_IDENTITY_NUMBER"
    """9 digits (CMND)."""
    INSURANCE_NUMBER = "INSURANCE_NUMBER"
    """10 digits (mã số BHXH)."""
    INSURANCE_CARD = "INSURANCE_CARD"
    """15 characters (thẻ BHYT)."""
    PASSPORT = "PASSPORT"
    """Country of issue, three letters, a hyphen, and the number: B1234567 of Viet Nam is VNM-B1234567."""
    TEMPORARY = "TEMPORARY"
    """Issued here to somebody without a number: T, eight characters and a check character."""
    FOREIGN_ID = "FOREIGN_ID"
    """Number of a foreigner's residence paper (thẻ tạm trú, thẻ thường trú), 5 to 20 letters and digits."""


class Assurance(IntEnum):
    """How strongly an identifier is backed; a greater number is stronger."""

    NONE = 0
    """Nothing backs it."""
    TYPED = 1
    SCANNED = 2
    """Read by a machine from something that is not signed, such as a QR."""
    CHIP_INTACT = 3
    """Read from a chip whose content is whole, its issuer not known to us."""
    CHIP_SIGNED = 4
    """Read from a chip that a known issuer signed."""
    REGISTER_CHECKED = 5


class Source(StrEnum):
    """Where a number or a person's facts come from."""

    TYPED = "TYPED"
    CARD_QR = "CARD_QR"
    CARD_CHIP = "CARD_CHIP"
    PASSPORT_MRZ = "PASSPORT_MRZ"
    INSURANCE_CARD_QR = "INSURANCE_CARD_QR"
    REGISTER_FILE = "REGISTER_FILE"
    """A file of another register that was imported."""
    INSURER = "INSURER"
    """The insurance portal answered it."""
    ISSUED_HERE = "ISSUED_HERE"
    """A temporary number, and the facts of a person who has none but it."""


class EndReason(StrEnum):
    """Why a number is no longer in use."""

    CANCELLED = "CANCELLED"
    """The authority cancelled it; it still finds the person."""
    REISSUED = "REISSUED"
    """A new paper of the same kind took its place, as a passport does; it still finds the person."""
    REPLACED = "REPLACED"
    """The real number took the place of a temporary one; it still finds the person."""
    WRONG = "WRONG"
    """It never was this person's; it no longer finds them."""


class TextQuality(StrEnum):
    """What the scanner left of a card's Vietnamese text."""

    GOOD = "GOOD"
    WITHOUT_ACCENTS = "WITHOUT_ACCENTS"
    """Letters are right, every accent is gone."""
    DAMAGED = "DAMAGED"
    """Letters are lost; such a text is kept as evidence and never shown over a good one."""


class Outcome(StrEnum):
    """Result of a whole card check."""

    VERIFIED = "VERIFIED"
    PARTIAL = "PARTIAL"
    DISPUTED = "DISPUTED"
    UNVERIFIED = "UNVERIFIED"

    @property
    def is_confirmed(self) -> bool:
        """Whether the register confirmed the person."""
        return self in (Outcome.VERIFIED, Outcome.PARTIAL)


class FieldResult(StrEnum):
    """Result of one field; the register uses the same four words."""

    MATCH = "MATCH"
    MISMATCH = "MISMATCH"
    PARTIAL = "PARTIAL"
    NOT_CHECKED = "NOT_CHECKED"


class CardWarning(StrEnum):
    """A doubt about the card's text that never stops care."""

    TEXT_DAMAGED = "TEXT_DAMAGED"
    TEXT_WITHOUT_ACCENTS = "TEXT_WITHOUT_ACCENTS"
    UNKNOWN_PREFIX = "UNKNOWN_PREFIX"
    NUMBER_CONTRADICTS_BIRTH_DATE = "NUMBER_CONTRADICTS_BIRTH_DATE"
    NUMBER_CONTRADICTS_GENDER = "NUMBER_CONTRADICTS_GENDER"
    SCAN_REPAIRED = "SCAN_REPAIRED"
    """Keyboard layout, caps lock or code page changed the text in a way that was undone; set the scanner right."""
    BIRTH_DATE_INCOMPLETE = "BIRTH_DATE_INCOMPLETE"
    """The card tells no day, or neither day nor month, of birth."""
    OLD_NUMBER_OF_OTHER_PERSON = "OLD_NUMBER_OF_OTHER_PERSON"
    """The old number on the card already points at another citizen; a steward has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What one scan of a citizen card told."""

    raw_text: str = field(repr=False)
    """The QR text as scanned."""
    citizen_number: str = field(repr=False)
    """12 digits."""
    old_number: str = field(repr=False)
    """The former number: 9 digits (CMND), 12 digits (a cancelled citizen number), or empty."""
    full_name: str = field(repr=False)
    """In the one spelling names are kept in (NFC, canonical tone placement)."""
    printed_name: str = field(repr=False)
    """As printed, cleaned of code-page faults, tone placement untouched: what the register is asked with."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY, YYYY-MM or YYYY-MM-DD."""
    gender: Gender
    address: str = field(repr=False)
    """NFC; may be empty."""
    issue_date: str
    """YYYY-MM-DD, or empty when the card does not tell."""
    text_quality: TextQuality
    """Of name and address together: the scanner damages both or none."""
    warnings: tuple[CardWarning, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """Facts of a citizen as one source told them; rows are added and never overwritten."""

    version: int
    """1 for the first facts of a citizen; the highest counts."""
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    """FHIR date: YYYY, YYYY-MM or YYYY-MM-DD; empty only for a temporary person of unknown age."""
    gender: Gender
    address: str = field(repr=False)
    text_quality: TextQuality
    issue_date: str
    """Issue date of the card they come from, YYYY-MM-DD or empty."""
    source: Source = Source.CARD_QR
    is_birth_date_estimated: bool = False
    """Only the year is sure, and only the year is kept."""
    reading_id: str = ""
    """The card reading they come from; empty for facts that no card told."""
    repair_id: str = ""
    """The repair they come from; empty for facts as their source told them."""

    def __post_init__(self) -> None:
        # Somebody found unconscious has no birth date to tell; everybody else has at least a year.
        assert self.birth_date or self.source is Source.ISSUED_HERE, "only temporary people lack a birth date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One dated number of a citizen."""

    identifier_id: str
    kind: IdentifierKind
    value: str = field(repr=False)
    assurance: Assurance
    start_time: datetime
    """First moment this suite saw it."""
    end_time: datetime | None
    """Moment from which it is no longer in use."""
    source: Source = Source.CARD_QR
    end_reason: EndReason | None = None
    """Set exactly when end_time is."""
    valid_from_date: str = ""
    """First day of validity that its paper tells, YYYY-MM-DD; empty when it tells none."""
    valid_until_date: str = ""
    """Last day of validity, YYYY-MM-DD; empty when there is none."""
    is_contested: bool = False
    """The look-up leads to another person who had it first; a case is open."""
    record_id: str = ""
    """The record its row stands under, where that is one linked into the citizen's; empty for their own."""

    def is_in_use(self, at: datetime) -> bool:
        """Say whether it was in use at a moment: not ended, and inside its days of validity (of Viet Nam)."""
        day = at.astimezone(VIETNAM).date().isoformat()
        return (
            (self.end_time is None or at < self.end_time)
            and self.valid_from_date <= day
            and (not self.valid_until_date or day <= self.valid_until_date)
        )


def newest_first(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """Order numbers: those in use, then the newest, then by kind, so that equal moments have one order too."""
    return tuple(
        sorted(
            identifiers,
            key=lambda each: (each.end_time is not None, -each.start_time.timestamp(), each.kind, each.value),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCheck:
    """What the check found about one field; words for it stand in `explanations`."""

    field: str
    result: FieldResult
    reason: str
    """UPPER_SNAKE, empty on a plain match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One check of a card against the population register: the verdict, never the register's data."""

    citizen_id: str
    verification_id: str
    reading_id: str
    """The card reading that was checked."""
    facts_hash: bytes = field(repr=False)
    """Keyed hash of the card facts; equal for two scans of one card."""
    outcome: Outcome
    fields: tuple[FieldCheck, ...]
    register_reference: str
    """The register's transaction; empty when it did not answer."""
    check_time: datetime
    """When the register answered, or when we gave up."""
    warnings: tuple[CardWarning, ...]
    degraded_reason: str
    """Why the register was not heard, UPPER_SNAKE; empty otherwise."""
    recheck_pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """A citizen as this province knows them."""

    citizen_id: str
    demographics: Demographics
    identifiers: tuple[Identifier, ...]
    """Newest first."""
    create_time: datetime
    update_time: datetime
    verification: Verification | None
    """The newest one."""
    merged_ids: tuple[str, ...] = ()
    """Who is linked into this citizen, where the reader asked for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterClaim:
    """What the register is asked to confirm; an empty field is not asked."""

    personal_number: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    gender: Gender
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterAnswer:
    """The register's yes or no per field, its reasons, and its reference."""

    found: bool
    """Whether the register knows the number at all."""
    results: dict[str, FieldResult]
    reasons: dict[str, str]
    """The register's own words per field, UPPER_SNAKE."""
    reference: str
