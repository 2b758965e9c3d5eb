"""Claims about our adapter for claims beside the sandbox's portal: what is told fits what is held, under each fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from chassis.breaker import Breaker
from chassis.clock import FixedClock
from chassis.telemetry import Telemetry
from insurance_svc.domain.claim_answer import FileKind, PortalAnswer, SendOutcome
from insurance_svc.domain.claim_results import read_results
from insurance_svc.external.claim_portal import ClaimPaths, HttpClaimPortal, counts_as_trouble
from insurance_svc.external.portal import HttpPortal
from insurance_svc.external.portal_session import PortalAccount
from sandbox.config import read_settings
from sandbox.control import SandboxControl
from sandbox.server import Sandbox
from tests.support.claim_xml import CHECK_IN, check_in_file, claim_tables, envelope

NOON = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
WITHIN_MS = 3_000


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    names = ("CONTROL", "REGISTRY", "PORTAL", "BANK", "OIDC")
    settings = {f"SANDBOX_{name}_PORT": "0" for name in names} | {"SANDBOX_PEOPLE_COUNT": "100"}
    running = Sandbox(read_settings(settings), clock=lambda: NOON)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[SandboxControl]:
    async with SandboxControl(sandbox.control.url) as client:
        yield client


@pytest.fixture
async def portal(sandbox: Sandbox) -> AsyncIterator[HttpClaimPortal]:
    telemetry, url = Telemetry("insurance"), sandbox.listeners["portal"].url
    account = PortalAccount(
        username="19999_BV",
        password="sandbox-portal-password",
        staff_name="Triệu Văn An",
        staff_number="099085000002",
    )
    sessions = HttpPortal(
        url,
        accounts={},
        default_account=account,
        clock=FixedClock(NOON),
        telemetry=telemetry,
        breaker=Breaker("lookups", failure_threshold=50, open_s=60),
    )
    breaker = Breaker("claims", failure_threshold=50, open_s=60, counts=counts_as_trouble)
    made = HttpClaimPortal(url, sessions=sessions, paths=ClaimPaths(), telemetry=telemetry, breaker=breaker)
    yield made
    await made.close()
    await sessions.close()


async def send(portal: HttpClaimPortal, ma_lk: str = "LK1", *, within_ms: int = WITHIN_MS) -> PortalAnswer:
    content = envelope(claim_tables(ma_lk))
    return await portal.send(
        FileKind.CLAIM, facility="19999", province_code="19", content=content, within_ms=within_ms
    )


async def held(control: SandboxControl, kind: str = "130") -> int:
    rows = (await control.claims("19999"))["counts"]
    return sum(row["held_records"] for row in rows if row["kind"] == kind)


async def test_a_claim_and_a_check_in_are_taken_and_stand_in_the_days_receipts(
    portal: HttpClaimPortal, control: SandboxControl
) -> None:
    answer = await send(portal)
    arrived = await portal.send(
        FileKind.CHECK_IN,
        facility="19999",
        province_code="19",
        content=check_in_file(CHECK_IN),
        within_ms=WITHIN_MS,
    )
    receipts = await portal.receipts(FileKind.CLAIM, facility="19999", day=NOON.date(), within_ms=WITHIN_MS)

    assert (answer.outcome, arrived.outcome) == (SendOutcome.ACCEPTED, SendOutcome.ACCEPTED)
    assert receipts is not None
    assert [each.transaction_number for each in receipts] == [answer.transaction_number]
    assert (await held(control), await held(control, "0")) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "outcome", "is_held"),
    [
        ("answer_lost", SendOutcome.UNKNOWN, True),
        ("truncated", SendOutcome.UNKNOWN, True),
        ("late", SendOutcome.UNKNOWN, True),
        ("slow", SendOutcome.UNKNOWN, False),
        ("hung", SendOutcome.UNKNOWN, False),
        ("reset", SendOutcome.UNKNOWN, False),
        ("html", SendOutcome.UNKNOWN, False),
        ("error500", SendOutcome.UNKNOWN, False),
        ("maintenance", SendOutcome.NOT_TAKEN, False),
        ("expired_token", SendOutcome.ACCEPTED, True),
        ("file_lost", SendOutcome.ACCEPTED, False),
        ("code=202", SendOutcome.REFUSED, False),
        ("code=403", SendOutcome.NOT_TAKEN, False),
        ("code=500", SendOutcome.UNKNOWN, False),
        ("code=777", SendOutcome.UNKNOWN, False),
    ],
)
async def test_no_fault_is_taken_for_an_acceptance_or_a_loss_that_it_is_not(
    portal: HttpClaimPortal,
    control: SandboxControl,
    fault: str,
    outcome: SendOutcome,
    is_held: bool,
) -> None:
    mode, _, code = fault.partition("=")
    count = None if mode == "maintenance" else 1
    await control.set_fault(
        "portal", mode, code=code or None, path="/api/qd130", count=count, delay_ms=60_000
    )

    answer = await send(portal, within_ms=500 if mode in {"slow", "late", "hung"} else WITHIN_MS)

    assert answer.outcome is outcome
    assert await held(control) == int(is_held)


async def test_an_answer_that_comes_twice_is_never_taken_for_the_next_files(
    portal: HttpClaimPortal, control: SandboxControl
) -> None:
    await control.set_fault("portal", "answer_twice", path="/api/qd130")

    told = {ma_lk: (await send(portal, ma_lk)).transaction_number for ma_lk in ("A", "B", "C")}

    files = (await control.claims("19999"))["files"]
    assert {file["records"][0]["key"]: file["transaction"] for file in files} == told


async def test_the_same_claim_sent_twice_is_held_once(
    portal: HttpClaimPortal, control: SandboxControl
) -> None:
    first, second = await send(portal), await send(portal)

    assert first.transaction_number != second.transaction_number
    assert await held(control) == 1


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_the_settlement_file_is_read_in_both_forms(
    portal: HttpClaimPortal, control: SandboxControl, form: str
) -> None:
    await send(portal, "A")
    await send(portal, "B")
    await control.review("19999", "B", approved="100.5", cause="V01", reason="Quá số ngày thuốc")

    results = read_results(await control.settlement("19999", "11/2026", form)).results

    told = [(each.link_id, each.accepted_hundredths, each.cause) for each in results]
    assert told == [("A", 6_048_800, ""), ("B", 10_050, "Quá số ngày thuốc")]
