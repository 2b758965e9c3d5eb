"""Tables XML2 (drugs) and XML3 (services, beds, supplies, transport) of a claim, from the lines of the split.

Source: annex of Decision 3176/QĐ-BYT (29/10/2024, visits from 01/01/2025).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from insurance_svc.domain.claim_amounts import ClaimAmounts, claim_line_amounts
from insurance_svc.domain.claim_facts import EntryKind, FacilityFacts, VisitEntry, local
from insurance_svc.domain.model import CostLine, LineKind, StoredSplit
from standards.claims import Row, Schema

_NOT_XML = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_SUPPLY_GROUPS = frozenset({10, 11})
_BY_FUND = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """One line of the claim with its amounts."""

    table: str
    row: Row
    amounts: ClaimAmounts
    is_supply: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """When and by whom something was ordered, as the record tells it."""

    order_time: datetime | None = None
    licence: str = ""


def claim_lines(
    stored: StoredSplit,
    entries: Sequence[VisitEntry],
    *,
    schema: Schema,
    link_id: str,
    facility: FacilityFacts | None,
    principal: str,
) -> list[ClaimLine]:
    """The lines of a split as rows, numbered within their table.

    Args:
        stored: The newest split; amounts follow from its lines and what was applied to each.
        entries: SERVICE entries tell time and author of an order where the line does not: the first of a code belongs
            to the first line of that code.
        schema: The tables of the visit's day.
        principal: Principal diagnosis, for services that do not say what they were ordered for.
    """
    orders = _orders(entries, facility)
    applied = {line.line_id: line for line in stored.split.lines}
    made: list[ClaimLine] = []
    counts: dict[str, int] = defaultdict(int)
    for line in stored.command.lines:
        split_line = applied[line.line_id]
        amounts = claim_line_amounts(
            line, split_line.benefit or stored.split.benefit, service_pct=split_line.service_pct
        )
        table = "XML2" if amounts.is_drug else "XML3"
        counts[table] += 1
        queue = orders.get(line.service_code, [])
        order = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else _Order()
        row = {
            **_told(line, schema, table),
            "MA_LK": link_id,
            "STT": str(counts[table]),
            **_both(line, amounts, order, facility),
            **(_drug(line, amounts) if amounts.is_drug else _service(line, amounts, principal)),
        }
        row = {name: value for name, value in row.items() if value}
        made.append(ClaimLine(table=table, row=row, amounts=amounts, is_supply=_is_supply(line)))
    return made


def fund_by_fee(lines: Sequence[ClaimLine]) -> Decimal:
    """T_BHTT_GDV: the fund's share of the lines that are paid by fee for service."""
    return sum((line.amounts.fund for line in lines if line.row.get("MA_PTTT") == "1"), Decimal("0.00"))


def supplies_total(lines: Sequence[ClaimLine]) -> Decimal:
    """T_VTYT: THANH_TIEN_BV of the supplies."""
    return sum((line.amounts.total for line in lines if line.is_supply), Decimal("0.00"))


def money(amount: Decimal) -> str:
    """Dong with at most two places; trailing zeros are dropped, as the annex allows."""
    return f"{amount.normalize():f}" if amount else "0"


def clean(text: str) -> str:
    """A text that XML can carry, on one line."""
    return _NOT_XML.sub(" ", text).strip()


def _orders(entries: Sequence[VisitEntry], facility: FacilityFacts | None) -> dict[str, list[_Order]]:
    found: dict[str, list[_Order]] = defaultdict(list)
    staff: Mapping[str, str] = facility.staff if facility else {}
    for entry in entries:
        if entry.kind is EntryKind.SERVICE:
            found[entry.code].append(
                _Order(order_time=entry.record_time, licence=staff.get(entry.author, ""))
            )
    return found


def _told(line: CostLine, schema: Schema, table: str) -> Row:
    """What the line says itself by field name; what is worked out below goes over it."""
    known = schema.tables[table].by_name
    return {name: clean(value) for name, value in line.claim_fields if name in known}


def _both(line: CostLine, amounts: ClaimAmounts, order: _Order, facility: FacilityFacts | None) -> Row:
    told = dict(line.claim_fields)
    department = line.department_code or (facility.department_code if facility else "")
    ordered = line.order_time or order.order_time
    return {
        "MA_NHOM": str(line.cost_group) if line.cost_group else "",
        "DON_VI_TINH": clean(line.unit),
        "PHAM_VI": str(amounts.scope),
        "TYLE_TT_BH": str(amounts.in_scope_pct),
        "SO_LUONG": money(amounts.quantity),
        "THANH_TIEN_BV": money(amounts.total),
        "THANH_TIEN_BH": money(amounts.covered),
        "T_NGUONKHAC_NSNN": money(amounts.other_state),
        "T_NGUONKHAC_VTNN": money(amounts.other_foreign),
        "T_NGUONKHAC_VTTN": money(amounts.other_domestic),
        "T_NGUONKHAC_CL": money(amounts.other_rest),
        "T_NGUONKHAC": money(amounts.other_funding),
        "MUC_HUONG": money(amounts.benefit_rate_pct),
        "T_BNTT": money(amounts.self_pay),
        "T_BNCCT": money(amounts.copay),
        "T_BHTT": money(amounts.fund),
        "MA_KHOA": department,
        "MA_BAC_SI": line.prescriber_licence or order.licence or told.get("MA_BAC_SI", ""),
        "NGAY_YL": local(ordered) if ordered else "",
        "NGAY_TH_YL": local(line.perform_time) if line.perform_time else "",
        "MA_PTTT": told.get("MA_PTTT", "") or (facility.payment_method if facility else ""),
    }


def _drug(line: CostLine, amounts: ClaimAmounts) -> Row:
    told = dict(line.claim_fields)
    by_fund = _BY_FUND if amounts.covered else ""
    return {
        "MA_THUOC": line.service_code,
        "TEN_THUOC": clean(line.display_name),
        "DON_GIA": money(amounts.unit_price),
        "NGUON_CTRA": told.get("NGUON_CTRA", "") or by_fund,
    }


def _service(line: CostLine, amounts: ClaimAmounts, principal: str) -> Row:
    name = clean(line.display_name)
    told = dict(line.claim_fields)
    if _is_supply(line):
        what = {"MA_VAT_TU": line.service_code, "TEN_VAT_TU": name}
    elif line.kind is LineKind.TRANSPORT and "MA_XANG_DAU" not in told:
        what = {"MA_XANG_DAU": line.service_code, "TEN_DICH_VU": name}
    else:
        what = {"MA_DICH_VU": line.service_code, "TEN_DICH_VU": name}
    return {
        **what,
        "DON_GIA_BV": money(amounts.unit_price),
        "DON_GIA_BH": money(amounts.covered_unit_price),
        "TYLE_TT_DV": str(amounts.service_pct),
        "T_TRANTT": str(line.ceiling_vnd) if line.ceiling_vnd else "",
        "MA_GIUONG": line.bed_code,
        "NGUOI_THUC_HIEN": line.performer_licence or told.get("NGUOI_THUC_HIEN", ""),
        "MA_BENH": ";".join(line.diagnosis_codes) or told.get("MA_BENH", "") or principal,
        "NGAY_KQ": local(line.result_time) if line.result_time else "",
    }


def _is_supply(line: CostLine) -> bool:
    return line.kind is LineKind.SUPPLY or (
        line.kind is LineKind.UNSPECIFIED and line.cost_group in _SUPPLY_GROUPS
    )
