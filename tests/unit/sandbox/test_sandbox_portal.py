"""Claims about the insurance portal's wire form and its result codes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from sandbox.control import SandboxControl
from sandbox.person import Person
from sandbox.portal.codes import NOTES
from sandbox.server import Sandbox

PASSWORD_HASH = hashlib.md5(b"sandbox-portal-password").hexdigest().upper()  # noqa: S324 - the portal's wire form
ACCOUNT = {"username": "19999_BV", "password": PASSWORD_HASH}
STAFF = {"hoTenCb": "Triệu Văn An", "cccdCb": "099085000002"}
# Annex 03 of letter 1923/BHXH-CNTT; the order is part of the claim.
REPLY_FIELDS = (
    "maKetQua ghiChu maThe hoTen ngaySinh gioiTinh diaChi maDKBD cqBHXH gtTheTu gtTheDen maKV ngayDu5Nam maSoBHXH "
    "maTheCu maTheMoi gtTheTuMoi gtTheDenMoi maDKBDMoi tenDKBDMoi dsLichSuKCB2018 dsLichSuKT2018"
)

Json = dict[str, Any]  # Any: JSON off the wire


class Caller:
    """A hospital system with one token."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http
        self.credentials: dict[str, str] = {}

    @property
    def url(self) -> str:
        return self.sandbox.listeners["portal"].url

    def person(self, *classes: str) -> Person:
        return self.sandbox.population.find(classes)[0]

    async def take_token(self) -> Json:
        async with self.http.post(f"{self.url}/api/token/take", data=ACCOUNT) as response:
            assert response.status == 200
            answer: Json = await response.json()
        key = answer["APIKey"]
        self.credentials = {"token": key["access_token"], "id_token": key["id_token"], **ACCOUNT}
        return answer

    async def post(self, body: Json, *, is_form: bool = False) -> tuple[int, Json]:
        url = f"{self.url}/api/egw/KQNhanLichSuKCB2024"
        sent: Json = {"data": body} if is_form else {"json": body}
        async with self.http.post(url, params=self.credentials, **sent) as response:
            return response.status, await response.json()

    async def look_up(self, person: Person, **changed: str) -> Json:
        body = {
            "maThe": person.card.personal_number,
            "hoTen": person.card.full_name,
            "ngaySinh": person.card.birth_date.strftime("%d/%m/%Y"),
            **STAFF,
        } | changed
        status, reply = await self.post(body)
        assert status == 200
        return reply


@pytest.fixture
async def caller(sandbox: Sandbox, http: aiohttp.ClientSession) -> Caller:
    caller = Caller(sandbox, http)
    await caller.take_token()
    return caller


async def test_a_token_reply_has_the_documented_form_and_a_utc_end(caller: Caller) -> None:
    answer = await caller.take_token()

    assert answer["maKetQua"] == "200"
    assert list(answer["APIKey"]) == ["access_token", "id_token", "token_type", "username", "expires_in"]
    assert answer["APIKey"]["expires_in"] == "2026-11-21T05:10:00Z"


@pytest.mark.parametrize("password", [PASSWORD_HASH.lower(), "sandbox-portal-password", ""])
async def test_only_the_upper_case_hash_signs_in(caller: Caller, password: str) -> None:
    async with caller.http.post(
        f"{caller.url}/api/token/take", data={"username": "19999_BV", "password": password}
    ) as response:
        assert await response.json() == {"maKetQua": "401", "APIKey": None}


async def test_a_token_is_taken_with_a_form_not_with_json(caller: Caller) -> None:
    async with caller.http.post(f"{caller.url}/api/token/take", json=ACCOUNT) as response:
        assert (await response.json())["maKetQua"] == "205"


async def test_a_clean_card_answers_000_with_every_field_in_order(caller: Caller) -> None:
    person = caller.person("clean")
    reply = await caller.look_up(person)

    assert list(reply) == REPLY_FIELDS.split()
    assert person.portal is not None
    assert reply["maKetQua"] == "000"
    assert reply["maThe"] == person.portal.card.number
    assert reply["maSoBHXH"] == person.portal.social_number
    assert (reply["gtTheTu"], reply["gtTheDen"]) == ("01/01/2026", "31/12/2026")


@pytest.mark.parametrize(
    ("person_class", "code"),
    [
        ("clean", "000"), ("army", "001"), ("police", "002"), ("card_replaced", "003"),
        ("new_card_valid_old", "004"), ("expired", "010"), ("not_insured", "050"), ("name_mismatch", "060"),
        ("missing_middle_name", "060"), ("tone_placement", "061"), ("accentless_name", "061"),
        ("name_initials", "061"), ("nfd_text", "061"), ("birth_date_mismatch", "070"), ("year_only_birth", "070"),
        ("ledger_error", "100"), ("server_error", "101"), ("withdrawn", "110"), ("reduced", "120"),
        ("moved", "121"), ("moved_inside", "122"), ("re_added", "123"), ("stopped", "124"),
        ("child_no_card", "130"), ("unlisted_code", "090"), ("disputed", "000"), ("old_address", "000"),
    ],
)  # fmt: skip
async def test_each_class_of_people_meets_its_code(caller: Caller, person_class: str, code: str) -> None:
    assert (await caller.look_up(caller.person(person_class)))["maKetQua"] == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"maThe": "12345"}, "051"),
        ({"maThe": "DT906" + "0600000001"}, "051"),
        ({"cccdCb": "099085000009"}, "054"),
        ({"hoTenCb": "Triệu Văn Ân"}, "055"),
        ({"ngaySinh": "1990-03-05"}, "205"),
        ({"ngaySinh": "31/02/1990"}, "205"),
        ({"hoTen": ""}, "205"),
        ({"cccdCb": ""}, "205"),
        ({"maThe": "9900000000"}, "050"),
    ],
)
async def test_a_wrong_request_meets_its_code(caller: Caller, changed: dict[str, str], code: str) -> None:
    reply = await caller.look_up(caller.person("clean"), **changed)

    assert reply["maKetQua"] == code
    assert reply["hoTen"] == ""


@pytest.mark.parametrize(("person_class", "code"), [("province_recoded", "052"), ("level_recoded", "053")])
async def test_the_printed_number_fails_and_the_ten_digits_work(
    caller: Caller, person_class: str, code: str
) -> None:
    person = caller.person(person_class)
    assert person.portal is not None

    assert (await caller.look_up(person, maThe=person.printed_insurance_number))["maKetQua"] == code
    assert (await caller.look_up(person, maThe=person.portal.social_number))["maKetQua"] == "000"
    assert (await caller.look_up(person, maThe=person.portal.card.number))["maKetQua"] == "000"


async def test_all_26_official_codes_have_a_note() -> None:
    listed = "000 001 002 003 004 010 050 051 052 053 054 055 060 061 070 100 101 110 120 121 122 123 124 130 205 401"

    assert all(NOTES[code] for code in listed.split())
    assert len(listed.split()) == 26


async def test_a_replaced_card_names_the_new_one_and_the_new_one_names_the_old(caller: Caller) -> None:
    person = caller.person("card_replaced")
    assert person.portal is not None
    assert person.portal.new_card is not None

    old = await caller.look_up(person)
    new = await caller.look_up(person, maThe=person.portal.new_card.number)

    assert (old["maKetQua"], old["maTheMoi"]) == ("003", person.portal.new_card.number)
    assert (old["gtTheTuMoi"], old["gtTheDenMoi"], old["maDKBDMoi"]) == ("01/01/2026", "31/12/2026", "19999")
    assert (new["maKetQua"], new["maThe"], new["maTheCu"]) == (
        "000",
        person.portal.new_card.number,
        person.portal.card.number,
    )


async def test_the_right_spelling_after_a_wrong_one_is_found(caller: Caller) -> None:
    person = caller.person("tone_placement")
    assert person.register is not None

    assert (await caller.look_up(person, hoTen=person.register.full_name))["maKetQua"] == "000"


@pytest.mark.parametrize("birth", ["{:%d/%m/%Y}", "{:%d%m%Y}", "{:%m/%Y}", "{:%Y}"])
async def test_a_birth_date_may_be_shorter_than_the_stored_one(caller: Caller, birth: str) -> None:
    person = caller.person("clean")

    assert (await caller.look_up(person, ngaySinh=birth.format(person.card.birth_date)))["maKetQua"] == "000"


async def test_a_year_alone_fits_a_person_with_a_year_alone(caller: Caller) -> None:
    person = caller.person("year_only_birth")

    assert (await caller.look_up(person, ngaySinh=str(person.card.birth_date.year)))["maKetQua"] == "000"


async def test_the_cards_last_day_is_valid_and_midnight_in_vietnam_ends_it(
    caller: Caller, sandbox: Sandbox, clock: Any
) -> None:
    person = caller.person("clean")

    clock.now = clock.now.replace(month=12, day=31, hour=16, minute=59, second=59)
    await caller.take_token()
    last_second = (await caller.look_up(person))["maKetQua"]
    clock.now += timedelta(seconds=1)
    after = (await caller.look_up(person))["maKetQua"]

    assert (last_second, after) == ("000", "010")


async def test_a_form_body_works_as_well(caller: Caller) -> None:
    person = caller.person("clean")
    body = {
        "maThe": person.card.personal_number,
        "hoTen": person.card.full_name,
        "ngaySinh": person.card.birth_date.strftime("%d/%m/%Y"),
        **STAFF,
    }

    assert (await caller.post(body, is_form=True))[1]["maKetQua"] == "000"


async def test_a_refusal_carries_no_data_of_the_person(caller: Caller) -> None:
    reply = await caller.look_up(caller.person("name_mismatch"))

    filled = {name for name, value in reply.items() if value}
    assert filled == {"maKetQua", "ghiChu"}


async def test_checks_are_remembered_and_shown_to_the_next_caller(caller: Caller) -> None:
    person = caller.person("clean")

    first, second = await caller.look_up(person), await caller.look_up(person)

    assert first["dsLichSuKT2018"] == []
    assert [(row["userKT"], row["maLoi"]) for row in second["dsLichSuKT2018"]] == [("19999_BV", "000")]


async def test_a_token_ends_with_its_time(caller: Caller, clock: Any) -> None:
    person = caller.person("clean")
    clock.now += timedelta(seconds=600)

    status, reply = await caller.post({"maThe": person.card.personal_number})

    assert (status, reply["maKetQua"]) == (401, "401")


async def test_the_three_credentials_must_belong_together(caller: Caller) -> None:
    for name in ("token", "id_token", "username", "password"):
        await caller.take_token()
        caller.credentials[name] = "19998_BV" if name == "username" else "other"
        assert (await caller.post({}))[0] == 401, name


@pytest.mark.parametrize("code", ["500", "501", "999", "100", "205"])
async def test_any_code_can_be_forced_with_http_200(
    caller: Caller, control: SandboxControl, code: str
) -> None:
    await control.set_fault("portal", "code", code=code, count=1)

    forced = await caller.look_up(caller.person("clean"))
    free = await caller.look_up(caller.person("clean"))

    assert (forced["maKetQua"], forced["maThe"], free["maKetQua"]) == (code, "", "000")


async def test_a_forced_unlisted_code_comes_with_a_good_card(caller: Caller, control: SandboxControl) -> None:
    await control.set_fault("portal", "code", code="090")

    reply = await caller.look_up(caller.person("clean"))

    assert reply["maKetQua"] == "090"
    assert reply["maThe"] != ""


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("fraction", "2026-11-21T05:10:00.0000007Z"),
        ("offset", "2026-11-21T05:10:00+00:00"),
        ("naive", "2026-11-21T05:10:00"),
        ("space", "2026-11-21 05:10:00"),
        ("slashes", "21/11/2026 05:10:00"),
        ("seconds", 600),
        ("garbage", "không rõ"),
        ("missing", None),
    ],
)
async def test_the_end_of_a_token_is_written_in_many_ways(
    caller: Caller, control: SandboxControl, form: str, written: object
) -> None:
    await control.set_fault("portal", "expires_format", code=form)

    assert (await caller.take_token())["APIKey"]["expires_in"] == written


async def test_an_expired_token_costs_one_new_sign_in(caller: Caller, control: SandboxControl) -> None:
    await control.set_fault("portal", "expired_token", count=1)

    assert (await caller.post({}))[0] == 401
    assert (await caller.post({}))[0] == 401, "the old token stays dead"
    await caller.take_token()
    assert (await caller.look_up(caller.person("clean")))["maKetQua"] == "000"


async def test_a_wrong_answer_names_another_person(caller: Caller, control: SandboxControl) -> None:
    person = caller.person("clean")
    await control.set_fault("portal", "wrong")

    reply = await caller.look_up(person)

    assert person.portal is not None
    assert reply["maKetQua"] == "000"
    assert reply["maSoBHXH"] not in {"", person.portal.social_number}


async def co_pay(caller: Caller, body: Json) -> tuple[int, Json | None]:
    headers = {
        "accessToken": caller.credentials["token"],
        "tokenId": caller.credentials["id_token"],
        "passwordHash": PASSWORD_HASH,
    }
    url = f"{caller.url}/api/TraCuuCCT/TraCuuTienMCCT"
    async with caller.http.post(url, json={"username": "19999_BV", **body}, headers=headers) as response:
        return response.status, await response.json() if response.status == 200 else None


async def test_the_co_pay_rows_add_up(caller: Caller) -> None:
    person = next(
        item
        for item in caller.sandbox.population.people
        if item.portal is not None and len(item.portal.visits) == 2
    )
    assert person.portal is not None

    _, reply = await co_pay(
        caller,
        {
            "maThe": person.portal.social_number,
            "hoTen": person.portal.full_name,
            "ngaySinh": person.portal.birth_text[-4:],
        },
    )

    assert reply is not None
    rows = reply["DataCCT"]
    assert list(reply) == ["MaKetQua", "GhiChu", "DataCCT", "ThongTinSoThe"]
    assert reply["MaKetQua"] == "200"
    assert rows[-1]["tBNCCTLuyKe"] == sum(row["tBNCCTMCCT"] for row in rows)
    assert len(rows) == 2


async def test_the_co_pay_look_up_tells_nothing_known_and_bad_requests(caller: Caller) -> None:
    unknown = await co_pay(caller, {"maThe": "9900000000", "hoTen": "Ai Đó", "ngaySinh": "1990"})
    bad = await co_pay(caller, {"maThe": "99", "hoTen": "Ai Đó", "ngaySinh": "1990"})

    assert unknown[1] is not None
    assert unknown[1]["MaKetQua"] == "204"
    assert bad[1] is not None
    assert bad[1]["MaKetQua"] == "400"


async def test_the_co_pay_look_up_answers_401_with_an_empty_body(caller: Caller) -> None:
    caller.credentials["token"] = "other"
    url = f"{caller.url}/api/TraCuuCCT/TraCuuTienMCCT"
    async with caller.http.post(url, json={"username": "19999_BV"}) as response:
        assert (response.status, await response.read()) == (401, b"")
