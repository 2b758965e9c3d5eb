"""The operator's list of serious diseases: codes, ranges, exceptions and ages, and lines that cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from insurance_svc.domain.benefit import judge_card
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.model import Circumstances, InsuranceCard
from insurance_svc.domain.tables import (
    DiseaseTableInvalid,
    Rules,
    load_rules,
    parse_facilities,
)

HEADER = "annex,row,icd10,except_icd10,below_age_years,valid_from,valid_to,source\n"
CENTRAL = {
    "facility_code": "19777",
    "name_vi": "X",
    "kind": "hospital",
    "level": "specialised",
    "points": "90",
    "former_tier": "central",
    "former_codes": "",
    "valid_from": "2025-01-01",
    "valid_to": "",
}


def rules_with(tmp_path: Path, text: str) -> Rules:
    file = tmp_path / "diseases.csv"
    file.write_text(HEADER + text, encoding="utf-8")
    return replace(load_rules(None, file), facilities=parse_facilities([CENTRAL]))


def code_of(rules: Rules, icd10: str, *, age_years: int | None = None, day: str = "2026-09-01") -> str:
    facts = VisitFacts(
        facility="19777",
        service_date=date.fromisoformat(day),
        visit_code="",
        is_inpatient=False,
        is_emergency=False,
        covered_vnd=10_000_000,
        circumstances=Circumstances(principal_diagnosis=icd10, age_years=age_years),
    )
    return judge_card(InsuranceCard(number="", object_group="GD", benefit_level=4), facts, rules).visit_code


@pytest.mark.parametrize(
    ("icd10", "expected"),
    [
        ("B99", "3.1"),
        ("C00", "1.17"),
        ("C34.1", "1.17"),
        ("C97.9", "1.17"),
        ("C98", "3.1"),
        ("C50.2", "3.1"),
        ("C50.3", "1.17"),
        ("", "3.1"),
    ],
)
def test_a_disease_of_annex_i_needs_no_slip_at_a_specialised_facility(
    tmp_path: Path, icd10: str, expected: str
) -> None:
    rules = rules_with(tmp_path, "I,1,C00-C97,C50.2,,2025-01-01,,x\n")

    assert code_of(rules, icd10) == expected


@pytest.mark.parametrize(("age_years", "expected"), [(17, "1.17"), (18, "3.1"), (None, "3.1")])
def test_a_row_with_an_age_counts_below_it_only(tmp_path: Path, age_years: int | None, expected: str) -> None:
    rules = rules_with(tmp_path, "I,2,Q20-Q28,,18,2025-01-01,,x\n")

    assert code_of(rules, "Q21.0", age_years=age_years) == expected


def test_a_row_counts_in_its_days_and_for_its_annex(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, "I,1,E10,,,2025-01-01,2026-08-31,x\nII,1,E11,,,2025-01-01,,x\n")

    assert code_of(rules, "E10.1", day="2026-08-31") == "1.17"
    assert code_of(rules, "E10.1", day="2026-09-01") == "3.1"
    assert code_of(rules, "E11.1", day="2026-08-31") == "3.1"


@pytest.mark.parametrize(
    "line",
    [
        "III,1,C00,,,2025-01-01,,x\n",
        "I,1,,,,2025-01-01,,x\n",
        "I,1,ung thư,,,2025-01-01,,x\n",
        "I,1,C00-,x,,2025-01-01,,x\n",
        "I,1,C00,,abc,2025-01-01,,x\n",
        "I,1,C00,,,2025-13-01,,x\n",
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(DiseaseTableInvalid, match="line 2"):
        rules_with(tmp_path, line)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiseaseTableInvalid, match="cannot be opened"):
        load_rules(None, tmp_path / "none.csv")


def test_the_packaged_sample_is_in_the_form_that_is_read() -> None:
    sample = resources.files("insurance_svc.domain").joinpath("data", "serious_diseases.sample.csv")

    with resources.as_file(sample) as file:
        assert len(load_rules(None, file).diseases) == 3
