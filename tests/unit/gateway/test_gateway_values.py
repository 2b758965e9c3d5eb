"""Ids, names, rights of an admission, judgements and traces of the gateway: plain values."""

from __future__ import annotations

import uuid

import pytest

import emr_svc.domain.errors
import emr_svc.domain.visit
from chassis.errors import AppError
from chassis.telemetry.records import SpanRow
from emr_svc.domain.errors import RoomMalformed as EmrRoomMalformed
from gateway import codec
from gateway.domain import admission, errors
from gateway.domain.ids import child_request_id, is_our_own, visit_id_in, visit_id_of
from gateway.journeys import judgements
from gateway.servicer import journey_trace_id
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance

REQUEST_ID = "0c3f1d2e-6a5b-4c7d-8e9f-001122334455"


def test_a_repeated_request_opens_the_same_visit_whatever_its_letters() -> None:
    first = visit_id_of(REQUEST_ID)

    assert first == visit_id_of(REQUEST_ID.upper())
    assert visit_id_in(f"visits/{first}") == first
    assert first != visit_id_of(str(uuid.uuid4()))


def test_each_leg_has_its_own_request_id_and_keeps_it() -> None:
    legs = ("identity", "insurance", "visit", "bill", "split", "intent", "close", "insurance-at-end")

    children = [child_request_id(REQUEST_ID, leg) for leg in legs]

    assert children == [child_request_id(REQUEST_ID, leg) for leg in legs]
    assert len({*children, REQUEST_ID}) == len(legs) + 1
    assert all(str(uuid.UUID(child)) == child for child in children)


@pytest.mark.parametrize(
    "name",
    ["", "visits/", "visits/" + "0" * 31, "visits/" + "0" * 33, "visits/" + "A" * 32, "bills/" + "0" * 32,
     "visits/" + "0" * 32 + "/evidence/1", "visits/" + "0" * 32 + "\n", "x visits/" + "0" * 32],
)  # fmt: skip
def test_what_is_not_exactly_a_visits_name_is_refused(name: str) -> None:
    with pytest.raises(errors.VisitNameMalformed) as caught:
        codec.visit_name(name, field="visit")

    assert caught.value.field == "visit"


def test_a_visit_is_one_trace() -> None:
    visit_id = visit_id_of(REQUEST_ID)
    requests = [
        pb.CheckInRequest(request_id=REQUEST_ID),
        pb.GetVisitRequest(name=f"visits/{visit_id}"),
        pb.DischargeRequest(visit=f"visits/{visit_id}"),
        pb.GetEvidenceRequest(name=f"visits/{visit_id}/evidence/1"),
    ]

    assert {journey_trace_id("", request) for request in requests} == {visit_id}


@pytest.mark.parametrize(
    "request_message",
    [
        pb.ListVisitsRequest(),
        pb.GetVisitRequest(name="visits/7"),
        # A citizen number filled up to 32 digits would otherwise be kept as the trace's id.
        pb.GetVisitRequest(name=f"visits/{'099304098765':0>32}"),
        pb.ResolveBreakRequest(name="breaks/" + "0" * 32),
    ],
)
def test_what_is_no_visit_of_ours_names_no_trace(request_message: object) -> None:
    assert journey_trace_id("", request_message) is None


def test_our_own_ids_are_told_from_numbers() -> None:
    assert is_our_own(visit_id_of(REQUEST_ID))
    assert not is_our_own("0" * 32)
    assert not is_our_own("099304098765" * 2 + "0" * 8)


@pytest.mark.parametrize(("room", "length"), [("KHAM-1", 500), ("A", 0), ("X" * 16, 500)])
def test_what_the_record_takes_the_gateway_takes(room: str, length: int) -> None:
    emr_svc.domain.visit.check_room(room)
    admission.check_admission(facility_code="19999", reason_text="đ" * length, room=room)


@pytest.mark.parametrize("room", ["", "x", "X" * 17, "KHAM 1", "KHÁM", "A\n"])
def test_what_the_record_refuses_the_gateway_refuses_in_the_same_words(room: str) -> None:
    with pytest.raises(EmrRoomMalformed) as theirs:
        emr_svc.domain.visit.check_room(room)
    with pytest.raises(errors.RoomMalformed) as ours:
        admission.check_admission(facility_code="19999", reason_text="", room=room)

    assert (ours.value.message, ours.value.field) == (theirs.value.message, theirs.value.field)


@pytest.mark.parametrize("name", ["RoomMalformed", "TextTooLong", "FacilityMissing"])
def test_the_gateway_and_the_record_refuse_with_the_same_reason(name: str) -> None:
    ours, theirs = getattr(errors, name), getattr(emr_svc.domain.errors, name)

    assert (ours.kind, ours.reason, ours.vi) == (theirs.kind, theirs.reason, theirs.vi)


def test_the_limit_of_the_reason_is_the_records() -> None:
    assert admission.REASON_CHARS_MAX == emr_svc.domain.visit.REASON_CHARS_MAX
    with pytest.raises(errors.TextTooLong):
        admission.check_admission(facility_code="19999", reason_text="x" * 501, room="A")


def test_nobody_is_admitted_without_a_facility() -> None:
    with pytest.raises(errors.FacilityMissing):
        admission.check_admission(facility_code="", reason_text="", room="A")


def all_errors() -> list[type[AppError]]:
    found = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, AppError)
    ]
    return [each for each in found if each.__module__ == errors.__name__]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_every_refusal_of_the_gateway_has_a_reason_and_vietnamese_advice(error: type[AppError]) -> None:
    assert error.reason == error.reason.upper() != "INTERNAL"
    assert not error.vi.isascii()
    assert error.vi.endswith(".")


@pytest.mark.parametrize("outcome", identity.VerificationOutcome.values())
def test_a_check_is_lesser_exactly_when_it_was_not_heard_or_is_disputed(outcome: int) -> None:
    answer = identity.VerifyCardResponse(verification=identity.Verification(outcome=outcome))  # type: ignore[arg-type]

    judged = judgements.of_verification(answer)

    lesser = {identity.VERIFICATION_OUTCOME_UNVERIFIED, identity.VERIFICATION_OUTCOME_DISPUTED}
    assert (judged is not None) == (outcome in lesser)
    assert judged is None or all(judged)


@pytest.mark.parametrize("outcome", insurance.CoverageOutcome.values())
def test_coverage_is_lesser_exactly_when_it_is_neither_proved_nor_disproved(outcome: int) -> None:
    coverage = insurance.Coverage(outcome=outcome, explanation_vi="chưa rõ", explanation_en="not known")  # type: ignore[arg-type]

    judged = judgements.of_coverage(insurance.CheckCoverageResponse(coverage=coverage))

    lesser = {
        insurance.COVERAGE_OUTCOME_UNVERIFIED,
        insurance.COVERAGE_OUTCOME_DISPUTED,
        insurance.COVERAGE_OUTCOME_PERSON_MISMATCH,
    }
    assert (judged is not None) == (outcome in lesser)
    assert judged is None or all(judged)


def test_a_trace_is_answered_in_drawing_order_with_reasons() -> None:
    trace_id = visit_id_of(REQUEST_ID)

    def span(span_id: str, parent: str, start_ms: int, status: str = "ok", **attributes: str) -> SpanRow:
        return SpanRow(
            trace_id=trace_id,
            span_id=span_id * 16,
            parent_id=parent * 16,
            service="gateway",
            name=f"step.{span_id}",
            kind="internal",
            start_ns=start_ms * 1_000_000,
            duration_ns=5_000_000,
            status=status,
            attributes={key.replace("_", "."): value for key, value in attributes.items()},
        )

    answer = codec.trace_answer(
        [span("c", "a", 3, "error", error_reason="VISIT_NOT_FOUND"), span("a", "", 1), span("b", "a", 2)]
    )

    assert [(row.operation, row.depth, row.offset_us) for row in answer.spans] == [
        ("step.a", 0, 0),
        ("step.b", 1, 1_000),
        ("step.c", 1, 2_000),
    ]
    assert [row.status for row in answer.spans] == ["ok", "ok", "VISIT_NOT_FOUND"]
