"""Later look-ups, corrections, exports and published copayments on real stores: SQLite and PostgreSQL in turn."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.db import Tx
from chassis.rpc.context import Caller, acting_as
from insurance_svc.codec.paper import render
from insurance_svc.domain.errors import CoverageNotFound, EvidenceNotFound
from insurance_svc.domain.evidence_errors import FacilityMissing, NothingWasAsked
from insurance_svc.domain.evidence_paper import Contact, ExportFormat
from insurance_svc.domain.model import Evidence, Moment, Outcome
from insurance_svc.operations import CorrectionsQuery, ExportCommand, Exported, LookedUp, LookUpCommand
from lienthong.insurance.v1 import insurance_pb2 as pb
from tests.support.fake_portal import CARD, CITIZEN, NAME, copayments, refusal, reply
from tests.support.insurance import CLERK, QUERIES_FILES, Insurance, check_request
from tests.support.stores import OpenStore

ELSEWHERE = Caller(subject="persons/2", roles=frozenset({"CLERK"}), facility="19998", purpose="treatment")
SQL = Path(__file__).parents[2] / "insurance_svc" / "store"


@pytest.fixture
async def insurance(open_store: OpenStore, tmp_path: Path) -> Insurance:
    return Insurance(await open_store("insurance_svc", queries=QUERIES_FILES), tmp_path)


async def look_up(
    insurance: Insurance,
    moment: Moment = Moment.END,
    *,
    request_id: str = "",
    caller: Caller = CLERK,
    with_copayments: bool = False,
) -> LookedUp:
    request = pb.LookUpAgainRequest(request_id=request_id or str(uuid.uuid4()), visit="visits/v1")
    command = LookUpCommand(visit_id="v1", moment=moment, with_copayments=with_copayments)
    with acting_as(caller, within_ms=5_000):
        return await insurance.look_up_again(
            command, key=insurance.key("LookUpAgain", request), caller=caller
        )


async def export(
    insurance: Insurance,
    chosen: ExportFormat = ExportFormat.JSON,
    *,
    request_id: str = "",
    caller: Caller = CLERK,
) -> Exported:
    request = pb.ExportEvidenceRequest(request_id=request_id or str(uuid.uuid4()), visit="visits/v1")
    command = ExportCommand(visit_id="v1", format=chosen, contact=Contact(phone="0900 000 000"))
    with acting_as(caller, within_ms=5_000):
        return await insurance.export_evidence(
            command, key=insurance.key("ExportEvidence", request), caller=caller
        )


async def test_each_look_up_of_a_treatment_is_kept_with_its_moment(insurance: Insurance) -> None:
    await insurance.check()
    await look_up(insurance, Moment.DURING)
    looked_up = await look_up(insurance, Moment.END)

    evidence = await insurance.read_coverage.evidence_of("v1", CLERK)
    newest = await insurance.read_coverage.newest("v1", CLERK)
    looks = [each for each in evidence if not each.call.form.startswith("copayments/")]
    assert [each.moment for each in looks] == [Moment.ARRIVAL, Moment.DURING, Moment.END]
    assert (newest, newest.moment, newest.check_number) == (looked_up.coverage, Moment.END, 3)


async def test_a_silent_portal_at_the_end_leaves_what_was_known_and_keeps_the_proof(
    insurance: Insurance,
) -> None:
    known = await insurance.check()
    insurance.scripted.down = "PORTAL_TIMEOUT"
    insurance.clock.advance(timedelta(days=3))

    looked_up = await look_up(insurance)

    assert (looked_up.coverage, looked_up.failure_reason) == (known, "PORTAL_TIMEOUT")
    assert looked_up.coverage.as_of_time == known.as_of_time
    last = (await insurance.read_coverage.evidence_of("v1", CLERK))[-1]
    assert (last.moment, last.call.failure_reason) == (Moment.END, "PORTAL_TIMEOUT")


async def test_a_repeated_later_look_up_answers_the_same_without_asking(insurance: Insurance) -> None:
    await insurance.check()
    request_id = str(uuid.uuid4())
    first = await look_up(insurance, request_id=request_id, with_copayments=True)

    again = await look_up(insurance, request_id=request_id, with_copayments=True)

    assert again == first
    assert len(insurance.scripted.rungs) == 2


async def test_the_same_answer_again_is_no_correction_and_leaves_the_split(insurance: Insurance) -> None:
    await insurance.check()
    split = await insurance.split()

    await look_up(insurance)

    assert await insurance.split_cost.newest("v1", CLERK) == split
    assert await insurance.read_corrections(CorrectionsQuery(page_size=10), CLERK) == []


async def test_an_outage_that_ends_leaves_a_notice_with_both_amounts(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    before = await insurance.check()
    split = await insurance.split()
    insurance.scripted.down = ""

    await insurance.worker.step()

    (notice,) = await insurance.read_corrections(CorrectionsQuery(visit_id="v1", page_size=10), CLERK)
    newest = await insurance.split_cost.newest("v1", CLERK)
    assert (notice.cause, notice.before_outcome, notice.outcome) == (
        "OUTAGE_OVER", Outcome.UNVERIFIED, Outcome.VALID,
    )  # fmt: skip
    assert notice.before_coverage_id == before.coverage_id
    assert (notice.before_patient_vnd, notice.patient_vnd) == (
        split.split.patient_vnd,
        newest.split.patient_vnd,
    )
    assert "gián đoạn" in notice.notice_vi
    assert NAME not in notice.notice_vi + notice.notice_en


async def test_a_card_withdrawn_during_treatment_is_disputed_with_a_notice(insurance: Insurance) -> None:
    await insurance.check()
    insurance.scripted.lookup = lambda _: refusal("110")

    looked_up = await look_up(insurance)

    finding = looked_up.coverage.finding
    assert (finding.outcome, finding.reason) == (Outcome.DISPUTED, "ENDED_DURING_TREATMENT")
    (notice,) = await insurance.read_corrections(CorrectionsQuery(page_size=10), CLERK)
    assert (notice.cause, notice.outcome) == ("LOOKED_UP_AGAIN", Outcome.DISPUTED)


async def test_notices_of_a_facility_come_in_pages_newest_first(insurance: Insurance) -> None:
    for number in range(5):
        insurance.scripted.down = "PORTAL_TIMEOUT"
        visit = f"visits/v{number}"
        await insurance.check(check_request(visit=visit))
        insurance.scripted.down = ""
        insurance.clock.advance(timedelta(seconds=10))
        await insurance.check(check_request(visit=visit))

    first = await insurance.read_corrections(CorrectionsQuery(page_size=3), CLERK)
    key = (first[-1].create_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), first[-1].correction_id)
    second = await insurance.read_corrections(CorrectionsQuery(page_size=3, before=key), CLERK)

    assert [each.visit_id for each in (*first, *second)] == ["v4", "v3", "v2", "v1", "v0"]
    assert await insurance.read_corrections(CorrectionsQuery(page_size=3), ELSEWHERE) == []
    assert await insurance.read_corrections(CorrectionsQuery(visit_id="v1", page_size=3), ELSEWHERE) == []


async def test_a_caller_without_facility_says_whose_notices_are_meant(insurance: Insurance) -> None:
    nobody = Caller(subject="persons/9", roles=frozenset({"AUDITOR"}))

    with pytest.raises(FacilityMissing):
        await insurance.read_corrections(CorrectionsQuery(page_size=3), nobody)


async def test_published_copayments_are_asked_at_the_end_and_reach_the_split(insurance: Insurance) -> None:
    insurance.scripted.published = lambda _: copayments(9_000_000, 6_500_000)
    await insurance.check()

    looked_up = await look_up(insurance)
    stored = await insurance.split()

    assert looked_up.copayments is not None
    assert stored.command.circumstances.copay is not None
    assert stored.command.circumstances.copay.accumulated_vnd == 15_500_000
    evidence = await insurance.read_coverage.evidence_of("v1", CLERK)
    assert [each.call.form for each in evidence][-1] == "copayments/citizen12/name-as-printed/date-full"
    assert await insurance.split_cost.newest("v1", CLERK) == stored


async def test_copayments_are_not_asked_before_five_years_are_complete(insurance: Insurance) -> None:
    insurance.scripted.lookup = lambda _: reply(ngayDu5Nam="01/06/2031")
    await insurance.check()

    assert (await look_up(insurance)).copayments is None
    assert (await look_up(insurance, with_copayments=True)).copayments is not None


async def test_copayments_that_contradict_themselves_are_kept_and_not_used(insurance: Insurance) -> None:
    insurance.scripted.published = lambda _: copayments(20_000_000, hoTen="Lý Văn Bình")
    await insurance.check()

    looked_up = await look_up(insurance)
    stored = await insurance.split()

    assert looked_up.copayments is not None
    assert looked_up.copayments.copayments.doubt == "OTHER_PERSON"
    assert stored.command.circumstances.copay is None


async def test_self_pay_and_unknown_visits_have_nothing_to_look_up_again(insurance: Insurance) -> None:
    with pytest.raises(CoverageNotFound):
        await look_up(insurance)
    await insurance.check(check_request(self_pay=True))

    with pytest.raises(NothingWasAsked):
        await look_up(insurance)
    with pytest.raises(CoverageNotFound):
        await look_up(insurance, caller=ELSEWHERE)


@pytest.mark.parametrize("chosen", list(ExportFormat))
async def test_an_export_made_again_is_the_same_byte_for_byte_though_evidence_came_after(
    insurance: Insurance, chosen: ExportFormat
) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()
    request_id = str(uuid.uuid4())
    first = await export(insurance, chosen, request_id=request_id)
    insurance.scripted.down = ""
    await insurance.worker.step()

    again = await export(insurance, chosen, request_id=request_id)

    assert render(again.paper, chosen) == render(first.paper, chosen)
    assert again.export == first.export
    assert (await export(insurance, chosen)).export.evidence_sha256 != first.export.evidence_sha256


async def test_both_forms_carry_the_same_sum_and_each_is_audited(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_HTML"
    await insurance.check()

    as_json, as_pdf = await export(insurance), await export(insurance, ExportFormat.PDF)

    document = json.loads(render(as_json.paper, ExportFormat.JSON))
    assert document["evidence_sha256"] == as_pdf.export.evidence_sha256 == as_json.export.evidence_sha256

    async def rows(tx: Tx) -> list[audit.AuditEntry]:
        return await audit.entries_of(tx, subject="c1")

    taken = [row for row in await insurance.db.read(rows) if row.action == "export_evidence"]
    assert [(row.actor, row.outcome) for row in taken] == [
        ("persons/clerk-1", "pdf"),
        ("persons/clerk-1", "json"),
    ]


async def test_a_visit_without_evidence_has_no_paper(insurance: Insurance) -> None:
    await insurance.check(check_request(self_pay=True))

    with pytest.raises(EvidenceNotFound):
        await export(insurance)
    with pytest.raises(EvidenceNotFound):
        await export(insurance, caller=ELSEWHERE)


async def test_a_card_of_an_earlier_visit_is_asked_when_the_portal_knows_no_number(
    insurance: Insurance,
) -> None:
    await insurance.check()
    insurance.scripted.rungs.clear()
    insurance.scripted.lookup = lambda rung: reply() if rung.identifier == CARD else refusal("050")

    coverage = await insurance.check(check_request(visit="visits/v2"))

    assert [rung.identifier for rung in insurance.scripted.rungs] == [CITIZEN, "0600000001", CARD]
    assert coverage.finding.outcome is Outcome.VALID


async def test_a_recheck_falls_back_to_the_earlier_card_as_well(insurance: Insurance) -> None:
    await insurance.check()
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check(check_request(visit="visits/v2"))
    insurance.scripted.down = ""
    insurance.scripted.lookup = lambda rung: reply() if rung.identifier == CARD else refusal("050")

    await insurance.worker.step()

    assert (await insurance.read_coverage.newest("v2", CLERK)).finding.outcome is Outcome.VALID


async def test_what_was_sent_is_kept_sealed_beside_the_reply(insurance: Insurance) -> None:
    await insurance.check()

    async def whole(tx: Tx) -> list[Evidence]:
        return await insurance.book.whole_evidence(tx, citizen_id="c1", visit_id="v1")

    (evidence,) = await insurance.db.read(whole)
    assert evidence.call.sent is not None
    assert evidence.call.sent.identifier == CITIZEN
    assert evidence.call.exchange_id


async def test_no_personal_value_stands_in_any_column(insurance: Insurance) -> None:
    insurance.scripted.published = lambda _: copayments(123_456_700)
    await insurance.check()
    await look_up(insurance)
    exported = (await export(insurance)).export

    async def columns(tx: Tx) -> list[object]:
        of_citizen = {"citizen_id": "c1"}
        of_visit = {**of_citizen, "visit_id": "v1"}
        rows = [
            *await tx.all("evidence_whole_visit", **of_visit, page_size=100),
            await tx.one("evidence_export_read", **of_citizen, export_id=exported.export_id),
            await tx.one("evidence_copayments_newest", **of_visit),
        ]
        return [value for row in rows if row is not None for value in row.values()]

    values = await insurance.db.read(columns)
    shown = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
    assert len(values) > 40
    for secret in (CITIZEN, NAME, "Nông", CARD, "0600000001", "05/03/1990", "0900 000 000", "123456700"):
        assert secret.encode() not in shown


def test_no_statement_changes_or_removes_evidence() -> None:
    kept = "evidence|coverages|corrections|evidence_exports|copayments"
    for file in SQL.glob("*.sql"):
        text = file.read_text(encoding="utf-8")
        assert re.search(rf"\b(UPDATE|DELETE FROM)\s+({kept})\b", text) is None, file.name
