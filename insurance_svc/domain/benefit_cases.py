"""Which ways of coming to a facility a visit fulfils: the conditions of visit codes and of cases before 2025."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from insurance_svc.domain.model import NO_CIRCUMSTANCES, Circumstances, InsuranceCard
from insurance_svc.domain.tables import CaseRule, Facility, Rules, in_force

FIRST_LEVEL_KINDS = frozenset(
    {
        "commune_station",
        "family_doctor",
        "army_civil_station",
        "area_health_centre",
        "workplace_station",
        "workplace_clinic",
        "army_police_primary",
    }
)
"""The listed kinds of code 1.2 in Decision 3276/QĐ-BYT."""
LEVELS_OF_CARE_DATE = date(2025, 1, 1)
"""Law 51/2024/QH15 put three levels of care in the place of four tiers (its art. 3 k2)."""
AREA_CODES = frozenset({"K1", "K2", "K3"})
"""Cards of minorities and poor households in difficult areas, and of islands (Decision 1351/QĐ-BHXH)."""
POINTS_OF_HALF = 50
"""Basic facilities from 50 points on: half the rate for self-referred outpatients (Decree 188/2025, art. 19 k2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """What the rate of a visit hangs on, besides the coverage."""

    facility: str
    service_date: date
    visit_code: str
    """As given; empty means worked out."""
    is_inpatient: bool
    is_emergency: bool
    covered_vnd: int
    """Sum of what the fund recognises, for the 15 % threshold."""
    total_vnd: int | None = None
    """Sum of what the facility charges; None: the same."""
    circumstances: Circumstances = NO_CIRCUMSTANCES
    level_date: date | None = None
    """From which day the card's level is taken, on a later day of a stay; None: the service date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A visit as the conditions see it."""

    facility: Facility | None
    is_own: bool
    is_self_referred: bool
    is_inpatient: bool
    is_emergency: bool
    annexes: frozenset[str]
    has_area: bool
    told: Circumstances

    @property
    def is_listed(self) -> bool:
        """Whether the facility is of the kinds of code 1.2."""
        return self.facility is not None and self.facility.kind in FIRST_LEVEL_KINDS

    @property
    def level(self) -> str:
        """Level of care; a facility that the table does not hold counts as a first one (note FACILITY_UNKNOWN)."""
        return self.facility.level if self.facility is not None else "first"

    @property
    def tier(self) -> str:
        """Tier before 2025; a commune station was one without being listed in a tier."""
        if self.facility is None:
            return ""
        if self.facility.kind in ("commune_station", "army_civil_station"):
            return "commune"
        return self.facility.former_tier

    @property
    def points(self) -> int:
        """Points of the ranking; 0 while it is provisional."""
        return self.facility.points or 0 if self.facility is not None else 0


def place_of(card: InsuranceCard | None, facts: VisitFacts, rules: Rules) -> Place:
    """A visit as the conditions see it."""
    day, told = facts.service_date, facts.circumstances
    facility = rules.facilities.on(facts.facility, day)
    if facility is None and day < LEVELS_OF_CARE_DATE:
        facility = rules.facilities.first_known(facts.facility)
    codes = {facts.facility} | (facility.former_codes if facility is not None else frozenset())
    is_own = card is not None and card.registered_facility_code in codes
    has_reason = (
        told.has_referral_slip
        or told.has_reexamination_slip
        or told.has_changed_residence
        or told.is_organ_donor
        or told.is_newborn
    )
    return Place(
        facility=facility,
        is_own=is_own,
        is_self_referred=not (is_own or facts.is_emergency or has_reason),
        is_inpatient=facts.is_inpatient,
        is_emergency=facts.is_emergency,
        annexes=told.serious_disease_annexes | _annexes_of(told, rules, day),
        has_area=card is not None and card.area_code in AREA_CODES,
        told=told,
    )


def unmet(rule: CaseRule, place: Place) -> str:
    """Why a case does not apply to a visit, as a key of REASONS; empty when it does."""
    if rule.pct(is_inpatient=place.is_inpatient) is None:
        return "OTHER_STAY"
    condition = (_CODES if rule.is_code else _FORMER).get(rule.case)
    return condition(place) if condition is not None else "ONLY_WHEN_NAMED"


REASONS: Mapping[str, tuple[str, str]] = {
    "OTHER_STAY": ("không dùng cho hình thức điều trị này", "not for this kind of stay"),
    "ONLY_WHEN_NAMED": ("chỉ dùng khi cơ sở ghi mã này", "counts only when the facility names it"),
    "NOT_OWN": ("thẻ đăng ký ban đầu ở cơ sở khác", "the card is registered at another facility"),
    "LISTED_KIND": ("cơ sở thuộc loại của mã 1.2", "the facility is of the kinds of code 1.2"),
    "NOT_LISTED_KIND": (
        "cơ sở không thuộc loại được nêu ở mã 1.2",
        "the facility is not of the kinds of code 1.2",
    ),
    "NO_REFERRAL_SLIP": ("chưa có phiếu chuyển cơ sở", "no referral slip was shown"),
    "NO_REEXAMINATION_SLIP": ("chưa có phiếu hẹn khám lại", "no re-examination slip was shown"),
    "SAME_RESIDENCE": ("không khai thay đổi nơi lưu trú", "no change of residence was told"),
    "NO_DONOR": ("không phải người vừa hiến bộ phận cơ thể", "not treated after donating an organ"),
    "NO_NEWBORN": ("không phải trẻ vừa sinh", "not a newborn"),
    "NOT_SELF_REFERRED": (
        "không phải tự đến: đúng nơi đăng ký, có phiếu, hoặc cấp cứu",
        "not self-referred: own facility, a slip, or an emergency",
    ),
    "OTHER_LEVEL": ("cơ sở thuộc cấp chuyên môn khác", "the facility is of another level of care"),
    "OTHER_POINTS": ("điểm xếp cấp của cơ sở ở mức khác", "the facility's points are in another band"),
    "OTHER_TIER": (
        "trước 01/01/2025 cơ sở thuộc tuyến khác",
        "the facility was of another tier before 2025",
    ),
    "DISEASE_LISTED": (
        "bệnh thuộc phụ lục nên áp dụng mã khác",
        "the disease is in the annex: another code counts",
    ),
    "DISEASE_NOT_LISTED": (
        "bệnh không thuộc phụ lục, hoặc chưa được ghi nhận",
        "the disease is not in the annex, or was not told",
    ),
    "NO_EMERGENCY": ("không phải cấp cứu", "no emergency"),
    "NO_AREA": ("thẻ không ghi mã vùng K1, K2, K3", "the card has no area code K1, K2, K3"),
}
"""Why a case does not apply, in Vietnamese and English."""


def _check(*conditions: tuple[bool, str]) -> str:
    """The key of the first condition that does not hold."""
    return next((reason for holds, reason in conditions if not holds), "")


def _self_at(place: Place, level: str) -> tuple[tuple[bool, str], ...]:
    return (place.is_self_referred, "NOT_SELF_REFERRED"), (place.level == level, "OTHER_LEVEL")


_OFF = "OTHER_TIER"
_CODES: Mapping[str, Callable[[Place], str]] = {
    "1.1": lambda p: _check((p.is_own, "NOT_OWN"), (not p.is_listed, "LISTED_KIND")),
    "1.2": lambda p: _check((p.is_listed, "NOT_LISTED_KIND")),
    "1.3": lambda p: _check((p.told.has_referral_slip, "NO_REFERRAL_SLIP")),
    "1.4": lambda p: _check((p.told.has_changed_residence, "SAME_RESIDENCE")),
    "1.5": lambda p: _check((p.told.has_reexamination_slip, "NO_REEXAMINATION_SLIP")),
    "1.6": lambda p: _check((p.told.is_organ_donor, "NO_DONOR")),
    "1.7": lambda p: _check((p.told.is_newborn, "NO_NEWBORN")),
    "1.11": lambda p: _check(*_self_at(p, "first"), (not p.is_listed, "LISTED_KIND")),
    "1.12": lambda p: _check(
        *_self_at(p, "basic"),
        (p.points < POINTS_OF_HALF, "OTHER_POINTS"),
        (p.tier not in ("provincial", "central"), _OFF),
    ),
    "1.13": lambda p: _check(
        *_self_at(p, "basic"),
        (p.points >= POINTS_OF_HALF, "OTHER_POINTS"),
        ("II" not in p.annexes, "DISEASE_LISTED"),
    ),
    "1.14": lambda p: _check(
        *_self_at(p, "basic"),
        (p.tier in ("provincial", "central"), _OFF),
        ("II" not in p.annexes, "DISEASE_LISTED"),
    ),
    "1.15": lambda p: _check(*_self_at(p, "basic")),
    "1.16": lambda p: _check(*_self_at(p, "basic"), ("II" in p.annexes, "DISEASE_NOT_LISTED")),
    "1.17": lambda p: _check(*_self_at(p, "specialised"), ("I" in p.annexes, "DISEASE_NOT_LISTED")),
    "1.18": lambda p: _check(
        *_self_at(p, "specialised"),
        (p.tier == "provincial", _OFF),
        ("I" not in p.annexes, "DISEASE_LISTED"),
    ),
    "2": lambda p: _check((p.is_emergency, "NO_EMERGENCY")),
    # A specialised facility whose tier is not told counts as the strictest one.
    "3.1": lambda p: _check(
        *_self_at(p, "specialised"),
        (p.tier in ("central", ""), _OFF),
        ("I" not in p.annexes, "DISEASE_LISTED"),
    ),
    "3.2": lambda p: _check(
        *_self_at(p, "specialised"),
        (p.tier == "provincial", _OFF),
        ("I" not in p.annexes, "DISEASE_LISTED"),
    ),
    "3.3": lambda p: _check(
        (p.is_self_referred, "NOT_SELF_REFERRED"),
        (p.level in ("basic", "specialised"), "OTHER_LEVEL"),
        (p.tier == "district", _OFF),
    ),
    "3.6": lambda p: _check((p.level == "specialised", "OTHER_LEVEL"), (p.has_area, "NO_AREA")),
}
_FORMER: Mapping[str, Callable[[Place], str]] = {
    "OWN_FACILITY": lambda p: _check((p.is_own, "NOT_OWN")),
    "COMMUNE": lambda p: _check((p.tier == "commune", _OFF)),
    "REFERRED": lambda p: _check((p.told.has_referral_slip, "NO_REFERRAL_SLIP")),
    "REEXAMINATION": lambda p: _check((p.told.has_reexamination_slip, "NO_REEXAMINATION_SLIP")),
    "RESIDENCE": lambda p: _check((p.told.has_changed_residence, "SAME_RESIDENCE")),
    "EMERGENCY": lambda p: _check((p.is_emergency, "NO_EMERGENCY")),
    "ORGAN_DONOR": lambda p: _check((p.told.is_organ_donor, "NO_DONOR")),
    "NEWBORN": lambda p: _check((p.told.is_newborn, "NO_NEWBORN")),
    "SELF_DISTRICT": lambda p: _check(
        (p.is_self_referred, "NOT_SELF_REFERRED"), (p.tier == "district", _OFF)
    ),
    "SELF_PROVINCIAL": lambda p: _check(
        (p.is_self_referred, "NOT_SELF_REFERRED"), (p.tier == "provincial", _OFF)
    ),
    # A facility whose tier is not told counts as the strictest one.
    "SELF_CENTRAL": lambda p: _check(
        (p.is_self_referred, "NOT_SELF_REFERRED"), (p.tier in ("central", ""), _OFF)
    ),
    "AREA_DISTRICT": lambda p: _check((p.has_area, "NO_AREA"), (p.tier == "district", _OFF)),
    "AREA_INPATIENT": lambda p: _check((p.has_area, "NO_AREA"), (p.tier in ("provincial", "central"), _OFF)),
}


def _annexes_of(told: Circumstances, rules: Rules, day: date) -> frozenset[str]:
    if not told.principal_diagnosis:
        return frozenset()
    return frozenset(
        row.annex
        for row in in_force(rules.diseases, day)
        if row.holds(told.principal_diagnosis, told.age_years)
    )
