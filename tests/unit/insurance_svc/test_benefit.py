"""The rate of a visit: each row of the tables in its days, and the rule that is named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from insurance_svc.domain.benefit import benefit_of, card_base
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.benefit_copay import low_cost_limit_vnd
from insurance_svc.domain.errors import VisitCodeUnknown
from insurance_svc.domain.model import Benefit, Finding, InsuranceCard, Outcome
from insurance_svc.domain.tables import FacilityTableInvalid, load_rules, parse_facilities

RULES = load_rules()
MANY_VND = 10_000_000
DAY = date(2026, 9, 1)


def card(number: str = "GD4060600000001", **fields: object) -> InsuranceCard:
    whole: dict[str, object] = {
        "number": number,
        "object_group": number[:2] if len(number) == 15 else "",
        "benefit_level": int(number[2]) if len(number) == 15 else 0,
        "registered_facility_code": "06001",
    }
    return InsuranceCard(**{**whole, **fields})  # type: ignore[arg-type]  # fields of a test


def finding(outcome: Outcome = Outcome.VALID, held: InsuranceCard | None = None) -> Finding:
    return Finding(outcome=outcome, explanation_vi="v", explanation_en="e", card=held)


def rate(
    held: InsuranceCard | None = None,
    *,
    outcome: Outcome = Outcome.VALID,
    facility: str = "19999",
    code: str = "",
    inpatient: bool = False,
    emergency: bool = False,
    day: date = DAY,
    covered_vnd: int = MANY_VND,
) -> tuple[str, Benefit]:
    facts = VisitFacts(
        facility=facility,
        service_date=day,
        visit_code=code,
        is_inpatient=inpatient,
        is_emergency=emergency,
        covered_vnd=covered_vnd,
    )
    return benefit_of(finding(outcome, held or card()), facts, RULES)


@pytest.mark.parametrize(
    ("number", "expected"),
    [("TE1060600000001", 100), ("HN2060600000001", 100), ("HT3060600000001", 95), ("GD4060600000001", 80)],
)
def test_the_own_facility_gives_the_cards_base_rate(number: str, expected: int) -> None:
    code, benefit = rate(card(number, registered_facility_code="19999"))

    assert (code, benefit.rate_pct) == ("1.1", Decimal(expected))
    assert benefit.rule_id == "VISIT_CODE_1.1"
    assert benefit.rule_valid_from_date == date(2025, 7, 1)
    assert "3276" in benefit.legal_reference


def test_a_commune_station_pays_everything_whatever_the_level() -> None:
    code, benefit = rate(facility="19T01")

    assert (code, benefit.rate_pct) == ("1.2", Decimal(100))


def test_a_facility_is_known_by_the_code_it_had_before_the_merger() -> None:
    code, _ = rate(card(registered_facility_code="06999"), facility="19998")

    assert code == "1.1"


@pytest.mark.parametrize(
    ("facility", "inpatient", "emergency", "expected"),
    [
        ("19999", False, False, "1.12"),
        ("19999", True, False, "1.15"),
        ("19999", False, True, "2"),
        ("88888", False, False, "1.11"),
        ("88888", False, True, "2"),
        ("19T01", False, True, "1.2"),
    ],
)
def test_the_code_is_worked_out_from_facility_stay_and_emergency(
    facility: str, inpatient: bool, emergency: bool, expected: str
) -> None:
    code, _ = rate(facility=facility, inpatient=inpatient, emergency=emergency)

    assert code == expected


@pytest.mark.parametrize(
    ("row", "inpatient", "expected"),
    [
        ("basic,60,", False, "1.13"),
        # Half by its points, all of it by its former tier: the higher right counts (Decree 188/2025 art. 21 k1).
        ("basic,60,district", False, "3.3"),
        ("basic,,district", False, "1.12"),
        ("basic,30,provincial", False, "1.14"),
        ("specialised,80,district", False, "3.3"),
        ("specialised,80,provincial", False, "1.18"),
        ("specialised,80,provincial", True, "3.2"),
        ("specialised,80,central", True, "3.1"),
        ("first,,", False, "1.11"),
    ],
)
def test_level_points_and_former_tier_decide_for_who_comes_by_himself(
    row: str, inpatient: bool, expected: str
) -> None:
    from dataclasses import replace

    level, points, tier = row.split(",")
    columns = ("facility_code", "name_vi", "kind", "level", "points", "former_tier", "former_codes")
    values = ("19777", "X", "hospital", level, points, tier, "")
    made = {**dict(zip(columns, values, strict=True)), "valid_from": "2025-01-01", "valid_to": ""}
    rules = replace(RULES, facilities=parse_facilities([made]))
    facts = VisitFacts(
        facility="19777",
        service_date=DAY,
        visit_code="",
        is_inpatient=inpatient,
        is_emergency=False,
        covered_vnd=MANY_VND,
    )

    code, _ = benefit_of(finding(held=card()), facts, rules)

    assert code == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2026, 6, 30), Decimal(0)), (date(2026, 7, 1), Decimal(40)), (date(2025, 8, 1), Decimal(0))],
)
def test_half_the_rate_begins_on_the_first_of_july_2026(day: date, expected: Decimal) -> None:
    _, benefit = rate(code="1.13", day=day)

    assert benefit.rate_pct == expected


def test_half_of_95_percent_stays_exact() -> None:
    _, benefit = rate(card("HT3060600000001"), code="1.14")

    assert benefit.rate_pct == Decimal("47.5")
    assert "50%" in benefit.why_vi


def test_a_former_central_hospital_pays_40_percent_of_the_base_for_inpatients() -> None:
    assert rate(code="3.1", inpatient=True)[1].rate_pct == 32
    assert rate(code="3.1")[1].rate_pct == 0


@pytest.mark.parametrize(
    ("day", "number", "expected"),
    [
        (date(2025, 12, 31), "CN3060600000001", 95),
        (date(2026, 1, 1), "CN3060600000001", 100),
        (date(2025, 12, 31), "LH4060600000001", 80),
        (date(2026, 1, 1), "LH4060600000001", 100),
        (date(2026, 1, 1), "GD4060600000001", 80),
    ],
)
def test_the_level_of_a_group_is_the_one_of_the_day_not_the_printed_one(
    day: date, number: str, expected: int
) -> None:
    assert card_base(card(number), day, RULES).rate_pct == expected


@pytest.mark.parametrize("number", ["0600000001", "099190000001"])
def test_an_unknown_level_counts_as_the_lowest_and_says_so(number: str) -> None:
    base = card_base(card(number), DAY, RULES)

    assert base.rate_pct == 80
    assert "chưa biết mức hưởng" in base.vi


@pytest.mark.parametrize(
    ("day", "limit_vnd"),
    [
        (date(2026, 6, 30), 351_000),
        (date(2026, 7, 1), 379_500),
        (date(2024, 6, 30), 270_000),
        (date(2013, 6, 30), None),
    ],
)
def test_the_low_cost_limit_is_15_percent_of_the_base_salary_of_the_day(
    day: date, limit_vnd: int | None
) -> None:
    assert low_cost_limit_vnd(RULES, day) == limit_vnd


@pytest.mark.parametrize(
    ("covered_vnd", "expected", "rule"),
    [(379_499, 100, "BELOW_15_PERCENT"), (379_500, 80, "VISIT_CODE_1.12")],
)
def test_the_low_cost_rule_is_strict(covered_vnd: int, expected: int, rule: str) -> None:
    _, benefit = rate(covered_vnd=covered_vnd)

    assert (benefit.rate_pct, benefit.rule_id) == (Decimal(expected), rule)
    if rule == "BELOW_15_PERCENT":
        assert "161/2026" in benefit.legal_reference
        assert benefit.rule_valid_from_date == date(2026, 7, 1)


def test_the_low_cost_rule_does_not_mend_a_route_that_was_not_kept() -> None:
    _, benefit = rate(code="1.13", covered_vnd=100_000)

    assert benefit.rate_pct == 40


@pytest.mark.parametrize("outcome", [Outcome.SELF_PAY, Outcome.NOT_VALID, Outcome.NOT_FOUND])
def test_without_a_valid_card_the_fund_pays_nothing_for_good(outcome: Outcome) -> None:
    _, benefit = rate(outcome=outcome)

    assert (benefit.rate_pct, benefit.rule_id, benefit.is_provisional) == (Decimal(0), "NOT_INSURED", False)
    assert not benefit.is_insured


@pytest.mark.parametrize("outcome", [Outcome.UNVERIFIED, Outcome.DISPUTED, Outcome.PERSON_MISMATCH])
def test_what_is_not_known_yet_is_computed_again_later(outcome: Outcome) -> None:
    _, benefit = rate(outcome=outcome)

    assert benefit.rule_id == f"{outcome}_PENDING"
    assert benefit.is_provisional
    assert benefit.rate_pct == 0
    assert "tính lại" in benefit.why_vi
    assert "188/2025" in benefit.legal_reference


def test_code_9_is_not_insured_even_with_a_valid_card() -> None:
    assert rate(code="9")[1].rule_id == "NOT_INSURED"


@pytest.mark.parametrize(
    ("code", "inpatient", "day", "why"),
    [
        ("1.99", False, DAY, "no_such_code"),
        ("1.1", False, date(2025, 6, 30), "not_in_force"),
        ("1.12", True, DAY, "not_for_inpatient"),
        ("1.15", False, DAY, "not_for_outpatient"),
        ("10", False, DAY, "needs_code_of_original_visit"),
        ("8", False, DAY, "not_for_outpatient"),
    ],
)
def test_a_code_that_does_not_count_is_refused_with_the_reason(
    code: str, inpatient: bool, day: date, why: str
) -> None:
    with pytest.raises(VisitCodeUnknown) as caught:
        rate(code=code, inpatient=inpatient, day=day)

    assert caught.value.facts["why"] == why


def test_a_wrong_code_is_refused_even_while_the_coverage_is_unverified() -> None:
    with pytest.raises(VisitCodeUnknown):
        rate(outcome=Outcome.UNVERIFIED, code="1.99")


def test_a_facility_table_with_a_wrong_line_is_refused_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(
        "facility_code,name_vi,kind,level,points,former_tier,former_codes,valid_from,valid_to\n"
        "19001,A,hospital,basic,45,,,2025-01-01,\n"
        "19002,B,hospital,middle,45,,,2025-01-01,\n",
        encoding="utf-8",
    )

    with pytest.raises(FacilityTableInvalid, match="line 3"):
        load_rules(file)
