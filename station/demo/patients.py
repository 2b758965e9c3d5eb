"""The six patients of the demonstration and what must come of each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import claims_pb2 as claims
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment
from standards.vietqr import decode
from station.demo.desk import ACCOUNT, WITHIN_MS, Desk
from station.demo.expectations import Expectations

EXAMINATION = insurance.CostLine(
    line_id="1",
    service_code="KB-NOI",
    display_name="Khám nội",
    quantity="1",
    unit_price_vnd=50_600,
    covered_unit_price_vnd=50_600,
)
BLOOD_COUNT = insurance.CostLine(
    line_id="2",
    service_code="XN-CTM",
    display_name="Tổng phân tích tế bào máu",
    quantity="1",
    unit_price_vnd=480_000,
    covered_unit_price_vnd=430_000,
)
MEDICINE = insurance.CostLine(
    line_id="3",
    service_code="TH-PARA500",
    display_name="Paracetamol 500 mg",
    quantity="20",
    unit_price_vnd=1_350,
    covered_unit_price_vnd=1_350,
)
LINES = (EXAMINATION, BLOOD_COUNT, MEDICINE)
DOCTOR, TECHNICIAN = "000002/TEST-GPHN", "000004/TEST-GPHN"
TOTAL_VND = 557_600

Patient = Callable[[Desk, Expectations], Awaitable[None]]


def lines_of(visit: emr.Visit) -> list[insurance.CostLine]:
    """The same lines with what a claim asks for: groups, units, licences, and times inside the visit."""
    lines = []
    for line, kind, group, unit, performer in (
        (EXAMINATION, insurance.LINE_KIND_SERVICE, 13, "Lần", DOCTOR),
        (BLOOD_COUNT, insurance.LINE_KIND_SERVICE, 1, "Lần", TECHNICIAN),
        (MEDICINE, insurance.LINE_KIND_DRUG, 4, "Viên", ""),
    ):
        whole = insurance.CostLine(
            kind=kind,
            cost_group=group,
            unit=unit,
            prescriber_licence=DOCTOR,
            performer_licence=performer,
            department_code="K01",
            diagnosis_codes=["J06.9"],
            order_time=visit.open_time,
            perform_time=visit.open_time,
        )
        whole.MergeFrom(line)
        lines.append(whole)
    lines[1].result_time.CopyFrom(visit.open_time)
    lines[1].claim_fields["MA_MAY"] = "XN.1.DEMO1"
    for name, text in (
        ("HAM_LUONG", "500 mg"), ("DUONG_DUNG", "1.01"), ("LIEU_DUNG", "1 viên/lần * 2 lần/ngày"),
        ("SO_DANG_KY", "VD-00000-26"), ("TT_THAU", "2026;G1;N1"),
    ):  # fmt: skip
        lines[2].claim_fields[name] = text
    return lines


def claim_state(claim: claims.Claim) -> str:
    """The state of a claim."""
    return claims.ClaimState.Name(claim.state).removeprefix("CLAIM_STATE_")


async def accepted(desk: Desk, visit: str) -> claims.Claim:
    """Wait until the portal has taken the claim."""
    return await desk.claim_until(visit, lambda claim: claim_state(claim) in ("ACCEPTED", "REJECTED"))


def leg_states(view: pb.VisitView) -> set[str]:
    """The different ways in which the legs of a journey ended."""
    return {pb.LegState.Name(leg.state).removeprefix("LEG_STATE_") for leg in view.legs}


def identity_outcome(view: pb.VisitView) -> str:
    """The outcome of the newest verification."""
    name = identity.VerificationOutcome.Name(view.citizen.verification.outcome)
    return name.removeprefix("VERIFICATION_OUTCOME_")


def coverage_outcome(view: pb.VisitView) -> str:
    """The outcome of the newest coverage check."""
    return insurance.CoverageOutcome.Name(view.coverage.outcome).removeprefix("COVERAGE_OUTCOME_")


def bill_state(view: pb.VisitView) -> str:
    """The state of the bill."""
    return payment.BillState.Name(view.bill.state).removeprefix("BILL_STATE_")


async def paid(desk: Desk, visit: str) -> pb.VisitView:
    """Wait until the bill is paid."""
    return await desk.watch_until(visit, lambda view: view.bill.state == payment.BILL_STATE_PAID)


async def clean(desk: Desk, expect: Expectations) -> None:
    """Clean data: verified, insured, ticket, fee split, VietQR, paid by webhook, receipt."""
    admitted = await desk.check_in(await desk.card_of("clean"))
    expect.equal("identity", identity_outcome(admitted), "VERIFIED")
    expect.equal("insurance", coverage_outcome(admitted), "VALID")
    expect.true("queue ticket", admitted.visit.ticket.number >= 1, f"number {admitted.visit.ticket.number}")
    expect.equal("every leg", leg_states(admitted), {"DONE"})
    await desk.examine(admitted.name)
    ended = await desk.discharge(admitted.name, lines_of(admitted.visit))
    bill, split = ended.bill, ended.split
    expect.equal("total", bill.total_vnd, TOTAL_VND)
    expect.true("fund pays a part", bill.fund_vnd > 0, f"{bill.fund_vnd} of {bill.total_vnd}")
    expect.equal(
        "shares add up", split.fund_vnd + split.patient_vnd + split.other_funding_vnd, split.total_vnd
    )
    expect.true("every line names its rule", all(line.legal_reference for line in split.lines))
    shown = decode(bill.intents[-1].vietqr_payloads[0])
    expect.equal("VietQR into the hospital's own account", shown.account_number, ACCOUNT)
    expect.equal("VietQR amount", shown.amount_vnd, bill.patient_vnd)
    await desk.transfer(bill.patient_vnd, bill.intents[-1].reference_code)
    settled = await paid(desk, admitted.name)
    expect.equal("bill", bill_state(settled), "PAID")
    expect.equal("receipt carries the trace code", settled.bill.receipts[0].trace_code, admitted.trace_code)
    expect.equal("record", emr.VisitState.Name(settled.visit.state), "VISIT_STATE_CLOSED")
    claim = await accepted(desk, admitted.name)
    expect.equal("claim built, checked, signed, sent", claim_state(claim), "ACCEPTED")


async def former_bac_kan(desk: Desk, expect: Expectations) -> None:
    """A former Bắc Kạn address, another tone placement in the name: found all the same."""
    admitted = await desk.check_in(await desk.card_of("old_address", "tone_placement"))
    expect.true("identity", identity_outcome(admitted) in ("VERIFIED", "PARTIAL"), identity_outcome(admitted))
    expect.equal("insurance", coverage_outcome(admitted), "VALID")
    candidates = admitted.citizen.address.candidates
    expect.true("address is resolved", len(candidates) >= 1, f"{len(candidates)} reading")
    if candidates:
        old, new = candidates[0].old_unit, candidates[0].new_unit
        expect.equal("old province", old.province_name, "Tỉnh Bắc Kạn")
        expect.equal("new province", new.province_name, "Tỉnh Thái Nguyên")
        expect.true(
            "old and new commune codes",
            bool(old.ward_code and new.ward_code),
            f"{old.ward_code} → {new.ward_code}",
        )
        expect.true(
            "reason and decree", "19/2025" in candidates[0].legal_reference and bool(candidates[0].reason_vi)
        )


async def replaced_card(desk: Desk, expect: Expectations) -> None:
    """The insurance card was replaced (003): the new card is taken, the reply kept as evidence."""
    admitted = await desk.check_in(await desk.card_of("card_replaced"))
    coverage = admitted.coverage
    expect.equal("insurance", coverage_outcome(admitted), "CARD_CHANGED")
    expect.true("the new card counts", bool(coverage.card.number) and coverage.card != coverage.replaced_card)
    evidence = [await desk.evidence(name) for name in coverage.evidence]
    expect.true("the reply 003 is kept", "003" in {kept.portal_code for kept in evidence})
    intact = all(sha256(kept.reply).hexdigest() == kept.reply_sha256 for kept in evidence)
    expect.true("evidence fits its hash", intact, f"{len(evidence)} replies")


async def portal_down(desk: Desk, expect: Expectations) -> None:
    """The insurance portal is down: admitted unverified, re-checked by itself, split corrected before the bill."""
    card_qr = await desk.card_of("clean", offset=1)
    await desk.sandbox.set_fault("portal", "down")
    try:
        started = time.monotonic()
        admitted = await desk.check_in(card_qr)
        took_ms = int((time.monotonic() - started) * 1000)
        expect.true("answered within the deadline", took_ms < WITHIN_MS, f"{took_ms} ms")
        expect.equal("insurance", coverage_outcome(admitted), "UNVERIFIED")
        expect.true("admitted with a ticket", admitted.visit.ticket.number >= 1)
        kept = await desk.evidence(admitted.coverage.evidence[0])
        expect.true("evidence of the failure", bool(kept.failure_reason), kept.failure_reason)
        waiting = await desk.discharge(admitted.name, LINES)
        expect.true("first split is provisional", waiting.split.provisional)
        expect.equal("no bill before the coverage is known", waiting.bill.total_vnd, 0)
    finally:
        await desk.sandbox.clear("portal")
    corrected = await desk.watch_until(
        admitted.name,
        lambda view: (
            view.coverage.outcome == insurance.COVERAGE_OUTCOME_VALID
            and view.split.split_number > waiting.split.split_number
        ),
    )
    expect.equal("re-checked by itself", coverage_outcome(corrected), "VALID")
    expect.true(
        "split corrected",
        corrected.split.fund_vnd > 0 and not corrected.split.provisional,
        f"fund {waiting.split.fund_vnd} → {corrected.split.fund_vnd}",
    )
    await desk.examine(admitted.name)
    ended = await desk.discharge(admitted.name, lines_of(admitted.visit))
    expect.equal("bill follows the corrected split", ended.bill.fund_vnd, corrected.split.fund_vnd)
    await desk.transfer(ended.bill.patient_vnd, ended.bill.intents[-1].reference_code)
    expect.equal("bill", bill_state(await paid(desk, admitted.name)), "PAID")
    claim = await accepted(desk, admitted.name)
    expect.equal("claim after the correction", claim_state(claim), "ACCEPTED")


async def disputed(desk: Desk, expect: Expectations) -> None:
    """Name and birth date differ from the register: disputed, shown field by field, care goes on."""
    admitted = await desk.check_in(await desk.card_of("disputed"))
    expect.equal("identity", identity_outcome(admitted), "DISPUTED")
    checks = {check.field: check for check in admitted.citizen.verification.fields}
    for field in ("full_name", "birth_date"):
        check = checks.get(field, identity.FieldCheck())
        expect.equal(f"{field}", identity.FieldResult.Name(check.result), "FIELD_RESULT_MISMATCH")
        expect.true(
            f"{field}: explained with a repair proposal", bool(check.explanation_vi and check.proposals)
        )
    expect.true("care goes on", admitted.visit.ticket.number >= 1, f"ticket {admitted.visit.ticket.number}")


async def not_insured(desk: Desk, expect: Expectations) -> None:
    """Not insured: pays too little first and the rest in a second transfer; a stranger's money becomes a break."""
    admitted = await desk.check_in(await desk.card_of("not_insured"))
    expect.equal("insurance", coverage_outcome(admitted), "NOT_FOUND")
    ended = await desk.discharge(admitted.name, LINES)
    expect.equal("the patient pays all", ended.bill.patient_vnd, TOTAL_VND)
    first_vnd = 300_000
    await desk.transfer(first_vnd, ended.bill.intents[-1].reference_code)
    partly = await desk.watch_until(admitted.name, lambda view: view.bill.paid_vnd > 0)
    expect.equal("after the first transfer", bill_state(partly), "PARTIALLY_PAID")
    asked = await desk.pay_again(admitted.name)
    await desk.transfer(TOTAL_VND - first_vnd, asked.intents[-1].reference_code)
    settled = await paid(desk, admitted.name)
    expect.equal("after the second", bill_state(settled), "PAID")
    expect.equal("receipts", [receipt.amount_vnd for receipt in settled.bill.receipts], [300_000, 257_600])
    await desk.transfer(77_000, "ung ho benh nhan ngheo")
    codes = {payment.BreakCode.Name(row.code) for row in await desk.open_breaks()}
    expect.true(
        "the stranger's transfer", "BREAK_CODE_UNIDENTIFIED_RECEIPT" in codes, ", ".join(sorted(codes))
    )


ALL: tuple[Patient, ...] = (clean, former_bac_kan, replaced_card, portal_down, disputed, not_insured)


async def end_of_day(desk: Desk, expect: Expectations) -> None:
    """The statement of the day: every transfer on it is matched or a typed break, and the books are at zero."""
    imported = await desk.import_statement("camt053")
    expect.equal("lines", imported.line_count, 5)
    expect.true("opening + lines = closing", imported.balance_proved)
    run = await desk.reconcile()
    expect.equal("lines matched to their notification", run.matched_by_bank_reference_count, 5)
    rows = await desk.open_breaks()
    expect.equal(
        "open breaks",
        [(payment.BreakCode.Name(row.code), row.amount_vnd) for row in rows],
        [("BREAK_CODE_UNIDENTIFIED_RECEIPT", 77_000)],
    )
    again = await desk.reconcile()
    expect.equal(
        "a second run finds nothing new", (again.break_count, again.posted_from_statement_count), (0, 0)
    )
    first = await desk.read(desk.visits[0])
    expect.true("the first bill is reconciled", first.bill.reconciled)
    expect.equal("ledger sums to zero", (await desk.balances()).sum_vnd, 0)
