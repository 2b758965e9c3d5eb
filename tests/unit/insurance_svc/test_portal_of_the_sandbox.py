"""The adapter before the sandbox's portal: two readings of the same letters meet on a wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from chassis.breaker import Breaker
from chassis.clock import FixedClock, SystemIds
from chassis.telemetry import Telemetry
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.copayment import copay_record, read_copayments
from insurance_svc.domain.ladder import make_question
from insurance_svc.domain.model import Outcome, Question
from insurance_svc.external.alarms import PortalAlarms
from insurance_svc.external.portal import HttpPortal, counts_as_trouble
from insurance_svc.external.portal_session import PortalAccount
from insurance_svc.operations import PortalQuestioner
from sandbox.config import read_settings
from sandbox.control import SandboxControl
from sandbox.person import Person
from sandbox.portal.co_pay import LONG_ILL_EVERY
from sandbox.portal.tokens import EXPIRES_FORMS
from sandbox.server import Sandbox
from tests.support.echo_network import Spans

NOON = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
FACILITY = "19999"
ACCOUNT = PortalAccount(
    username="19999_BV",
    password="sandbox-portal-password",
    staff_name="Triệu Văn An",
    staff_number="099085000002",
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    ports = ("CONTROL", "REGISTRY", "PORTAL", "BANK", "OIDC")
    environment = {f"SANDBOX_{name}_PORT": "0" for name in ports} | {"SANDBOX_PEOPLE_COUNT": "300"}
    running = Sandbox(read_settings(environment), clock=lambda: NOON)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def portal(sandbox: Sandbox) -> AsyncIterator[HttpPortal]:
    made = HttpPortal(
        sandbox.listeners["portal"].url,
        accounts={},
        default_account=ACCOUNT,
        clock=FixedClock(NOON),
        telemetry=Telemetry("insurance", sink=Spans()),
        breaker=Breaker("insurance.portal", counts=counts_as_trouble),
    )
    yield made
    await made.close()


async def no_more(citizen_id: str) -> tuple[str, ...]:
    """Nothing was told of anybody before."""
    assert citizen_id
    return ()


@pytest.fixture
def questioner(portal: HttpPortal) -> PortalQuestioner:
    return PortalQuestioner(
        portal,
        load_codes(),
        more_numbers=no_more,
        clock=FixedClock(NOON),
        ids=SystemIds(),
        alarms=PortalAlarms(),
    )


def question_of(person: Person) -> Question:
    return make_question(
        identifier=person.card.personal_number,
        full_name=person.card.full_name,
        birth_date=person.card.birth_date.isoformat(),
        service_date=TODAY,
    )


@pytest.mark.parametrize("form", list(EXPIRES_FORMS))
async def test_every_way_of_writing_a_tokens_end_signs_in(
    sandbox: Sandbox, questioner: PortalQuestioner, form: str
) -> None:
    async with SandboxControl(sandbox.control.url) as control:
        await control.set_fault("portal", "expires_format", code=form)

    finding, _ = await questioner.ask(
        question_of(sandbox.population.find(("clean",))[0]), facility=FACILITY, citizen_id="c1"
    )

    assert finding.outcome is Outcome.VALID


def somebody(sandbox: Sandbox, *, is_long_ill: bool) -> Person:
    """Somebody whose card is right, with copayments of this year or with no visit at all."""
    return next(
        each
        for each in sandbox.population.people
        if (each.index % LONG_ILL_EVERY == 0) is is_long_ill
        and each.portal
        and (is_long_ill or not each.portal.visits)
        and each.portal.full_name == each.card.full_name
        and len(each.portal.birth_text) == 10
    )


async def test_the_long_ill_are_found_above_six_base_salaries(
    sandbox: Sandbox, questioner: PortalQuestioner
) -> None:
    question = question_of(somebody(sandbox, is_long_ill=True))

    calls = await questioner.ask_copayments(question, facility=FACILITY)

    told = read_copayments(calls[-1].reply, question)
    record = copay_record(told, service_date=TODAY, change_date=date(2026, 7, 1))
    assert record is not None
    assert (record.accumulated_vnd, record.before_change_vnd) == (16_200_000, 16_200_000)


async def test_a_person_without_visits_has_nothing_published(
    sandbox: Sandbox, questioner: PortalQuestioner
) -> None:
    question = question_of(somebody(sandbox, is_long_ill=False))

    calls = await questioner.ask_copayments(question, facility=FACILITY)

    assert [call.code for call in calls] == ["204"]


async def test_a_token_that_the_portal_forgot_is_renewed_once_for_either_question(
    sandbox: Sandbox, questioner: PortalQuestioner
) -> None:
    question = question_of(sandbox.population.find(("clean",))[0])
    async with SandboxControl(sandbox.control.url) as control:
        await control.set_fault("portal", "expired_token", count=1)
        finding, calls = await questioner.ask(question, facility=FACILITY, citizen_id="c1")
        await control.set_fault("portal", "expired_token", count=1)
        copayment_calls = await questioner.ask_copayments(question, facility=FACILITY)

    assert finding.outcome is Outcome.VALID
    assert [call.code for call in calls] == ["401", "000"]
    assert [call.code == "401" for call in copayment_calls] == [True, False]


async def test_another_persons_card_is_disputed(sandbox: Sandbox, questioner: PortalQuestioner) -> None:
    async with SandboxControl(sandbox.control.url) as control:
        await control.set_fault("portal", "wrong")

    finding, _ = await questioner.ask(
        question_of(sandbox.population.find(("clean",))[0]), facility=FACILITY, citizen_id="c1"
    )

    assert finding.outcome is Outcome.DISPUTED
