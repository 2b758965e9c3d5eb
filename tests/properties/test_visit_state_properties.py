"""Whatever is done to a visit in whatever order: it only moves forward, loses no entry, and counts every change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from emr_svc.domain import visit as rules
from emr_svc.domain.errors import (
    EntriesRequired,
    EntryCodeMalformed,
    RoomMalformed,
    TextTooLong,
    VisitClosed,
)
from emr_svc.domain.model import (
    EntryKind,
    NewEntry,
    OpenVisit,
    PriorityClass,
    TicketState,
    Visit,
    VisitKind,
    VisitState,
)

START = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
ORDER = [VisitState.OPEN, VisitState.IN_PROGRESS, VisitState.CLOSED]
TICKET_ORDER = [TicketState.WAITING, TicketState.CALLED, TicketState.DONE]

texts = st.text(max_size=40)
good_entries = st.lists(
    st.one_of(
        st.builds(NewEntry, kind=st.just(EntryKind.NOTE), code=st.just(""), text=texts),
        st.builds(
            NewEntry,
            kind=st.just(EntryKind.DIAGNOSIS),
            code=st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?", fullmatch=True).filter(str.isascii),
            text=texts,
        ),
        st.builds(
            NewEntry,
            kind=st.just(EntryKind.SERVICE),
            code=st.text("0123456789ABCXYZabcxyz._-", min_size=1, max_size=50),
            text=texts,
        ),
    ),
    min_size=1,
    max_size=5,
)
openings = st.builds(
    OpenVisit,
    visit_id=st.text("0123456789abcdef", min_size=32, max_size=32),
    citizen_id=st.just("c1"),
    kind=st.sampled_from(VisitKind),
    reason_text=st.text(max_size=500),
    room=st.text("ABCXYZ0123456789-", min_size=1, max_size=16),
    priority_class=st.sampled_from(PriorityClass),
)
moments = st.datetimes(
    # Hypothesis wants bare bounds and puts the zone on them itself.
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


class VisitLife(RuleBasedStateMachine):
    """Calls, records and closes in any order, beside a plain account of what must have come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.visit: Visit
        self.before: Visit
        self.written: list[NewEntry] = []
        self.changes = 0

    @initialize(command=openings, number=st.integers(1, 999))
    def open(self, command: OpenVisit, number: int) -> None:
        self.visit = self.before = rules.opened(
            command, facility_code="19999", ticket_number=number, now=self.now
        )

    def _changed(self, after: Visit) -> None:
        self.before, self.visit = self.visit, after
        self.changes += 1
        self.now += timedelta(minutes=7)

    @rule(entries=good_entries)
    def record(self, entries: list[NewEntry]) -> None:
        rules.check_entries(entries)
        if self.visit.state is VisitState.CLOSED:
            with pytest.raises(VisitClosed):
                rules.with_entries(self.visit, entries, author="doctor", now=self.now)
            return
        self._changed(rules.with_entries(self.visit, entries, author="doctor", now=self.now))
        self.written += entries

    @precondition(lambda self: self.visit.ticket.state is TicketState.WAITING)
    @rule()
    def call(self) -> None:
        self._changed(rules.called(self.visit, now=self.now))
        assert self.visit.ticket.call_time is not None

    @rule()
    def close(self) -> None:
        if self.visit.state is VisitState.CLOSED:
            with pytest.raises(VisitClosed):
                rules.closed(self.visit, now=self.now)
            return
        moment = self.now
        self._changed(rules.closed(self.visit, now=self.now))
        assert self.visit.close_time == moment

    @invariant()
    def moves_only_forward(self) -> None:
        assert ORDER.index(self.visit.state) >= ORDER.index(self.before.state)
        assert TICKET_ORDER.index(self.visit.ticket.state) >= TICKET_ORDER.index(self.before.ticket.state)

    @invariant()
    def counts_every_change(self) -> None:
        assert self.visit.version == 1 + self.changes

    @invariant()
    def keeps_every_entry_in_order_and_unchanged(self) -> None:
        assert [entry.number for entry in self.visit.entries] == list(range(1, len(self.written) + 1))
        assert [(entry.kind, entry.code, entry.text) for entry in self.visit.entries] == [
            (entry.kind, entry.code, entry.text) for entry in self.written
        ]
        assert self.visit.entries[: len(self.before.entries)] == self.before.entries

    @invariant()
    def keeps_who_and_where_it_is_about(self) -> None:
        for name in (
            "visit_id",
            "citizen_id",
            "facility_code",
            "claim_link_id",
            "kind",
            "open_time",
            "reason_text",
        ):
            assert getattr(self.visit, name) == getattr(self.before, name)
        assert self.visit.ticket.number == self.before.ticket.number

    @invariant()
    def is_closed_exactly_when_it_has_an_end(self) -> None:
        is_closed = self.visit.state is VisitState.CLOSED
        assert is_closed == (self.visit.close_time is not None)
        assert not is_closed or self.visit.ticket.state is TicketState.DONE


VisitLife.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestVisitLife = VisitLife.TestCase


@given(command=openings, now=moments)
def test_the_queue_day_is_vietnams_and_leads_the_claim_link(command: OpenVisit, now: datetime) -> None:
    visit = rules.opened(command, facility_code="19999", ticket_number=1, now=now)

    # Viet Nam is seven hours ahead all year, without summer time.
    day = (now + timedelta(hours=7)).date()
    assert visit.ticket.queue_date == day
    assert visit.claim_link_id == f"{day:%y%m%d}-{command.visit_id}"


@pytest.mark.parametrize(
    ("moment", "day"), [("2026-06-30T16:59:59", "2026-06-30"), ("2026-06-30T17:00:00", "2026-07-01")]
)
def test_the_day_turns_at_midnight_in_viet_nam(moment: str, day: str) -> None:
    assert rules.vietnam_date(datetime.fromisoformat(moment).replace(tzinfo=UTC)).isoformat() == day


@given(room=st.text(max_size=20))
def test_a_room_is_taken_or_refused_by_its_letters_alone(room: str) -> None:
    letters = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    if 1 <= len(room) <= 16 and set(room) <= letters:
        rules.check_room(room)
    else:
        with pytest.raises(RoomMalformed):
            rules.check_room(room)


@given(code=st.text(max_size=12))
def test_a_diagnosis_without_the_form_of_icd_10_is_refused_by_row(code: str) -> None:
    entries = [
        NewEntry(kind=EntryKind.NOTE, code="", text=""),
        NewEntry(kind=EntryKind.DIAGNOSIS, code=code, text=""),
    ]
    head, _, tail = code.rstrip("*†").partition(".")
    marks = len(code) - len(code.rstrip("*†"))
    digits = head[1:] + tail
    is_icd = (
        len(head) == 3
        and head[:1] in set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        and set(digits) <= set("0123456789")
        and ("." in code) == (1 <= len(tail) <= 2)
        and len(tail) <= 2
        and marks <= 1
    )
    if is_icd:
        rules.check_entries(entries)
    else:
        with pytest.raises(EntryCodeMalformed) as caught:
            rules.check_entries(entries)
        assert caught.value.field == "entries[1].code"


@given(count=st.integers(0, 130))
def test_one_to_a_hundred_entries_are_taken(count: int) -> None:
    entries = [NewEntry(kind=EntryKind.NOTE, code="", text="x")] * count
    if 1 <= count <= 100:
        rules.check_entries(entries)
    else:
        with pytest.raises(EntriesRequired):
            rules.check_entries(entries)


@given(extra=st.integers(-2, 2))
def test_texts_end_at_their_limit(extra: int) -> None:
    entry = NewEntry(kind=EntryKind.NOTE, code="", text="đ" * (4_000 + extra))
    if extra <= 0:
        rules.check_entries([entry])
    else:
        with pytest.raises(TextTooLong) as caught:
            rules.check_entries([entry])
        assert caught.value.field == "entries[0].text"
