"""Who the patient of a claim is and with which cards: the fields that XML0, XML1 and the papers share."""

from __future__ import annotations

from datetime import date

from insurance_svc.domain.claim_facts import ClaimFacts, Person, day_of
from insurance_svc.domain.claim_lines import clean
from insurance_svc.domain.model import InsuranceCard
from standards.claims import Row

VIET_NAM = "000"
"""MA_QUOCTICH of Viet Nam; who has a citizen number is a citizen."""
_DISTRICTS_END_DATE = date(2025, 7, 1)


def patient_fields(facts: ClaimFacts, *, visit_day: date) -> Row:
    """Name, numbers, birth, sex and residence; what identity does not hold is left out."""
    person = facts.person
    residence = person.residence if visit_day >= _DISTRICTS_END_DATE else person.former_residence
    prefix = facts.facility.patient_prefix if facts.facility else ""
    found = {
        "MA_BN": f"{prefix}{facts.visit.citizen_id}",
        "HO_TEN": clean(person.full_name),
        "SO_CCCD": person.citizen_number or person.other_number,
        "NGAY_SINH": birth_text(person),
        "GIOI_TINH": person.gender,
        "MA_QUOCTICH": VIET_NAM if person.citizen_number else "",
        "DIA_CHI": clean(person.address_text),
        "MATINH_CU_TRU": residence.province_code if residence else "",
        "MAHUYEN_CU_TRU": residence.district_code if residence else "",
        "MAXA_CU_TRU": residence.ward_code if residence else "",
    }
    return {name: value for name, value in found.items() if value}


def birth_text(person: Person) -> str:
    """NGAY_SINH, yyyyMMdd0000; unknown parts are 0000 or 00 (annex of 3176)."""
    digits = person.birth_date.replace("-", "")
    return f"{digits:0<12}" if digits else ""


def card_fields(facts: ClaimFacts, noted: Row) -> Row:
    """Card numbers with their places of registration and days, each as many as there are cards.

    A card that was replaced counts beside the new one when it was valid on a day of the stay. Without a card from the
    look-up (army, police) the paper card as recorded in the visit stands.
    """
    cards = _cards(facts)
    if not cards:
        names = ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN")
        return {name: noted[name] for name in names if noted.get(name)}
    newest = cards[-1]
    copay = facts.split.command.circumstances.copay if facts.split else None
    exempt_from = copay.exempt_from_date if copay else None
    found = {
        "MA_THE_BHYT": ";".join(card.number for card in cards),
        "MA_DKBD": ";".join(card.registered_facility_code for card in cards),
        "GT_THE_TU": ";".join(_day(card.valid_from_date) for card in cards),
        "GT_THE_DEN": ";".join(_day(card.valid_to_date) for card in cards),
        "MA_KHUVUC": newest.area_code,
        "NAM_NAM_LIEN_TUC": _day(newest.five_year_date),
        "NGAY_MIEN_CCT": f"{_day(exempt_from)}0000" if exempt_from else "",
    }
    return {name: value for name, value in found.items() if value.strip(";")}


def _cards(facts: ClaimFacts) -> list[InsuranceCard]:
    if facts.coverage is None:
        return []
    finding = facts.coverage.finding
    first = day_of(facts.visit.open_time)
    cards = []
    old, new = finding.replaced_card, finding.card
    # It counted on the day of admission and the new one did not yet: both paid for a part of the stay.
    if old and new and old.number != new.number and old.counts_on(first) and not new.counts_on(first):
        cards.append(old)
    if new is not None and new.number:
        cards.append(new)
    return cards


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""
