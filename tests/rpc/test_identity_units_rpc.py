"""The unit service through the whole pipeline: rights, both error languages, pages, and what callers get."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError
from chassis.rpc.context import acting_as
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from lienthong.identity.v1 import identity_pb2
from lienthong.identity.v1 import units_pb2 as pb
from lienthong.identity.v1.units_pb2_grpc import UnitServiceStub
from tests.support.echo_network import Keys
from tests.support.identity import QUERIES_FILES, Identity, card_text
from tests.support.residents import GIA_SANG, NAM_MAU, settle, walk
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.identity.v1.units_pb2_grpc import UnitServiceAsyncStub

TIMEOUT_S = 5.0


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
async def stub(identity: Identity, keys: Keys) -> AsyncIterator[UnitServiceAsyncStub]:
    telemetry = Telemetry("identity")
    network = LocalNetwork()
    network.register("identity", identity.units.bindings(), verifier=keys.verifier(), telemetry=telemetry)
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    yield UnitServiceStub(channel)
    await channel.close()


def fresh() -> str:
    return str(uuid.uuid4())


def declaration(
    code: str = "06A01", *, start: str = "2020-01-01", last: str = "", vintage: str = ""
) -> pb.DeclareFacilityRequest:
    return pb.DeclareFacilityRequest(
        request_id=fresh(),
        display_name="Trạm y tế xã Nam Mẫu",
        code=pb.FacilityCode(
            code=code, start_date=start, last_date=last, vintage=vintage, source="384/QĐ-BYT"
        ),
    )


async def test_a_facility_is_declared_recoded_and_found_by_both_codes(
    stub: UnitServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(keys.caller("STEWARD")):
        declared = (await stub.DeclareFacility(declaration(), timeout=TIMEOUT_S)).facility
        await stub.AddFacilityCode(
            pb.AddFacilityCodeRequest(
                request_id=fresh(),
                name=declared.name,
                code=pb.FacilityCode(code="19A77", start_date="2026-01-01"),
            ),
            timeout=TIMEOUT_S,
        )
        await stub.EndFacilityCode(
            pb.EndFacilityCodeRequest(
                request_id=fresh(), name=declared.name, code="06A01", last_date="2025-12-31"
            ),
            timeout=TIMEOUT_S,
        )
        await stub.RenameFacility(
            pb.RenameFacilityRequest(
                request_id=fresh(),
                name=declared.name,
                new_name=pb.FacilityName(display_name="Trạm y tế xã Ba Bể", start_date="2025-07-01"),
            ),
            timeout=TIMEOUT_S,
        )
    with acting_as(keys.caller("CITIZEN", facility="")):
        by_old = await stub.ResolveFacility(
            pb.ResolveFacilityRequest(code="06A01", date="2026-02-01"), timeout=TIMEOUT_S
        )
        by_new = await stub.ResolveFacility(
            pb.ResolveFacilityRequest(code="19a77", date="2026-02-01"), timeout=TIMEOUT_S
        )
        got = await stub.GetFacility(pb.GetFacilityRequest(name=declared.name), timeout=TIMEOUT_S)

    assert by_old.facility == by_new.facility == got.facility
    assert (by_old.in_force, by_new.in_force) == (False, True)
    assert [code.code for code in by_new.codes_in_force] == ["19A77"]
    assert by_new.display_name == "Trạm y tế xã Ba Bể"
    assert [(code.code, code.vintage, code.last_date) for code in got.facility.codes] == [
        ("06A01", "before-2025-07", "2025-12-31"),
        ("19A77", "from-2025-07", ""),
    ]


async def test_a_repeated_declaration_declares_once(stub: UnitServiceAsyncStub, keys: Keys) -> None:
    request = declaration()
    with acting_as(keys.caller("OPERATOR")):
        first = await stub.DeclareFacility(request, timeout=TIMEOUT_S)
        again = await stub.DeclareFacility(request, timeout=TIMEOUT_S)
        page = await stub.ListFacilities(pb.ListFacilitiesRequest(), timeout=TIMEOUT_S)

    assert first == again
    assert [each.name for each in page.facilities] == [first.facility.name]


async def test_lists_go_by_pages(stub: UnitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(keys.caller("STEWARD")):
        for number in range(3):
            await stub.DeclareFacility(declaration(f"1900{number}"), timeout=TIMEOUT_S)
        first = await stub.ListFacilities(pb.ListFacilitiesRequest(page_size=2), timeout=TIMEOUT_S)
        rest = await stub.ListFacilities(
            pb.ListFacilitiesRequest(page_size=2, page_token=first.next_page_token), timeout=TIMEOUT_S
        )

    codes = [each.codes[0].code for each in (*first.facilities, *rest.facilities)]
    assert codes == ["19000", "19001", "19002"]
    assert rest.next_page_token == ""


async def test_rows_are_recoded_in_their_order(stub: UnitServiceAsyncStub, keys: Keys) -> None:
    rows = [
        pb.RecodeRow(ward_code="01909", vintage="before-2025-07"),
        pb.RecodeRow(ward_code="05461"),
        pb.RecodeRow(ward_name="Nam Mẫu", district_name="Ba Bể", province_name="Thái Nguyên"),
        pb.RecodeRow(address="Paris"),
    ]
    with acting_as(keys.caller("DEVICE")):
        answer = await stub.RecodeRows(pb.RecodeRowsRequest(rows=rows), timeout=TIMEOUT_S)

    assert [(row.finding, row.ward_code, row.reason) for row in answer.rows] == [
        (pb.RECODING_FINDING_MERGED, "01906", ""),
        (pb.RECODING_FINDING_SPLIT, "", "SPLIT_COMMUNE"),
        (pb.RECODING_FINDING_MERGED, "01906", ""),
        (pb.RECODING_FINDING_UNRESOLVED, "", "PROVINCE_NOT_RECOGNISED"),
    ]
    split = answer.rows[1].candidates
    assert {each.new_unit.ward_code for each in split} == {"05443", "05467"}
    assert all(each.legal_reference == "19/2025/QĐ-TTg" and each.reason_vi for each in split)


async def test_a_thousand_misspelt_rows_are_answered_in_one_call(
    stub: UnitServiceAsyncStub, keys: Keys
) -> None:
    rows = [
        pb.RecodeRow(address=f"Thôn {number}, Xã Nem Mẫu, Huyện Ba Bể, Bắc Kạn") for number in range(1_000)
    ]
    with acting_as(keys.caller("SERVICE")):
        answer = await stub.RecodeRows(pb.RecodeRowsRequest(rows=rows), timeout=TIMEOUT_S)

    assert {(row.finding, row.reason) for row in answer.rows} == {
        (pb.RECODING_FINDING_AMBIGUOUS, "SPELLING_DIFFERS")
    }


async def test_a_commune_in_force_tells_what_it_was_made_of(stub: UnitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(keys.caller("CITIZEN", facility="")):
        answer = await stub.ListFormerUnits(pb.ListFormerUnitsRequest(ward_code="01906"), timeout=TIMEOUT_S)

    assert answer.unit.ward_name == "Xã Ba Bể"
    former = {each.old_unit.ward_name: each.change for each in answer.former_units}
    assert former["Xã Nam Mẫu"] == identity_pb2.UNIT_CHANGE_MERGED
    assert len(former) >= 2


async def test_a_recoding_is_ordered_applied_watched_and_taken_back(
    stub: UnitServiceAsyncStub, identity: Identity, keys: Keys
) -> None:
    ids = await settle(identity, [NAM_MAU, GIA_SANG])
    with acting_as(keys.caller("STEWARD")):
        started = (
            await stub.StartRecoding(pb.StartRecodingRequest(request_id=fresh()), timeout=TIMEOUT_S)
        ).recoding
        await walk(identity)
        counted = await stub.GetRecoding(pb.GetRecodingRequest(name=started.name), timeout=TIMEOUT_S)
        figures = await stub.ListRecodingFigures(
            pb.ListRecodingFiguresRequest(name=started.name, page_size=1), timeout=TIMEOUT_S
        )
        more = await stub.ListRecodingFigures(
            pb.ListRecodingFiguresRequest(name=started.name, page_token=figures.next_page_token),
            timeout=TIMEOUT_S,
        )
        await stub.ApplyRecoding(
            pb.ApplyRecodingRequest(request_id=fresh(), name=started.name), timeout=TIMEOUT_S
        )
        await walk(identity)
        items = await stub.ListRecodingItems(
            pb.ListRecodingItemsRequest(name=started.name), timeout=TIMEOUT_S
        )
        lives = await stub.GetResidence(
            pb.GetResidenceRequest(citizen=f"citizens/{ids[0]}"), timeout=TIMEOUT_S
        )
        await stub.UndoRecoding(
            pb.UndoRecodingRequest(request_id=fresh(), name=started.name), timeout=TIMEOUT_S
        )
        await walk(identity)
        page = await stub.ListRecodings(pb.ListRecodingsRequest(), timeout=TIMEOUT_S)
        lived = await stub.GetResidence(
            pb.GetResidenceRequest(citizen=f"citizens/{ids[0]}"), timeout=TIMEOUT_S
        )

    assert started.state == pb.RECODING_STATE_COUNTING
    assert counted.recoding.state == pb.RECODING_STATE_COUNTED
    assert {(each.finding, each.citizen_count) for each in counted.recoding.figures} == {
        (pb.RECODING_FINDING_MERGED, 1),
        (pb.RECODING_FINDING_SPLIT, 1),
    }
    assert [each.old_ward_name for each in (*figures.figures, *more.figures)] == [
        "Xã Nam Mẫu",
        "Phường Gia Sàng",
    ]
    assert [(each.citizen, list(each.candidate_ward_codes)) for each in items.items] == [
        (f"citizens/{ids[1]}", ["05443", "05467"])
    ]
    assert items.items[0].case.startswith(f"citizens/{ids[1]}/cases/")
    assert (lives.residence.ward_code, lives.residence.source) == ("01906", "RECODING")
    assert page.recodings[0].state == pb.RECODING_STATE_UNDONE
    assert (lived.residence.kind, lived.former_residences[0].ward_code) == ("", "01906")


async def test_a_clerk_chooses_the_part_of_a_split_commune(
    stub: UnitServiceAsyncStub, identity: Identity, keys: Keys
) -> None:
    done = await identity.scan(card_text(address=GIA_SANG))
    with acting_as(keys.caller("CLERK")):
        answer = await stub.ChooseResidence(
            pb.ChooseResidenceRequest(
                request_id=fresh(), citizen=f"citizens/{done.citizen.citizen_id}", ward_code="05467"
            ),
            timeout=TIMEOUT_S,
        )

    assert (answer.residence.ward_code, answer.residence.kind) == ("05467", "CHOSEN")
    assert answer.closed_case_count == 1


BAD_CALLS: list[tuple[str, Any, str, str]] = [
    ("ListFormerUnits", pb.ListFormerUnitsRequest(ward_code="1906"), "WARD_CODE_MALFORMED", "ward_code"),
    ("ListFormerUnits", pb.ListFormerUnitsRequest(ward_code="01909"), "WARD_CODE_UNKNOWN", "ward_code"),
    ("RecodeRows", pb.RecodeRowsRequest(rows=[pb.RecodeRow()] * 1_001), "ROWS_TOO_MANY", "rows"),
    ("RecodeRows", pb.RecodeRowsRequest(rows=[pb.RecodeRow(vintage="2025")]), "VINTAGE_UNKNOWN", "vintage"),
    ("GetResidence", pb.GetResidenceRequest(citizen="x"), "CITIZEN_NAME_MALFORMED", "name"),
    ("GetResidence", pb.GetResidenceRequest(citizen="citizens/0"), "RESIDENCE_UNKNOWN", ""),
    (
        "ChooseResidence",
        pb.ChooseResidenceRequest(request_id=fresh(), citizen="citizens/0", ward_code="01906"),
        "CITIZEN_NOT_FOUND",
        "",
    ),
    (
        "ChooseResidence",
        pb.ChooseResidenceRequest(request_id=fresh(), citizen="citizens/0", ward_code="99999"),
        "WARD_CODE_UNKNOWN",
        "ward_code",
    ),
    ("DeclareFacility", declaration("1900"), "FACILITY_CODE_FORM", "facility_code"),
    ("DeclareFacility", declaration(start="2020-02-30"), "DAY_MALFORMED", "code.start_date"),
    ("DeclareFacility", declaration(start="01/02/2020"), "DAY_MALFORMED", "code.start_date"),
    ("DeclareFacility", declaration(last="2019-12-31"), "DAYS_REVERSED", "last_date"),
    ("DeclareFacility", declaration(vintage="2025"), "VINTAGE_UNKNOWN", "vintage"),
    (
        "DeclareFacility",
        pb.DeclareFacilityRequest(
            request_id=fresh(), code=pb.FacilityCode(code="19001", start_date="2020-01-01")
        ),
        "FACILITY_NAME_FORM",
        "display_name",
    ),
    ("DeclareFacility", pb.DeclareFacilityRequest(display_name="Trạm"), "REQUEST_ID_REQUIRED", "request_id"),
    ("GetFacility", pb.GetFacilityRequest(name="19001"), "FACILITY_NAME_MALFORMED", "name"),
    ("GetFacility", pb.GetFacilityRequest(name="facilities/0"), "FACILITY_NOT_FOUND", ""),
    ("ListFacilities", pb.ListFacilitiesRequest(page_size=201), "PAGE_SIZE_OUT_OF_RANGE", "page_size"),
    ("ListFacilities", pb.ListFacilitiesRequest(page_token="?"), "PAGE_TOKEN_MALFORMED", "page_token"),
    ("ResolveFacility", pb.ResolveFacilityRequest(code="190"), "FACILITY_CODE_FORM", "facility_code"),
    ("ResolveFacility", pb.ResolveFacilityRequest(code="19009"), "FACILITY_NOT_FOUND", ""),
    ("ResolveFacility", pb.ResolveFacilityRequest(code="19009", date="today"), "DAY_MALFORMED", "date"),
    ("GetRecoding", pb.GetRecodingRequest(name="x"), "RECODING_NAME_MALFORMED", "name"),
    ("GetRecoding", pb.GetRecodingRequest(name="recodings/0"), "RECODING_NOT_FOUND", ""),
    ("ListRecodingItems", pb.ListRecodingItemsRequest(name="recodings/0"), "RECODING_NOT_FOUND", ""),
    (
        "ListRecodingFigures",
        pb.ListRecodingFiguresRequest(name="recodings/0", page_token="?"),
        "PAGE_TOKEN_MALFORMED",
        "page_token",
    ),
    (
        "ApplyRecoding",
        pb.ApplyRecodingRequest(request_id=fresh(), name="recodings/0"),
        "RECODING_NOT_FOUND",
        "",
    ),
    (
        "UndoRecoding",
        pb.UndoRecodingRequest(request_id=fresh(), name="recodings/0"),
        "RECODING_NOT_FOUND",
        "",
    ),
]


@pytest.mark.parametrize(("method", "request_message", "reason", "field"), BAD_CALLS)
async def test_each_bad_call_is_a_typed_error_in_both_languages(  # noqa: PLR0917
    stub: UnitServiceAsyncStub, keys: Keys, method: str, request_message: Any, reason: str, field: str
) -> None:
    with acting_as(keys.caller("STEWARD")), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field or "") == (reason, field)
    assert caught.value.vi
    assert caught.value.message


async def test_a_taken_code_names_its_owner(stub: UnitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(keys.caller("STEWARD")):
        first = await stub.DeclareFacility(declaration(), timeout=TIMEOUT_S)
        with pytest.raises(AppError) as caught:
            await stub.DeclareFacility(declaration(), timeout=TIMEOUT_S)

    assert caught.value.reason == "FACILITY_CODE_TAKEN"
    assert caught.value.facts["facility"] == first.facility.name


REFUSED = [
    ("DeclareFacility", declaration(), "CLERK"),
    ("StartRecoding", pb.StartRecodingRequest(request_id=fresh()), "CLERK"),
    ("ApplyRecoding", pb.ApplyRecodingRequest(request_id=fresh(), name="recodings/0"), "CLINICIAN"),
    ("UndoRecoding", pb.UndoRecodingRequest(request_id=fresh(), name="recodings/0"), "DEVICE"),
    ("ListRecodingItems", pb.ListRecodingItemsRequest(name="recodings/0"), "OPERATOR"),
    ("GetResidence", pb.GetResidenceRequest(citizen="citizens/0"), "CITIZEN"),
    ("ChooseResidence", pb.ChooseResidenceRequest(citizen="citizens/0"), "OPERATOR"),
]


@pytest.mark.parametrize(("method", "request_message", "role"), REFUSED)
async def test_who_has_no_right_is_refused(
    stub: UnitServiceAsyncStub, keys: Keys, method: str, request_message: Any, role: str
) -> None:
    with acting_as(keys.caller(role)), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert caught.value.reason == "ROLE_NOT_ALLOWED"
