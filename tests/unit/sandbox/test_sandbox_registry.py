"""Claims about the population register."""

from __future__ import annotations

import json

import aiohttp
import pytest

from sandbox.control import SandboxControl
from sandbox.server import Sandbox

KEY = {"X-Client-Id": "lienthong", "Authorization": "Bearer sandbox-registry-key"}


async def verify(
    sandbox: Sandbox, http: aiohttp.ClientSession, person_class: str, **changed: str
) -> dict[str, object]:
    """Ask the register what is on the card of the first person of a class."""
    person = sandbox.population.find(person_class.split(","))[0]
    claim = {
        "personal_number": person.card.personal_number,
        "full_name": person.card.full_name,
        "birth_date": person.card.birth_date.isoformat(),
        "gender": person.card.gender,
        "address": person.card.address,
    } | changed
    url = f"{sandbox.listeners['registry'].url}/v1/verifications"
    async with http.post(url, json=claim, headers=KEY) as response:
        assert response.status == 200
        answer = await response.json()
        assert isinstance(answer, dict)
        return answer


async def test_a_clean_card_matches_in_every_field(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    answer = await verify(sandbox, http, "clean")

    assert answer["found"] is True
    assert answer["result_per_field"] == {
        "full_name": "MATCH",
        "birth_date": "MATCH",
        "gender": "MATCH",
        "address": "MATCH",
    }
    assert answer["reasons"] == {}
    assert answer["time"] == "2026-11-21T05:00:00Z"


@pytest.mark.parametrize(
    ("person_class", "field", "outcome"),
    [
        ("tone_placement", "full_name", ("PARTIAL", "TONE_PLACE")),
        ("accentless_name", "full_name", ("PARTIAL", "MARKS_MISSING")),
        ("name_mismatch", "full_name", ("MISMATCH", "DIFFERENT")),
        ("disputed", "full_name", ("MISMATCH", "DIFFERENT")),
        ("disputed", "birth_date", ("MISMATCH", "DIFFERENT")),
        ("year_only_birth", "birth_date", ("PARTIAL", "YEAR_ONLY")),
        ("old_address", "address", ("PARTIAL", "FORMER_UNIT")),
    ],
)
async def test_dirt_shows_in_the_field_it_spoils(
    sandbox: Sandbox, http: aiohttp.ClientSession, person_class: str, field: str, outcome: tuple[str, str]
) -> None:
    answer = await verify(sandbox, http, person_class)

    fields, reasons = answer["result_per_field"], answer["reasons"]
    assert isinstance(fields, dict)
    assert isinstance(reasons, dict)
    assert (fields[field], reasons[field]) == outcome


async def test_decomposed_letters_match_in_the_register(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    fields = (await verify(sandbox, http, "nfd_text"))["result_per_field"]

    assert isinstance(fields, dict)
    assert fields["full_name"] == "MATCH"


async def test_an_empty_field_is_not_checked(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    fields = (await verify(sandbox, http, "clean", address="", gender=""))["result_per_field"]

    assert isinstance(fields, dict)
    assert (fields["address"], fields["gender"]) == ("NOT_CHECKED", "NOT_CHECKED")


async def test_a_number_the_register_does_not_have_is_not_found(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    assert (await verify(sandbox, http, "not_in_register"))["found"] is False
    assert (await verify(sandbox, http, "clean", personal_number="099999999999"))["found"] is False


async def test_the_answer_never_carries_the_registers_own_data(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    person = sandbox.population.find(["disputed"])[0]
    answer = json.dumps(await verify(sandbox, http, "disputed"), ensure_ascii=False)

    assert person.register is not None
    assert person.register.full_name not in answer
    assert person.register.birth_text not in answer
    assert person.card.personal_number not in answer


@pytest.mark.parametrize(
    "headers", [{}, KEY | {"Authorization": "Bearer other"}, KEY | {"X-Client-Id": "nobody"}]
)
async def test_a_caller_without_the_key_is_refused(
    sandbox: Sandbox, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    url = f"{sandbox.listeners['registry'].url}/v1/verifications"
    async with http.post(url, json={}, headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("claim", "field"),
    [
        ({"personal_number": "09919000000"}, "personal_number"),
        ({"personal_number": "099190000001", "birth_date": "05/03/1990"}, "birth_date"),
        ({"personal_number": "099190000001", "gender": "x"}, "gender"),
        ({"personal_number": "099190000001", "full_name": 5}, "full_name"),
        ([], "body"),
    ],
)
async def test_a_malformed_claim_is_refused_with_its_field(
    sandbox: Sandbox, http: aiohttp.ClientSession, claim: object, field: str
) -> None:
    url = f"{sandbox.listeners['registry'].url}/v1/verifications"
    async with http.post(url, json=claim, headers=KEY) as response:
        assert response.status == 400
        assert (await response.json())["field"] == field


async def test_a_wrong_answer_is_about_somebody_else(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    await control.set_fault("registry", "wrong", count=1)

    wrong = await verify(sandbox, http, "clean")
    right = await verify(sandbox, http, "clean")

    assert wrong["result_per_field"] != right["result_per_field"]
