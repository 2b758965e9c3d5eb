"""Claims from building to settlement on real stores: SQLite and PostgreSQL in turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from chassis import audit, outbox
from chassis.db import Tx
from chassis.errors import AppError, OtherFacility
from chassis.rpc.context import Caller, acting_as
from insurance_svc.domain.claim import ClaimState
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_errors import (
    ClaimEnded,
    ClaimNotFound,
    ClaimNotReady,
    ClaimUnderWay,
    ResolutionNotPossible,
    SigningKeyMissing,
    VisitNotInsured,
    WithdrawalReferenceRequired,
    WorkItemNotFound,
    WorkItemResolved,
)
from insurance_svc.domain.claim_values import (
    ClaimView,
    Resolution,
    Settlement,
    Submission,
    WorkCause,
    WorkItem,
)
from insurance_svc.operations.claims.compare import Comparison
from insurance_svc.operations.claims.read import NEWEST_FIRST
from insurance_svc.store.claims_store import CLAIM_QUERIES
from standards.claims import read_claim_file
from standards.claims.signature import SignatureState, check_signature
from tests.support.claims import (
    AWAY,
    CASHIER,
    LOST,
    Claims,
    fresh_key,
    other_visit,
    receipt,
    refused,
    signing_pair,
    visit_record,
)
from tests.support.fake_portal import CARD, CITIZEN, NAME
from tests.support.fake_portal import refusal as portal_refusal
from tests.support.insurance import QUERIES_FILES, check_request, cost_line
from tests.support.stores import OpenStore

S = ClaimState
ELSEWHERE = Caller(subject="persons/2", roles=frozenset({"CASHIER"}), facility="19998", purpose="payment")
MONTH = "2026-09"


@pytest.fixture
async def claims(open_store: OpenStore, tmp_path: Path) -> Claims:
    files = dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES))
    return Claims(await open_store("insurance_svc", queries=tuple(files)), tmp_path)


async def whole(claims: Claims, visit: str = "v1") -> ClaimView:
    return await claims.verbs.read.whole(visit, CASHIER)


async def open_items(claims: Claims, cause: WorkCause | None = None) -> list[WorkItem]:
    return await claims.verbs.work.page(
        CASHIER, after=("", ""), cause=cause, show_resolved=False, page_size=50
    )


async def resolve(claims: Claims, item: WorkItem, resolution: Resolution, number: str = "") -> WorkItem:
    with acting_as(CASHIER, within_ms=5_000):
        return await claims.verbs.work.resolve(
            item.work_item_id,
            resolution=resolution,
            note="đã hỏi giám định viên",
            transaction_number=number,
            key=fresh_key("ResolveWorkItem"),
            caller=CASHIER,
        )


async def replace_claim(claims: Claims) -> None:
    with acting_as(CASHIER, within_ms=5_000):
        await claims.verbs.build.replace(
            "v1", month="", reason="sửa mã bệnh", key=fresh_key("ReplaceClaim"), caller=CASHIER
        )


async def reverse(claims: Claims, reference: str = "") -> ClaimView:
    with acting_as(CASHIER, within_ms=5_000):
        return await claims.verbs.submit.reverse(
            "v1",
            reason="trùng lượt khám",
            withdrawal_reference=reference,
            key=fresh_key("ReverseClaim"),
            caller=CASHIER,
        )


async def settle(claims: Claims, rows: list[dict[str, object]], month: str = MONTH) -> Settlement:
    content = json.dumps({"dsKetQuaGiamDinh": rows}).encode()

    async def parts() -> AsyncIterator[bytes]:
        yield content[:20]
        yield content[20:]

    with acting_as(CASHIER, within_ms=5_000):
        return await claims.verbs.settle(month, parts(), key=fresh_key("ImportSettlement"), caller=CASHIER)


async def compare(claims: Claims, *, after: tuple[str, str] = ("c", ""), page_size: int = 50) -> Comparison:
    return await claims.verbs.compare(MONTH, CASHIER, after=after, page_size=page_size)


async def check_in(claims: Claims) -> Submission:
    with acting_as(CASHIER, within_ms=5_000):
        return await claims.verbs.check_in("v1", key=fresh_key("SubmitCheckIn"), caller=CASHIER)


def diagnosed(claims: Claims, code: str) -> None:
    """Another diagnosis in the record."""
    old = claims.record.record
    entries = tuple(replace(each, code=code) if each.code == "I10" else each for each in old.entries)
    claims.record.record = replace(old, entries=entries)


async def test_the_same_facts_make_no_second_version(claims: Claims) -> None:
    await claims.cover()
    first = await claims.build()
    claims.pass_time(days=3)

    second = await claims.build()

    assert (first.is_new, second.is_new) == (True, False)
    view = await whole(claims)
    assert view.claim.states == (S.READY,)
    assert view.claim.month == MONTH


async def test_other_facts_make_a_version_that_replaces_the_unsent_one(claims: Claims) -> None:
    await claims.cover()
    await claims.build()
    diagnosed(claims, "E11")

    answer = await claims.build()

    assert answer.is_new
    view = await whole(claims)
    assert view.claim.states == (S.REPLACED, S.READY)
    assert view.versions[0].file_sha256 != view.versions[1].file_sha256


async def test_a_version_is_kept_byte_by_byte(claims: Claims) -> None:
    await claims.cover()
    await claims.build()
    first = await claims.verbs.read.file("v1", 1, CASHIER)
    diagnosed(claims, "E11")
    await claims.build()

    again = await claims.verbs.read.file("v1", 1, CASHIER)

    assert again == first
    assert sha256(first).hexdigest() == (await whole(claims)).versions[0].file_sha256
    entries = await claims.db.read(lambda tx: audit.entries_of(tx, subject="c1"))
    assert [entry.action for entry in entries if "file" in entry.action] == [
        "get_claim_file",
        "get_claim_file",
    ]


async def test_a_claim_that_lacks_something_waits_in_the_work_list_until_it_is_recorded(
    claims: Claims,
) -> None:
    await claims.cover()
    entries = claims.record.record.entries
    claims.record.record = visit_record(entries=entries[:3])
    answer = await claims.build()
    (item,) = await open_items(claims)

    with pytest.raises(ClaimNotReady) as held:
        await claims.submit()
    claims.record.record = visit_record()
    repaired = await claims.build()

    assert item.cause is WorkCause.NOT_READY
    assert item.lacks == answer.lacks != ()
    assert held.value.facts == {"lack_count": str(len(answer.lacks))}
    assert repaired.lacks == ()
    assert await open_items(claims) == []
    assert (await whole(claims)).claim.states == (S.REPLACED, S.READY)


async def test_who_is_not_insured_gets_no_claim(claims: Claims) -> None:
    claims.insurance.scripted.lookup = lambda _: portal_refusal("050")
    await claims.cover()

    answer = await claims.build()

    assert answer.view is None
    with pytest.raises(ClaimNotFound):
        await whole(claims)


async def test_a_claim_is_signed_sent_and_accepted_with_its_number(claims: Claims) -> None:
    await claims.ready()

    await claims.worker.step()

    view = await whole(claims)
    assert view.claim.states == (S.ACCEPTED,)
    (submission,) = view.submissions
    assert (submission.transaction_number, submission.portal_code) == ("GD0001", "200")
    assert [event.state for event in view.events] == [S.READY, S.SIGNED, S.SENT, S.ACCEPTED]
    ((kind, sent),) = claims.scripted.sent
    assert kind is FileKind.CLAIM
    assert sha256(sent).hexdigest() == submission.file_sha256
    assert check_signature(sent, certificates=[signing_pair()[1]]) is SignatureState.VALID
    assert await claims.verbs.read.file("v1", 0, CASHIER) == sent
    assert await outbox.list_messages(claims.db, state="waiting") == []
    assert (await audit.verify(claims.db)).is_intact


async def test_submitting_again_sends_nothing_again(claims: Claims) -> None:
    await claims.ready()
    await claims.submit()
    await claims.worker.step()

    again = await claims.submit()
    await claims.worker.step()

    assert again.view.claim.states == (S.ACCEPTED,)
    assert again.report is None
    assert len(claims.scripted.sent) == 1


async def test_the_same_submission_many_times_at_once_is_one(claims: Claims) -> None:
    await claims.cover()
    await claims.build()
    key = fresh_key("SubmitClaim")

    await asyncio.gather(*(claims.submit(key=key) for _ in range(6)), *(claims.submit() for _ in range(4)))
    await claims.worker.step()
    await claims.worker.step()

    assert len(claims.scripted.sent) == 1
    assert len((await whole(claims)).submissions) == 1


async def test_a_claim_with_errors_is_held_unless_somebody_says_why_it_goes(claims: Claims) -> None:
    await claims.cover()
    await claims.build()
    # The newest look-up does not confirm the card: the evidence speaks against the claim.
    claims.insurance.scripted.lookup = lambda _: portal_refusal("050")
    await claims.insurance.check(check_request())

    held = await claims.submit()
    (item,) = await open_items(claims)
    gone = await claims.submit(accept_findings="giám định viên đã đồng ý")

    assert held.view.claim.states == (S.READY,)
    assert held.report is not None
    assert not held.report.is_clean
    assert item.cause is WorkCause.FINDINGS
    assert item.findings[0].rule_id == "EVIDENCE_NOT_VALID"
    assert gone.view.claim.states == (S.SIGNED,)
    assert gone.view.events[-1].reason == "giám định viên đã đồng ý"
    assert await open_items(claims) == []


async def test_without_a_key_nothing_leaves_unless_unsigned_is_allowed(
    open_store: OpenStore, tmp_path: Path
) -> None:
    database = await open_store(
        "insurance_svc", queries=tuple(dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES)))
    )
    strict = Claims(database, tmp_path, keys_of=())
    await strict.cover()
    await strict.build()

    with pytest.raises(SigningKeyMissing):
        await strict.submit()
    trained = Claims(database, tmp_path, keys_of=(), allow_unsigned=True)
    await trained.submit()

    (submission,) = (await whole(trained)).submissions
    assert not submission.is_signed


async def test_a_refused_claim_comes_back_with_the_portals_reason_beside_our_findings(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [refused("202", "Sai mã bệnh kèm theo")]

    await claims.worker.step()

    (item,) = await open_items(claims, WorkCause.REJECTED)
    assert (item.portal_code, item.message, item.version) == ("202", "Sai mã bệnh kèm theo", 1)
    assert [each.rule_id for each in item.findings] == []
    assert (await whole(claims)).claim.states == (S.REJECTED,)

    diagnosed(claims, "E11")
    await claims.build()
    await claims.submit()
    await claims.worker.step()

    assert (await whole(claims)).claim.states == (S.REPLACED, S.ACCEPTED)
    assert await open_items(claims) == []


async def test_a_refused_claim_may_go_again_as_it_is(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [refused("201", "")]
    await claims.worker.step()

    await claims.submit()
    await claims.worker.step()

    view = await whole(claims)
    assert view.claim.states == (S.ACCEPTED,)
    assert [each.state for each in view.submissions] == [S.REJECTED, S.ACCEPTED]


async def test_a_portal_that_is_away_costs_no_try_and_marks_nothing_as_sent(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [AWAY] * 20

    for _ in range(20):
        await claims.worker.step()
        claims.pass_time(minutes=10)
    (submission,) = (await whole(claims)).submissions
    before = (submission.state, submission.send_count, submission.first_send_time, submission.failure_reason)
    await claims.worker.step()

    assert before == (S.SIGNED, 0, None, "PORTAL_CLOSED")
    view = await whole(claims)
    assert view.claim.states == (S.ACCEPTED,)
    assert len(view.events) < 8, "an outage writes no event a minute"
    assert await outbox.list_messages(claims.db, state="parked") == []


async def test_a_lost_answer_found_among_the_receipts_is_not_sent_again(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [LOST]
    await claims.worker.step()
    assert (await whole(claims)).claim.states == (S.UNKNOWN,)

    claims.scripted.listed = (receipt("GD77", total="75620", when=claims.clock.now()),)
    claims.pass_time(seconds=30)
    await claims.worker.step()

    view = await whole(claims)
    assert view.claim.states == (S.ACCEPTED,)
    assert view.submissions[0].transaction_number == "GD77"
    assert len(claims.scripted.sent) == 1


async def test_a_lost_answer_whose_receipt_says_wrong_is_a_refusal(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [LOST]
    await claims.worker.step()

    claims.scripted.listed = (
        receipt("GD77", total="75620", when=claims.clock.now(), wrong=1, text="XML2 sai"),
    )
    claims.pass_time(seconds=30)
    await claims.worker.step()

    assert (await whole(claims)).claim.states == (S.REJECTED,)
    (item,) = await open_items(claims, WorkCause.REJECTED)
    assert item.message == "XML2 sai"


async def test_a_file_the_portal_has_and_did_not_decide_on_is_waited_for(claims: Claims) -> None:
    claims.deliver._rules = replace(claims.deliver._rules, resend_unknown=True)
    await claims.ready()
    claims.scripted.answers = [LOST]
    await claims.worker.step()
    pending = receipt("GD77", total="75620", when=claims.clock.now(), good=0)
    claims.scripted.listed = (pending,)

    for _ in range(3):
        claims.pass_time(minutes=10)
        await claims.worker.step()
    between = (await whole(claims)).claim.states
    claims.scripted.listed = (replace(pending, good_count=1),)
    claims.pass_time(minutes=10)
    await claims.worker.step()

    assert between == (S.UNKNOWN,)
    assert (await whole(claims)).claim.states == (S.ACCEPTED,)
    assert len(claims.scripted.sent) == 1


async def test_an_accepted_claim_that_stands_among_the_receipts_is_looked_for_once(claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()
    claims.scripted.listed = (receipt("GD0001", total="75620", when=claims.clock.now(), good=1),)

    early = await claims.tracker.step()
    claims.pass_time(minutes=5)
    found = await claims.tracker.step()
    again = await claims.tracker.step()

    assert (early, found, again) == (0, 1, 0)
    assert (await whole(claims)).claim.states == (S.ACCEPTED,)


async def test_an_accepted_claim_refused_afterwards_comes_back_to_the_work_list(claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()
    claims.scripted.listed = (receipt("GD0001", total="0", when=claims.clock.now(), wrong=1, text="Sai thẻ"),)
    claims.pass_time(minutes=5)

    await claims.tracker.step()

    assert (await whole(claims)).claim.states == (S.REJECTED,)
    (item,) = await open_items(claims, WorkCause.REJECTED)
    assert item.message == "Sai thẻ"
    assert (await compare(claims)).totals.claimed == 0


async def test_an_accepted_claim_the_portal_lost_goes_again_and_counts_once(claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()
    claims.scripted.listed = ()
    claims.pass_time(minutes=5)

    await claims.tracker.step()
    between = await whole(claims)
    await claims.worker.step()

    assert between.claim.states == (S.UNKNOWN,)
    assert between.submissions[0].failure_reason == "RECEIPT_MISSING"
    after = await whole(claims)
    assert after.claim.states == (S.ACCEPTED,)
    assert after.submissions[0].transaction_number == "GD0002"
    assert len(claims.scripted.sent) == 2
    assert (await compare(claims)).totals.claimed_count == 1


async def test_a_portal_without_receipts_leaves_accepted_claims_as_they_are(claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()
    claims.scripted.listed = None
    claims.pass_time(minutes=5)

    assert await claims.tracker.step() == 0
    assert (await whole(claims)).claim.states == (S.ACCEPTED,)


async def test_one_receipt_is_not_taken_for_two_claims_of_the_same_amount(claims: Claims) -> None:
    other_visit(claims, "v2", "c2")
    await claims.ready()
    await claims.cover(visit="v2", citizen="c2")
    await claims.build("v2")
    await claims.submit("v2")
    claims.scripted.answers = [LOST, LOST]
    await claims.worker.step()
    claims.scripted.listed = (receipt("GD77", total="75620", when=claims.clock.now()),)

    for _ in range(3):
        claims.pass_time(minutes=10)
        await claims.worker.step()

    states = [(await whole(claims, visit)).claim.state for visit in ("v1", "v2")]
    assert states == [S.UNKNOWN, S.UNKNOWN]
    assert len(claims.scripted.sent) == 2


async def test_a_file_that_never_arrived_goes_again_once_its_receipt_is_overdue(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [LOST]
    await claims.worker.step()

    claims.pass_time(seconds=20)
    await claims.worker.step()
    early = len(claims.scripted.sent)
    claims.pass_time(seconds=60)
    await claims.worker.step()

    assert early == 1, "a receipt may still appear"
    assert len(claims.scripted.sent) == 2
    assert claims.scripted.sent[0] == claims.scripted.sent[1]
    assert (await whole(claims)).claim.states == (S.ACCEPTED,)


async def test_a_kill_between_sending_and_answer_is_asked_for_before_anything_is_sent(claims: Claims) -> None:
    await claims.ready()

    claims.scripted.hangs = True
    running = asyncio.create_task(claims.worker.step())
    await claims.scripted.took.wait()
    running.cancel()
    await asyncio.wait([running])
    claims.scripted.hangs = False
    assert (await whole(claims)).claim.states == (S.SENT,)

    claims.scripted.listed = (receipt("GD9", total="75620", when=claims.clock.now()),)
    claims.pass_time(minutes=5)
    await claims.new_worker().step()

    view = await whole(claims)
    assert view.claim.states == (S.ACCEPTED,)
    assert view.submissions[0].transaction_number == "GD9"
    assert len(claims.scripted.sent) == 1


async def test_when_nobody_can_tell_people_are_asked_and_their_word_counts(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [LOST]
    claims.scripted.listed = None
    for _ in range(12):
        await claims.worker.step()
        claims.pass_time(minutes=10)
    assert len(claims.scripted.sent) == 1
    (item,) = await open_items(claims, WorkCause.FATE_UNKNOWN)

    with pytest.raises(ResolutionNotPossible):
        await resolve(claims, item, Resolution.PORTAL_HAS_IT)
    await resolve(claims, item, Resolution.PORTAL_HAS_IT, "GD5")
    await claims.worker.step()

    view = await whole(claims)
    assert view.claim.states == (S.ACCEPTED,)
    assert view.submissions[0].transaction_number == "GD5"
    assert len(claims.scripted.sent) == 1
    assert await outbox.list_messages(claims.db, state="waiting") == []
    with pytest.raises(WorkItemResolved):
        await resolve(claims, item, Resolution.DISMISSED)


async def test_a_person_may_have_a_lost_file_sent_again(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [LOST]
    claims.scripted.listed = None
    for _ in range(12):
        await claims.worker.step()
        claims.pass_time(minutes=10)
    (item,) = await open_items(claims, WorkCause.FATE_UNKNOWN)

    await resolve(claims, item, Resolution.SEND_AGAIN)
    claims.pass_time(minutes=10)
    await claims.worker.step()

    assert len(claims.scripted.sent) == 2
    assert (await whole(claims)).claim.states == (S.ACCEPTED,)


async def test_a_resend_in_doubt_that_was_not_taken_stays_in_doubt(
    open_store: OpenStore, tmp_path: Path
) -> None:
    database = await open_store(
        "insurance_svc", queries=tuple(dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES)))
    )
    claims = Claims(database, tmp_path)
    claims.deliver._rules = replace(claims.deliver._rules, resend_unknown=True)
    await claims.ready()
    claims.scripted.answers = [LOST, AWAY]
    claims.scripted.listed = None
    await claims.worker.step()
    claims.pass_time(minutes=10)

    await claims.worker.step()

    assert len(claims.scripted.sent) == 2
    assert (await whole(claims)).claim.states == (S.UNKNOWN,)


async def test_a_replacement_counts_once_the_portal_accepted_it(claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()
    diagnosed(claims, "E11")
    kept = await claims.build()

    await replace_claim(claims)
    between = (await whole(claims)).claim
    await claims.submit()
    await claims.worker.step()

    assert (kept.is_new, kept.differs) == (False, True)
    assert (between.states, between.counted_version) == ((S.ACCEPTED, S.READY), 1)
    after = (await whole(claims)).claim
    assert (after.states, after.counted_version) == ((S.REPLACED, S.ACCEPTED), 2)
    totals = (await compare(claims)).totals
    assert (totals.claimed_count, totals.claimed) == (1, 7_562_000)


async def test_a_claim_on_its_way_is_neither_replaced_nor_reversed(claims: Claims) -> None:
    await claims.ready()

    with pytest.raises(ClaimUnderWay):
        await replace_claim(claims)
    with pytest.raises(ClaimUnderWay):
        await reverse(claims)


async def test_reversing_an_accepted_claim_needs_the_insurers_act(claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()

    with pytest.raises(WithdrawalReferenceRequired):
        await reverse(claims)
    view = await reverse(claims, "CV 12/BHXH")

    assert view.claim.states == (S.REVERSED,)
    assert (await compare(claims)).totals.claimed == 0
    assert not (await claims.build()).is_new
    with pytest.raises(ClaimEnded):
        await claims.submit()


async def test_a_claim_that_never_left_is_reversed_here_alone(claims: Claims) -> None:
    await claims.cover()
    await claims.build()

    view = await reverse(claims)

    assert view.claim.states == (S.REVERSED,)


async def test_a_check_in_is_sent_once_and_goes_again_only_after_a_refusal(claims: Claims) -> None:
    claims.record.record = visit_record(close_time=None)
    await claims.insurance.check()
    first = await check_in(claims)
    claims.scripted.answers = [refused("202", "Sai ngày sinh")]
    await claims.worker.step()
    (item,) = await open_items(claims, WorkCause.REJECTED)

    second = await check_in(claims)
    await claims.worker.step()
    third = await check_in(claims)

    assert len({first.submission_id, second.submission_id}) == 2
    assert third.submission_id == second.submission_id
    assert third.state is S.ACCEPTED
    assert item.version == 0
    assert [kind for kind, _ in claims.scripted.sent] == [FileKind.CHECK_IN] * 2
    row = read_claim_file(claims.scripted.sent[0][1]).records[0].tables["XML0"][0]
    assert (row["MA_LK"], row["MA_DOITUONG_KCB"]) == ("260901-v1", "1.12")
    assert (
        check_signature(claims.scripted.sent[0][1], certificates=[signing_pair()[1]]) is SignatureState.VALID
    )


async def test_a_check_in_whose_answer_was_lost_goes_again(claims: Claims) -> None:
    await claims.insurance.check()
    await check_in(claims)
    claims.scripted.answers = [LOST]
    claims.scripted.listed = None
    await claims.worker.step()
    claims.pass_time(minutes=2)

    await claims.worker.step()

    assert len(claims.scripted.sent) == 2
    assert (await check_in(claims)).state is S.ACCEPTED


async def test_who_pays_themselves_has_no_check_in(claims: Claims) -> None:
    await claims.insurance.check(check_request(self_pay=True))

    with pytest.raises(VisitNotInsured):
        await check_in(claims)


async def test_a_claim_waits_behind_its_check_in(claims: Claims) -> None:
    await claims.insurance.check()
    await check_in(claims)
    await claims.ready()
    claims.scripted.answers = [AWAY]

    await claims.worker.step()
    claims.pass_time(minutes=1)
    await claims.worker.step()
    await claims.worker.step()

    assert [kind for kind, _ in claims.scripted.sent] == [
        FileKind.CHECK_IN, FileKind.CHECK_IN, FileKind.CLAIM,
    ]  # fmt: skip


async def month_of_three(claims: Claims) -> None:
    """Three accepted claims of 75,620 dong."""
    for visit, citizen in (("v1", "c1"), ("v2", "c2"), ("v3", "c3")):
        if visit != "v1":
            other_visit(claims, visit, citizen)
        await claims.cover(visit=visit, citizen=citizen)
        await claims.build(visit)
        await claims.submit(visit)
    await claims.worker.step()


async def test_a_month_is_compared_to_the_dong_by_cause(claims: Claims) -> None:
    await month_of_three(claims)

    settlement = await settle(
        claims,
        [
            {"maLK": "260901-v1", "soTienDuyet": 75_620, "lyDo": ""},
            {"maLK": "260901-v2", "soTienDuyet": "25019.5", "lyDo": "Sai công khám"},
            {"maLK": "260801-lạ", "soTienDuyet": 10},
        ],
    )
    found = await compare(claims)

    assert (settlement.line_count, settlement.unmatched_count, settlement.repeated_count) == (3, 1, 0)
    totals = found.totals
    assert (totals.claimed_count, totals.claimed, totals.told_count) == (3, 22_686_000, 2)
    assert (totals.accepted, totals.untold, totals.foreign) == (10_063_950, 7_562_000, 1_000)
    assert [(each.cause, each.claim_count, each.amount) for each in found.refused] == [
        ("Sai công khám", 1, 5_060_050)
    ]
    told = {each.link_id: (each.visit_id, each.claimed, each.accepted) for each in found.differences}
    assert told == {
        "260901-v2": ("v2", 7_562_000, 2_501_950),
        "260901-v3": ("v3", 7_562_000, None),
        "260801-lạ": ("", None, 1_000),
    }
    states = [(await whole(claims, visit)).claim.state for visit in ("v1", "v2", "v3")]
    assert states == [S.SETTLED, S.SETTLED, S.ACCEPTED]
    assert (await whole(claims, "v2")).settled_hundredths == 2_501_950
    (short,) = await open_items(claims, WorkCause.SETTLED_SHORT)
    assert (short.visit_id, short.message) == ("v2", "Sai công khám")


async def test_the_same_file_again_changes_nothing_and_a_newer_one_counts_instead(claims: Claims) -> None:
    await month_of_three(claims)
    rows: list[dict[str, object]] = [
        {"maLK": f"260901-{visit}", "soTienDuyet": 1} for visit in ("v1", "v2", "v3")
    ]
    first = await settle(claims, rows)
    claims.pass_time(days=1)
    again = await settle(claims, rows)
    for row in rows:
        row["soTienDuyet"] = 75_620
    newer = await settle(claims, rows)

    found = await compare(claims)

    assert again == first
    assert found.settlement == newer
    assert (found.totals.accepted, found.differences, found.refused) == (22_686_000, (), ())
    assert await open_items(claims) == []


async def test_differences_are_paged_without_a_gap_or_a_repeat(claims: Claims) -> None:
    await month_of_three(claims)
    await settle(claims, [{"maLK": f"là-{number}", "soTienDuyet": number} for number in range(1, 5)])
    found, after = [], ("c", "")
    while True:
        page = await compare(claims, after=after, page_size=2)
        found += [each.link_id for each in page.differences]
        if page.next_page is None:
            break
        assert len(page.differences) == 2
        after = page.next_page

    assert sorted(found) == sorted([*(f"260901-v{n}" for n in (1, 2, 3)), *(f"là-{n}" for n in range(1, 5))])


async def test_a_month_without_a_result_file_shows_what_was_claimed(claims: Claims) -> None:
    await month_of_three(claims)

    found = await compare(claims)

    assert found.settlement is None
    assert (found.totals.claimed, found.totals.untold, found.totals.accepted) == (22_686_000, 22_686_000, 0)


async def test_lists_go_by_key_and_filter(claims: Claims) -> None:
    await month_of_three(claims)
    claims.record.others["v3"] = replace(claims.record.others["v3"], close_time=None)

    first = await claims.verbs.read.page(
        CASHIER, before=NEWEST_FIRST, state=S.ACCEPTED, month=MONTH, page_size=2
    )
    last = first[-1]
    stamp = last.update_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    rest = await claims.verbs.read.page(
        CASHIER, before=(stamp, last.claim_id), state=S.ACCEPTED, month=MONTH, page_size=2
    )

    assert {each.visit_id for each in (*first, *rest)} == {"v1", "v2", "v3"}
    assert (len(first), len(rest)) == (2, 1)
    none = await claims.verbs.read.page(CASHIER, before=NEWEST_FIRST, state=S.DRAFT, month="", page_size=2)
    assert none == []


async def test_another_facility_sees_nothing(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [refused()]
    await claims.worker.step()
    (item,) = await open_items(claims)

    with pytest.raises(ClaimNotFound):
        await claims.verbs.read.whole("v1", ELSEWHERE)
    with pytest.raises(WorkItemNotFound), acting_as(ELSEWHERE, within_ms=5_000):
        await claims.verbs.work.resolve(
            item.work_item_id,
            resolution=Resolution.DISMISSED,
            note="x",
            transaction_number="",
            key=fresh_key("ResolveWorkItem"),
            caller=ELSEWHERE,
        )
    assert (
        await claims.verbs.read.page(ELSEWHERE, before=NEWEST_FIRST, state=None, month="", page_size=9) == []
    )
    with pytest.raises(OtherFacility), acting_as(ELSEWHERE, within_ms=5_000):
        await claims.verbs.build.build("v1", month="", key=fresh_key("BuildClaim"), caller=ELSEWHERE)


async def test_no_personal_value_stands_in_any_column(claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [refused("202", f"Sai thẻ của {NAME}")]
    await claims.worker.step()
    await settle(claims, [{"maLK": "260901-v1", "soTienDuyet": 1, "lyDo": f"Sai tên {NAME}"}])

    async def columns(tx: Tx) -> list[object]:
        claim = (await claims.store.place(tx, "v1")) or ("", "", "")
        key = {"citizen_id": claim[1], "claim_id": claim[2]}
        rows = [
            await tx.one("claim_read", **key),
            *await tx.all("claim_versions_of", **key),
            await tx.one("claim_version_read", **key, version=1),
            *await tx.all("claim_events_of", **key, page_size=50),
            *await tx.all("claim_submissions_of", citizen_id="c1", visit_id="v1"),
            *await tx.all("claim_work_items_open", citizen_id="c1", visit_id="v1"),
        ]
        return [value for row in rows if row is not None for value in dict(row).values()]

    values = await claims.db.read(columns)

    assert len(values) > 80
    secrets = [NAME, CITIZEN, CARD, "260901-v1", "J06.9"]
    for value in values:
        raw = value if isinstance(value, bytes) else str(value).encode()
        assert [secret for secret in secrets if secret.encode() in raw] == []


async def test_two_builds_at_once_make_one_claim(claims: Claims) -> None:
    await claims.cover()

    answers = await asyncio.gather(*(claims.build() for _ in range(5)), return_exceptions=True)

    failed = [each for each in answers if isinstance(each, BaseException)]
    assert failed == [], [isinstance(each, AppError) for each in failed]
    assert (await whole(claims)).claim.states == (S.READY,)


async def test_a_visit_split_again_makes_another_version(claims: Claims) -> None:
    await claims.cover()
    await claims.build()
    await claims.cover(cost_line())

    answer = await claims.build()

    assert answer.is_new
    assert {lack.field for lack in answer.lacks} >= {"MA_NHOM", "DON_VI_TINH", "NGAY_YL"}


async def test_a_month_may_be_named_and_stays_with_the_version(claims: Claims) -> None:
    await claims.cover()
    await claims.build(month="2026-10")
    await claims.submit()
    await claims.worker.step()

    assert (await compare(claims)).totals.claimed_count == 0
    october = await claims.verbs.compare("2026-10", CASHIER, after=("c", ""), page_size=10)
    assert october.totals.claimed_count == 1
    claims.pass_time(days=1)
    late = await settle(claims, [{"maLK": "260901-v1", "soTienDuyet": 75_620}], month="2026-09")
    assert late.unmatched_count == 1
    assert (await whole(claims)).claim.state is S.ACCEPTED
