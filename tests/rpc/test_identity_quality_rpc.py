"""The data-quality service through the whole pipeline: rights, words in both languages, typed errors, the CLI."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError, Kind
from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from cli.__main__ import parser
from identity_svc.domain.cases import CaseCause
from lienthong.identity.v1 import quality_pb2 as pb
from tests.support.echo_network import Keys
from tests.support.identity import FACILITY, card_text
from tests.support.quality import QUALITY_QUERIES_FILES, Quality, quality_stub
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.identity.v1.quality_pb2_grpc import DataQualityServiceAsyncStub

TIMEOUT_MS = 5_000
MISMATCH = {"full_name": ("MISMATCH", "MARKS_DIFFER")}


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def quality(open_store: OpenStore, tmp_path: Path) -> Quality:
    return Quality(await open_store("identity_svc", queries=QUALITY_QUERIES_FILES), tmp_path)


@pytest.fixture
async def stub(quality: Quality, keys: Keys) -> AsyncIterator[DataQualityServiceAsyncStub]:
    async with quality_stub(quality, keys) as made:
        yield made


Call = Callable[..., Any]


@pytest.fixture
def call(stub: DataQualityServiceAsyncStub, keys: Keys) -> Call:
    """Calls a method as somebody of a role."""

    async def made(method: str, request: Any, *, role: str = "STEWARD", facility: str = "") -> Any:
        with acting_as(signed(keys, role, facility=facility), within_ms=TIMEOUT_MS):
            return await getattr(stub, method)(request)

    return made


def signed(keys: Keys, role: str, *, facility: str = "") -> Caller:
    named = Caller(subject="persons/1", roles=frozenset({role}), facility=facility, purpose="data_quality")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=facility,
        purpose=named.purpose,
        token=Minter(keys.gateway).mint(named),
    )


def fresh() -> str:
    return str(uuid.uuid4())


async def refused(answer: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await answer
    error = caught.value
    assert error.message
    assert error.vi
    assert error.vi != error.message
    return error


async def mismatch(quality: Quality) -> pb.Case:
    """Scan a card whose name the register contradicts."""
    quality.register.results = MISMATCH
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    quality.register.results = {}
    (case,) = await quality.open_cases(cause=CaseCause.NAME_DIFFERS)
    return pb.Case(name=f"citizens/{citizen_id}/cases/{case.case_id}", citizen=f"citizens/{citizen_id}")


async def test_a_steward_sees_a_case_in_words_with_the_repairs_that_end_it(
    quality: Quality, call: Call
) -> None:
    case = await mismatch(quality)

    found = await call("GetCase", pb.GetCaseRequest(name=case.name))

    assert found.case.cause == pb.CASE_CAUSE_NAME_DIFFERS
    assert found.case.severity == pb.CASE_SEVERITY_HIGH
    assert (found.case.facility_code, found.case.field) == (FACILITY, "full_name")
    assert found.case.ward_name
    assert found.advice_vi
    assert found.finding_vi
    assert found.finding_en != found.finding_vi
    codes = {(way.action, way.code) for way in found.proposals}
    assert ("APPLY_REPAIR", "ADD_NAME_ALIAS") in codes
    assert all(way.verification.startswith(f"{case.citizen}/verifications/") for way in found.proposals)
    labels = {each.key: each.label_vi for each in found.case.evidence}
    assert labels["reason"] == "Lý do"
    assert [event.step for event in found.events] == ["OPENED"]


async def test_a_case_is_taken_noted_resolved_and_leaves_the_queue(quality: Quality, call: Call) -> None:
    case = await mismatch(quality)

    taken = await call("AssignCase", pb.AssignCaseRequest(request_id=fresh(), name=case.name))
    await call("AddCaseNote", pb.AddCaseNoteRequest(request_id=fresh(), name=case.name, note="Đã gọi"))
    done = await call(
        "ResolveCase",
        pb.ResolveCaseRequest(
            request_id=fresh(), name=case.name, resolution=pb.CASE_RESOLUTION_REGISTER_CORRECTED, note="Xong"
        ),
    )

    assert (taken.case.state, taken.case.assignee) == (pb.CASE_STATE_ASSIGNED, "persons/1")
    assert (done.case.state, done.case.resolution) == (pb.CASE_STATE_RESOLVED, "REGISTER_CORRECTED")
    mine = await call("ListCases", pb.ListCasesRequest(assignee="me"))
    assert [each.name for each in mine.cases] == []
    ended = await call("ListCases", pb.ListCasesRequest(state=pb.CASE_STATE_RESOLVED, assignee="me"))
    assert [each.name for each in ended.cases] == [case.name]


async def test_the_map_of_the_queue_sums_to_the_same_count_by_each_key(quality: Quality, call: Call) -> None:
    await mismatch(quality)
    await quality.see(CaseCause.CHIP_INVALID, await quality.person("b"))

    found = await call("CountCases", pb.CountCasesRequest(), role="OPERATOR")

    assert found.case_count >= 2
    for groups in (found.causes, found.wards, found.facilities, found.ages):
        assert sum(group.case_count for group in groups) == found.case_count
        assert all(group.label_vi and group.label_en for group in groups)


async def test_a_clerk_sees_the_own_facility_alone_whatever_is_asked(quality: Quality, call: Call) -> None:
    case = await mismatch(quality)

    own = await call("ListCases", pb.ListCasesRequest(), role="CLERK", facility=FACILITY)
    other = await call(
        "ListCases", pb.ListCasesRequest(facility_code=FACILITY), role="CLERK", facility="19999"
    )
    hidden = await refused(call("GetCase", pb.GetCaseRequest(name=case.name), role="CLERK", facility="19999"))
    map_of_other = await call("CountCases", pb.CountCasesRequest(), role="CLERK", facility="19999")

    assert case.name in [each.name for each in own.cases]
    assert list(other.cases) == []
    assert (hidden.kind, hidden.reason) == (Kind.NOT_FOUND, "CASE_NOT_FOUND")
    assert map_of_other.case_count == 0


async def test_a_clerk_without_a_facility_sees_nothing(quality: Quality, call: Call) -> None:
    await mismatch(quality)
    await quality.see(CaseCause.CHIP_INVALID, await quality.person("b"))

    found = await call("ListCases", pb.ListCasesRequest(), role="CLERK")

    assert list(found.cases) == []


NAMED = "citizens/a/cases/b"
BAD_CALLS = [
    ("GetCase", pb.GetCaseRequest(name="cases/1"), "CASE_NAME_MALFORMED"),
    ("GetCase", pb.GetCaseRequest(name=NAMED), "CASE_NOT_FOUND"),
    ("ListCases", pb.ListCasesRequest(page_token="!"), "PAGE_TOKEN_MALFORMED"),
    ("ListCases", pb.ListCasesRequest(page_token="AAAA"), "PAGE_TOKEN_MALFORMED"),
    ("ListCases", pb.ListCasesRequest(page_size=201), "PAGE_SIZE_OUT_OF_RANGE"),
    ("ListCases", pb.ListCasesRequest(page_size=-1), "PAGE_SIZE_OUT_OF_RANGE"),
    ("ListCases", pb.ListCasesRequest(ward_code="1840"), "WARD_CODE_MALFORMED"),
    ("AssignCase", pb.AssignCaseRequest(name=NAMED), "REQUEST_ID_REQUIRED"),
    ("AssignCase", pb.AssignCaseRequest(request_id=fresh(), name=NAMED), "CASE_NOT_FOUND"),
    (
        "AssignCase",
        pb.AssignCaseRequest(request_id=fresh(), name=NAMED, assignee="Nguyễn Thị Hòa"),
        "CASE_ASSIGNEE_WRONG",
    ),
    ("AddCaseNote", pb.AddCaseNoteRequest(request_id=fresh(), name=NAMED, note=" "), "CASE_NOTE_WRONG"),
    (
        "AddCaseNote",
        pb.AddCaseNoteRequest(request_id=fresh(), name=NAMED, note="x" * 2_001),
        "CASE_NOTE_WRONG",
    ),
    ("ResolveCase", pb.ResolveCaseRequest(request_id=fresh(), name=NAMED), "CASE_RESOLUTION_REQUIRED"),
    ("DismissCase", pb.DismissCaseRequest(request_id=fresh(), name=NAMED), "CASE_REASON_REQUIRED"),
    ("GetQualityFigures", pb.GetQualityFiguresRequest(province_code="x"), "PROVINCE_CODE_MALFORMED"),
    (
        "GetQualityFigures",
        pb.GetQualityFiguresRequest(province_code="19", ward_code="01840"),
        "PROVINCE_CODE_MALFORMED",
    ),
    ("GetQualityFigures", pb.GetQualityFiguresRequest(from_date="2026-02-30"), "FIGURE_DAYS_WRONG"),
    (
        "GetQualityFigures",
        pb.GetQualityFiguresRequest(from_date="2026-03-02", to_date="2026-03-01"),
        "FIGURE_DAYS_WRONG",
    ),
    (
        "GetQualityFigures",
        pb.GetQualityFiguresRequest(from_date="2025-01-01", to_date="2026-01-02"),
        "FIGURE_DAYS_WRONG",
    ),
    (
        "AcceptCorrection",
        pb.AcceptCorrectionRequest(request_id=fresh(), name=NAMED),
        "CORRECTION_NAME_MALFORMED",
    ),
    (
        "AcceptCorrection",
        pb.AcceptCorrectionRequest(request_id=fresh(), name="citizens/a/corrections/b"),
        "CORRECTION_NOT_FOUND",
    ),
    (
        "RefuseCorrection",
        pb.RefuseCorrectionRequest(request_id=fresh(), name="citizens/a/corrections/b"),
        "CORRECTION_WHY_WRONG",
    ),
]


@pytest.mark.parametrize(("method", "request_", "reason"), BAD_CALLS)
async def test_bad_input_gets_its_typed_error_with_advice(
    call: Call, method: str, request_: Any, reason: str
) -> None:
    assert (await refused(call(method, request_))).reason == reason


RIGHTS = {
    "ListCases": {"CLERK", "STEWARD", "AUDITOR"},
    "GetCase": {"CLERK", "STEWARD", "AUDITOR"},
    "CountCases": {"CLERK", "STEWARD", "OPERATOR", "AUDITOR"},
    "AssignCase": {"STEWARD"},
    "AddCaseNote": {"STEWARD"},
    "ResolveCase": {"STEWARD"},
    "DismissCase": {"STEWARD"},
    "GetQualityFigures": {"STEWARD", "OPERATOR", "AUDITOR"},
    "ExportQualityFigures": {"STEWARD", "OPERATOR", "AUDITOR"},
    "RebuildQualityFigures": {"STEWARD"},
    "RequestCorrection": {"CITIZEN", "CLERK"},
    "AcceptCorrection": {"STEWARD"},
    "RefuseCorrection": {"STEWARD"},
    "ListMyCorrections": {"CITIZEN"},
}
ROLES = ("CITIZEN", "CLERK", "CLINICIAN", "CASHIER", "STEWARD", "OPERATOR", "AUDITOR", "DEVICE", "SERVICE")


@pytest.mark.parametrize("method", RIGHTS)
async def test_each_role_may_do_what_its_work_needs_and_no_more(
    stub: DataQualityServiceAsyncStub, keys: Keys, method: str
) -> None:
    request = getattr(pb, f"{method}Request")()
    allowed = set()
    for role in ROLES:
        try:
            with acting_as(signed(keys, role), within_ms=TIMEOUT_MS):
                answer = getattr(stub, method)(request)
                if method == "ExportQualityFigures":
                    async for _ in answer:
                        pass
                else:
                    await answer
        except AppError as error:
            if error.reason == "ROLE_NOT_ALLOWED":
                continue
        allowed.add(role)

    assert allowed == RIGHTS[method]
    assert set(RIGHTS) == {each.name for each in pb.DESCRIPTOR.services_by_name["DataQualityService"].methods}


async def test_figures_and_their_csv_tell_the_same(
    quality: Quality, stub: DataQualityServiceAsyncStub, call: Call, keys: Keys
) -> None:
    await mismatch(quality)
    await quality.count()

    found = await call("GetQualityFigures", pb.GetQualityFiguresRequest(province_code="19"))
    with acting_as(signed(keys, "AUDITOR"), within_ms=TIMEOUT_MS):
        parts = stub.ExportQualityFigures(pb.ExportQualityFiguresRequest(province_code="19"))
        text = "".join([part.csv_lines async for part in parts])

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    counts = {row["measure"]: int(row["count"]) for row in rows}
    assert found.total.people_count == counts["PEOPLE"] == 1
    assert found.total.checks_disputed_count == counts["CHECKS_DISPUTED"] == 1
    assert counts["OPENED_NAME_DIFFERS"] == 1
    name = next(each for each in found.total.dirt if each.dirt_class == "NAME")
    assert (name.open_count, name.open_pct) == (1, 100.0)
    assert (found.from_date, found.to_date) == ("2026-02-01", "2026-03-02")
    assert len(found.days) == 30
    assert found.HasField("counted_time")
    assert {row["ward_name"] for row in rows} == {ward.ward_name for ward in found.wards}
    empty = await call("GetQualityFigures", pb.GetQualityFiguresRequest(province_code="01"))
    assert empty.total.people_count == 0


async def test_a_citizens_words_are_shown_to_who_decides_and_to_nobody_else(
    quality: Quality, call: Call
) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    asked = await call(
        "RequestCorrection",
        pb.RequestCorrectionRequest(
            request_id=fresh(),
            parent=f"citizens/{citizen_id}",
            field="birth_date",
            value="1990-03-03",
            why="Giấy khai sinh ghi ngày 3",
        ),
        role="CLERK",
        facility=FACILITY,
    )
    name = asked.correction.case

    steward = await call("GetCase", pb.GetCaseRequest(name=name))
    auditor = await call("GetCase", pb.GetCaseRequest(name=name), role="AUDITOR")

    assert (steward.correction.value, steward.correction.why) == ("1990-03-03", "Giấy khai sinh ghi ngày 3")
    assert (auditor.correction.value, auditor.correction.why) == ("", "")
    assert [way.action for way in steward.proposals] == ["ANSWER_CORRECTION"]
    assert asked.correction.answer_due_date == "2026-03-04"
    assert "356/2025" in asked.correction.legal_reference


async def test_a_repeated_request_is_the_same_request(quality: Quality, call: Call) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    request = pb.RequestCorrectionRequest(
        request_id=fresh(), parent=f"citizens/{citizen_id}", field="gender", value="male", why="Ghi nhầm"
    )

    first = await call("RequestCorrection", request, role="CLERK", facility=FACILITY)
    again = await call("RequestCorrection", request, role="CLERK", facility=FACILITY)

    assert again.correction.name == first.correction.name


# The command line, whose stubs are these


class FakeGateway:
    """Hands the commands a stub of the service itself."""

    def __init__(self, stub: DataQualityServiceAsyncStub, caller: Caller) -> None:
        self._stub = stub
        self._caller = caller

    @asynccontextmanager
    async def calling(
        self, make: Callable[[Channel], object], *, within_ms: int | None = None
    ) -> AsyncIterator[DataQualityServiceAsyncStub]:
        with acting_as(self._caller, within_ms=within_ms or TIMEOUT_MS):
            yield self._stub


Run = Callable[..., Any]


@pytest.fixture
def run(stub: DataQualityServiceAsyncStub, keys: Keys, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `lienthong` with these words; gives what it printed."""

    async def made(*words: str, role: str = "STEWARD", facility: str = "") -> str:
        arguments = parser().parse_args(words)
        await arguments.run(arguments, FakeGateway(stub, signed(keys, role, facility=facility)))
        return capsys.readouterr().out

    return made


async def test_a_steward_works_a_case_from_the_command_line(quality: Quality, run: Run) -> None:
    case = await mismatch(quality)

    listed = json.loads(await run("--json", "cases", "list", "--cause", "NAME_DIFFERS"))
    shown = await run("cases", "show", case.name)
    await run("cases", "take", case.name)
    await run("cases", "note", case.name, "Đã gọi điện")
    done = json.loads(await run("--json", "cases", "dismiss", case.name, "RECORD_IS_RIGHT"))

    assert [each["name"] for each in listed["cases"]] == [case.name]
    assert "ADD_NAME_ALIAS" in shown
    assert done["state"] == "CASE_STATE_DISMISSED"
    assert "Số hồ sơ" in await run("cases", "count")
    assert case.name in await run("cases", "list", "--state", "DISMISSED")


async def test_figures_come_as_tables_json_and_csv(quality: Quality, run: Run) -> None:
    await mismatch(quality)
    await quality.count()

    assert json.loads(await run("--json", "quality", "figures"))["total"]["people_count"] == "1"
    assert "Loại lỗi" in await run("quality", "figures", "--province", "19")
    assert (await run("quality", "export")).startswith("day_date,province_code,ward_code")
    await run("quality", "rebuild")


async def test_a_correction_is_asked_and_answered_from_the_command_line(quality: Quality, run: Run) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id

    ask = ("correction", "request", f"citizens/{citizen_id}", "gender", "male", "--why", "Ghi nhầm")
    asked = json.loads(await run("--json", *ask, role="CLERK", facility=FACILITY))
    refusal = await run("correction", "refuse", asked["name"], "Thẻ ghi Nữ")
    again = json.loads(await run("--json", *ask, role="CLERK", facility=FACILITY))
    done = json.loads(await run("--json", "correction", "accept", again["name"]))

    assert "Thẻ ghi Nữ" in refusal
    assert done["correction"]["state"] == "CORRECTION_STATE_ACCEPTED"
    assert done["repair"].startswith(f"citizens/{citizen_id}/repairs/")
