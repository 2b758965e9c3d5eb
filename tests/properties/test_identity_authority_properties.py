"""Authority and proxy codes over all dates and texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.crypto import KeySet
from identity_svc.domain.ages import birthday_time
from identity_svc.domain.authority import (
    EVERY_ACTION,
    Action,
    Delegation,
    Denial,
    EvidenceKind,
    Kind,
    Question,
    Relationship,
    decide,
)
from identity_svc.domain.delegation_errors import ProxyCodeForged, ProxyCodeUnreadable
from identity_svc.domain.proxy_code import TEXT_DIGITS, CodeSigner

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SIGNER = CodeSigner(KeySet(current=2, keys={1: b"\x01" * 32, 2: b"\x02" * 32}))
STRANGER = CodeSigner(KeySet(current=2, keys={2: b"\x03" * 32}))
BIRTHS = st.dates(min_value=date(1930, 1, 1), max_value=date(2026, 12, 31))
MOMENTS = st.datetimes(
    min_value=datetime(2017, 1, 2),  # noqa: DTZ001  # the zone is given apart
    max_value=datetime(2045, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
CODE_IDS = st.binary(min_size=10, max_size=10).map(bytes.hex)
MINUTES = st.integers(min_value=0, max_value=10**8).map(
    lambda minutes: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def guardian(start: datetime, *, end: datetime | None, revoke: datetime | None) -> Delegation:
    return Delegation(
        citizen_id="child",
        delegation_id="d",
        kind=Kind.GUARDIAN,
        representative_id="parent",
        relationship=Relationship.PARENT,
        actions=EVERY_ACTION,
        evidence_kind=EvidenceKind.BIRTH_CERTIFICATE,
        evidence_reference="",
        recorded_by="x",
        recorded_at_facility_code="",
        start_time=start,
        end_time=end,
        revoke_time=revoke,
        revoked_by="",
    )


def question(at: datetime, actor: str = "parent") -> Question:
    return Question(
        citizen_ids=frozenset({"child"}),
        actor_ids=frozenset({actor}),
        action=Action.SEE_RECORD,
        facility_code="",
        at_time=at,
    )


def is_eighteen(birth: date, at: datetime) -> bool:
    """Counted on the calendar in Vietnam, not through the code under test."""
    today = at.astimezone(VIETNAM).date()
    return (today.year - birth.year, today.month, today.day) >= (18, birth.month, birth.day)


@given(birth=BIRTHS, at=MOMENTS)
def test_a_guardian_is_allowed_exactly_while_the_calendar_says_minor(birth: date, at: datetime) -> None:
    ruling = decide(
        question(at),
        birth_date=birth.isoformat(),
        delegations=[guardian(datetime(2017, 1, 1, tzinfo=UTC), end=None, revoke=None)],
    )

    assert ruling.is_allowed == (not is_eighteen(birth, at))
    if not ruling.is_allowed:
        assert ruling.denial is Denial.CITIZEN_OF_AGE


@given(birth=BIRTHS, at=MOMENTS, start=MOMENTS, end=st.none() | MOMENTS, revoke=st.none() | MOMENTS)
def test_an_answer_holds_until_the_moment_it_names_and_not_an_instant_longer(
    birth: date, at: datetime, start: datetime, end: datetime | None, revoke: datetime | None
) -> None:
    delegation = guardian(start, end=end, revoke=revoke)
    ruling = decide(question(at), birth_date=birth.isoformat(), delegations=[delegation])

    if ruling.is_allowed:
        assert ruling.until_time is not None
        assert start <= at < ruling.until_time
        assert not decide(
            question(ruling.until_time), birth_date=birth.isoformat(), delegations=[delegation]
        ).is_allowed
    else:
        assert (
            at < start
            or any(over is not None and over <= at for over in (end, revoke))
            or is_eighteen(birth, at)
        )


@given(birth=BIRTHS, at=MOMENTS)
def test_nobody_acts_for_somebody_without_a_relation(birth: date, at: datetime) -> None:
    delegation = guardian(datetime(2017, 1, 1, tzinfo=UTC), end=None, revoke=None)
    ruling = decide(question(at, "stranger"), birth_date=birth.isoformat(), delegations=[delegation])

    assert ruling.denial is Denial.NO_RELATION


@given(birth=BIRTHS, years=st.integers(min_value=0, max_value=100))
def test_a_birthday_of_a_month_or_year_alone_is_never_earlier(birth: date, years: int) -> None:
    exact, month, year = (birthday_time(birth.isoformat()[:length], years) for length in (10, 7, 4))

    assert exact is not None
    assert month is not None
    assert year is not None
    assert exact <= month <= year
    assert (exact.astimezone(VIETNAM).hour, exact.astimezone(VIETNAM).minute) == (0, 0)


@given(code_id=CODE_IDS, expire=MINUTES, version=st.sampled_from([1, 2]))
def test_a_code_reads_back_and_is_digits_alone(code_id: str, expire: datetime, version: int) -> None:
    text = SIGNER.text_of(code_id, expire_time=expire, key_version=version)
    facts = SIGNER.read(f" {text}\r\n")

    assert (facts.code_id, facts.expire_time) == (code_id, expire)
    assert len(text) == TEXT_DIGITS
    assert text.isascii()
    assert text.isdigit()
    assert text == SIGNER.text_of(code_id, expire_time=expire, key_version=version)


@settings(max_examples=300)
@given(code_id=CODE_IDS, expire=MINUTES, place=st.integers(0, TEXT_DIGITS - 1), step=st.integers(1, 9))
def test_one_changed_digit_is_refused(code_id: str, expire: datetime, place: int, step: int) -> None:
    text = SIGNER.text_of(code_id, expire_time=expire, key_version=2)
    changed = text[:place] + str((int(text[place]) + step) % 10) + text[place + 1 :]

    with pytest.raises((ProxyCodeForged, ProxyCodeUnreadable)):
        SIGNER.read(changed)


@given(code_id=CODE_IDS, expire=MINUTES)
def test_a_code_of_another_installation_is_refused(code_id: str, expire: datetime) -> None:
    with pytest.raises(ProxyCodeForged):
        SIGNER.read(STRANGER.text_of(code_id, expire_time=expire, key_version=2))


@given(text=st.text() | st.text(alphabet="0123456789", min_size=190, max_size=200))
def test_any_other_text_is_a_typed_refusal(text: str) -> None:
    with pytest.raises((ProxyCodeForged, ProxyCodeUnreadable)):
        SIGNER.read(text)
