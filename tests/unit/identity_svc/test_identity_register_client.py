"""The register's client against the sandbox's register as a real HTTP server, with its faults."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestServer

from chassis.breaker import Breaker, State
from chassis.rpc.context import Caller, acting_as
from chassis.telemetry import SpanRow, Telemetry
from identity_svc.domain.card import claim_of, read_card
from identity_svc.domain.errors import RegisterRefusedRequest, RegisterUnavailable
from identity_svc.domain.judgement import judge
from identity_svc.domain.model import FieldResult, Gender, Outcome, RegisterClaim
from identity_svc.external.registry import HttpRegister, counts_as_trouble, parse_answer
from sandbox.faults import Fault, FaultBoard
from sandbox.population import Population, build_population
from sandbox.registry import Registry
from tests.support.echo_network import Spans

NOW = datetime(2026, 3, 2, tzinfo=UTC)
CALLER = Caller(subject="persons/1", roles=frozenset({"CLERK"}))


class Setup:
    """A register with faults, and our client of it."""

    def __init__(self, population: Population, server: TestServer, board: FaultBoard) -> None:
        self.population = population
        self.board = board
        self.breaker = Breaker(
            "identity.register", failure_threshold=3, open_s=60.0, counts=counts_as_trouble
        )
        self.spans = Spans()
        self.telemetry = Telemetry("identity", sink=self.spans)
        self.client = HttpRegister(
            base_url=str(server.make_url("")),
            client_id="lienthong",
            client_key="k",
            breaker=self.breaker,
            telemetry=self.telemetry,
        )

    async def check(self, dirt: str, *, within_ms: int = 5_000) -> tuple[Outcome, dict[str, str]]:
        """Outcome and reasons for the first seeded person of a class of dirt."""
        (person,) = self.population.find((dirt,))
        card = read_card(person.card.qr_text())
        with acting_as(CALLER, within_ms=within_ms):
            outcome, checks = judge(await self.client.verify(claim_of(card)), card)
        return outcome, {check.field: check.reason for check in checks if check.reason}


@pytest.fixture(scope="module")
def population() -> Population:
    return build_population(year=2026, count=100)


@pytest.fixture
async def setup(population: Population) -> AsyncIterator[Setup]:
    board = FaultBoard()
    registry = Registry(population, board, client_keys={"lienthong": "k"}, clock=lambda: NOW)
    server = TestServer(registry.create_app())
    await server.start_server()
    made = Setup(population, server, board)
    yield made
    await made.client.close()
    await server.close()


@pytest.mark.parametrize(
    ("dirt", "outcome", "reasons"),
    [
        ("clean", Outcome.VERIFIED, {}),
        ("old_address", Outcome.PARTIAL, {"address": "ADDRESS_OF_FORMER_UNIT"}),
        ("tone_placement", Outcome.PARTIAL, {"full_name": "NAME_DIFFERS_IN_TONE_PLACEMENT"}),
        ("name_mismatch", Outcome.DISPUTED, {"full_name": "NAME_DIFFERS"}),
        ("disputed", Outcome.DISPUTED, {"full_name": "NAME_DIFFERS", "birth_date": "BIRTH_DATE_DIFFERS"}),
        ("accentless_name", Outcome.PARTIAL, {"full_name": "NAME_WITHOUT_ACCENTS"}),
        ("year_only_birth", Outcome.PARTIAL, {"birth_date": "BIRTH_YEAR_ONLY"}),
        ("nfd_text", Outcome.VERIFIED, {}),
        ("lookalike_letters", Outcome.VERIFIED, {}),
        ("odd_spaces", Outcome.VERIFIED, {}),
        ("one_word_name", Outcome.VERIFIED, {}),
        (
            "scanner_damaged",
            Outcome.PARTIAL,
            {"full_name": "NAME_TEXT_DAMAGED", "address": "ADDRESS_TEXT_DAMAGED"},
        ),
        ("not_in_register", Outcome.DISPUTED, {"personal_number": "NUMBER_NOT_IN_REGISTER"}),
    ],
)
async def test_each_class_of_dirt_gets_its_outcome_and_reason(
    setup: Setup, dirt: str, outcome: Outcome, reasons: dict[str, str]
) -> None:
    assert await setup.check(dirt) == (outcome, reasons)


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("reset", "REGISTER_UNREACHABLE"),
        ("error500", "REGISTER_ERROR"),
        ("html", "REGISTER_ANSWER_GARBLED"),
        ("truncated", "REGISTER_ANSWER_GARBLED"),
        ("hung", "REGISTER_TIMEOUT"),
        ("slow", "REGISTER_TIMEOUT"),
        ("late", "REGISTER_TIMEOUT"),
    ],
)
async def test_a_failing_register_is_unheard_for_a_named_cause_inside_its_budget(
    setup: Setup, mode: str, cause: str
) -> None:
    setup.board.set(Fault(system="registry", mode=mode))
    began_s = time.monotonic()

    with pytest.raises(RegisterUnavailable) as caught:
        await setup.check("clean", within_ms=1_000)

    assert caught.value.cause == cause
    assert time.monotonic() - began_s < 0.7


async def test_the_breaker_opens_and_then_nothing_is_sent(setup: Setup) -> None:
    setup.board.set(Fault(system="registry", mode="error500"))
    for _ in range(3):
        with pytest.raises(RegisterUnavailable):
            await setup.check("clean")
    calls = setup.board.calls()["registry"]

    with pytest.raises(RegisterUnavailable) as caught:
        await setup.check("clean")

    assert caught.value.cause == "REGISTER_LEFT_ALONE"
    assert setup.breaker.state is State.OPEN
    assert setup.board.calls()["registry"] == calls == {"POST /v1/verifications": 3}


async def test_a_refused_request_is_no_trouble_of_the_register(setup: Setup) -> None:
    wrong = RegisterClaim(personal_number="1", full_name="x", birth_date="", gender=Gender.MALE, address="")
    for _ in range(4):
        with acting_as(CALLER, within_ms=5_000), pytest.raises(RegisterRefusedRequest):
            await setup.client.verify(wrong)

    assert setup.breaker.state is State.CLOSED


async def test_without_time_left_the_register_is_not_asked(setup: Setup) -> None:
    with pytest.raises(RegisterUnavailable) as caught:
        await setup.check("clean", within_ms=120)

    assert caught.value.cause == "REGISTER_NO_TIME"
    assert setup.board.calls()["registry"] == {}


async def test_one_span_tells_the_call_without_a_word_about_the_person(setup: Setup) -> None:
    setup.board.set(Fault(system="registry", mode="error500", count=1))
    with pytest.raises(RegisterUnavailable):
        await setup.check("clean")
    await setup.check("clean")
    setup.telemetry.flush()

    rows: list[SpanRow] = setup.spans.rows
    assert [(row.name, row.kind, row.status) for row in rows] == [
        ("registry.verify", "client", "error"),
        ("registry.verify", "client", "ok"),
    ]
    (person,) = setup.population.find(("clean",))
    for secret in (person.card.personal_number, person.card.full_name, person.card.address):
        assert secret not in repr(rows)


async def test_a_wrong_key_is_told_as_such(setup: Setup) -> None:
    await setup.client.close()
    setup.client = HttpRegister(
        base_url=setup.client._url.removesuffix("/v1/verifications"),
        client_id="lienthong",
        client_key="wrong",
        breaker=setup.breaker,
        telemetry=setup.telemetry,
    )

    with pytest.raises(RegisterUnavailable) as caught:
        await setup.check("clean")

    assert caught.value.cause == "REGISTER_REFUSED_CREDENTIALS"


GOOD = b'{"found": true, "transaction_id": "t-1", "result_per_field": {"gender": "MATCH"}, "reasons": %s}'


def test_free_text_in_a_reason_is_not_kept() -> None:
    answer = parse_answer(GOOD % '{"gender": "Nguyễn Thị Hòa", "full_name": "TONE_PLACE"}'.encode())

    assert answer.reasons == {"full_name": "TONE_PLACE"}
    assert answer.results["gender"] is FieldResult.MATCH
    assert answer.results["full_name"] is FieldResult.NOT_CHECKED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"found": "yes"}',
        b'{"found": true}',
        b'{"found": true, "transaction_id": "a b", "result_per_field": {}}',
        b'{"found": true, "transaction_id": "t", "result_per_field": []}',
        b'{"found": true, "transaction_id": "t", "result_per_field": {"gender": "PERHAPS"}}',
        b'{"found": true, "transaction_id": "t", "result_per_field": {}, "reasons": 1}',
        b"[" * 60_000 + b"]" * 60_000,
    ],
)
def test_an_answer_in_another_form_is_garbled(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(no|an|too)"):
        parse_answer(body)
