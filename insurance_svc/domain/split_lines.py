"""What can be a bill line, and what cannot: refused by its place, before any money is counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter

from insurance_svc.domain.errors import LineMalformed, TooManyLines
from insurance_svc.domain.model import CostLine
from insurance_svc.domain.split_measure import FORCES_SCOPE, PATIENT_SCOPE
from standards.money import round_half_up

LINES_MAX = 2_000
LINE_TOTAL_MAX_VND = 100_000_000_000
"""A hundred billion dong on one line is a typing error; sums of 2,000 lines stay far inside 64 bits."""
COST_GROUP_MAX = 19
CLAIM_FIELDS_MAX = 40
_QUANTITY_MAX = Decimal(1_000_000)
_ANY_QUANTITY_VND = 100_000
"""Up to this price no quantity makes a line too large."""
_LINE_ID_MAX_CHARS = 32
_TEXT_MAX_CHARS = 500
_CODE_MAX_CHARS = 255
_CODE_FIELDS = (
    "prescriber_licence",
    "performer_licence",
    "department_code",
    "unit",
    "bed_code",
    "surgery_session",
    "surgery_team",
)
_codes_of = attrgetter(*_CODE_FIELDS)
_DIAGNOSES_MAX_CHARS = 100
_FIELD_MAX_CHARS = 1_024
_PLACE = Decimal("0.001")
_FIELD_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,39}", re.ASCII)
_COMPUTED_FIELDS = re.compile(r"T_.*|THANH_TIEN_.*|DON_GIA.*|SO_LUONG|TYLE_TT_.*|MUC_HUONG|PHAM_VI|MA_LK|STT")
"""Fields of XML2 and XML3 that come from the split, never from a caller."""


def check_lines(lines: Sequence[CostLine]) -> None:
    """Refuse what cannot be a bill.

    Raises:
        TooManyLines: none, or more than LINES_MAX.
        LineMalformed: an id twice or too long, a quantity, price or rate out of range, other money above the total.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise TooManyLines(line_count=len(lines), limit_count=LINES_MAX)
    seen: set[str] = set()
    for index, line in enumerate(lines):
        is_drug = line.is_drug
        _check_texts(index, line)
        _check_prices(index, line, is_drug=is_drug)
        _check_rates(index, line, is_drug=is_drug)
        _check_sources(index, line)
        if line.line_id in seen:
            raise _refuse(index, "line_id", "given_twice")
        seen.add(line.line_id)


def _refuse(index: int, field: str, rule: str) -> LineMalformed:
    return LineMalformed(field=f"lines[{index}].{field}", rule=rule)


def _check_texts(index: int, line: CostLine) -> None:
    if not 1 <= len(line.line_id) <= _LINE_ID_MAX_CHARS:
        raise _refuse(index, "line_id", "1_to_32_characters")
    if not line.display_name.strip() or len(line.display_name) > _TEXT_MAX_CHARS:
        raise _refuse(index, "display_name", "1_to_500_characters")
    if len(line.service_code) > _TEXT_MAX_CHARS:
        raise _refuse(index, "service_code", "at_most_500_characters")
    codes = _codes_of(line)
    # All of them together are short on nearly every line.
    if len("".join(codes)) > _CODE_MAX_CHARS:
        for field, code in zip(_CODE_FIELDS, codes, strict=True):
            if len(code) > _CODE_MAX_CHARS:
                raise _refuse(index, field, "at_most_255_characters")
    if line.diagnosis_codes and len(";".join(line.diagnosis_codes)) > _DIAGNOSES_MAX_CHARS:
        raise _refuse(index, "diagnosis_codes", "at_most_100_characters")
    if line.claim_fields:
        _check_claim_fields(index, line)


def _check_claim_fields(index: int, line: CostLine) -> None:
    if len(line.claim_fields) > CLAIM_FIELDS_MAX:
        raise _refuse(index, "claim_fields", "at_most_40")
    for name, text in line.claim_fields:
        if _FIELD_NAME.fullmatch(name) is None or _COMPUTED_FIELDS.fullmatch(name) is not None:
            raise _refuse(index, "claim_fields", "a_field_of_xml2_or_xml3_that_is_not_computed")
        if len(text) > _FIELD_MAX_CHARS:
            raise _refuse(index, "claim_fields", "at_most_1024_characters")


def _check_prices(index: int, line: CostLine, *, is_drug: bool) -> None:
    quantity = line.quantity
    if not 0 < quantity <= _QUANTITY_MAX or quantity % _PLACE:
        raise _refuse(index, "quantity", "above_0_with_at_most_3_places")
    if not 0 <= line.unit_price_vnd <= LINE_TOTAL_MAX_VND:
        raise _refuse(index, "unit_price_vnd", "out_of_range")
    if not 0 <= line.covered_unit_price_vnd <= line.unit_price_vnd:
        raise _refuse(index, "covered_unit_price_vnd", "0_to_unit_price")
    if line.exact_unit_price is not None or line.exact_covered_unit_price is not None:
        _check_exact_prices(index, line, is_drug=is_drug)
    if is_drug and line.covered_unit_price_vnd not in (0, line.unit_price_vnd):
        raise _refuse(index, "covered_unit_price_vnd", "a_drug_has_one_price")
    if line.unit_price_vnd > _ANY_QUANTITY_VND and quantity * line.unit_price_vnd > LINE_TOTAL_MAX_VND:
        raise _refuse(index, "quantity", "line_total_too_large")
    if not 0 <= line.ceiling_vnd <= LINE_TOTAL_MAX_VND:
        raise _refuse(index, "ceiling_vnd", "out_of_range")
    if line.ceiling_vnd and is_drug:
        raise _refuse(index, "ceiling_vnd", "not_for_drugs")


def _check_exact_prices(index: int, line: CostLine, *, is_drug: bool) -> None:
    price, covered = line.exact_unit_price, line.exact_covered_unit_price
    for field, exact, whole_vnd in (
        ("exact_unit_price", price, line.unit_price_vnd),
        ("exact_covered_unit_price", covered, line.covered_unit_price_vnd),
    ):
        if exact is None:
            continue
        if not 0 <= exact <= LINE_TOTAL_MAX_VND or exact % _PLACE or round_half_up(exact) != whole_vnd:
            raise _refuse(index, field, "the_whole_price_before_rounding")
    known_price = Decimal(line.unit_price_vnd) if price is None else price
    known_covered = Decimal(line.covered_unit_price_vnd) if covered is None else covered
    if known_covered > known_price:
        raise _refuse(index, "exact_covered_unit_price", "0_to_unit_price")
    if is_drug and known_covered not in (0, known_price):
        raise _refuse(index, "exact_covered_unit_price", "a_drug_has_one_price")


def _check_rates(index: int, line: CostLine, *, is_drug: bool) -> None:
    if not 0 <= line.cost_group <= COST_GROUP_MAX:
        raise _refuse(index, "cost_group", "0_to_19")
    if not 0 <= line.scope <= FORCES_SCOPE:
        raise _refuse(index, "scope", "0_to_3")
    if line.scope == PATIENT_SCOPE and line.covered_unit_price_vnd:
        raise _refuse(index, "scope", "the_fund_recognises_nothing_outside_its_scope")
    if not 0 <= line.in_scope_pct <= 100:
        raise _refuse(index, "in_scope_pct", "0_to_100")
    if not 0 <= line.service_pct <= 100:
        raise _refuse(index, "service_pct", "0_to_100")
    if is_drug and line.service_pct not in (0, 100):
        raise _refuse(index, "service_pct", "not_for_drugs")
    if not 0 <= line.bed_patient_count <= 9:
        raise _refuse(index, "bed_patient_count", "0_to_9")


def _check_sources(index: int, line: CostLine) -> None:
    sources = (line.other_state_vnd, line.other_foreign_vnd, line.other_domestic_vnd, line.other_rest_vnd)
    if not line.other_funding_vnd and not any(sources):
        return
    # Rounded here as the split does; an upper bound, since rates only lower it.
    total_vnd = round_half_up(
        line.quantity * (line.unit_price_vnd if line.exact_unit_price is None else line.exact_unit_price)
    )
    if not 0 <= line.other_funding_vnd <= total_vnd or min(sources) < 0:
        raise _refuse(index, "other_funding_vnd", "0_to_line_total")
    if any(sources) and sum(sources) != line.other_funding_vnd:
        raise _refuse(index, "other_funding_vnd", "sum_of_its_four_sources")
