"""The quality figures against a plain recount, for any order of days, communes and pages."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from identity_svc.domain.cases import CaseCause
from identity_svc.domain.model import Outcome
from identity_svc.domain.quality_figures import (
    NEVER_CHECKED,
    Days,
    Record,
    Slot,
    Source,
    Standing,
    Tally,
    figures_of,
    in_order,
)

START = datetime(2026, 2, 27, 16, 0, tzinfo=UTC)
"""An hour before midnight in Viet Nam."""
WARDS = ("", "01840", "01843")
PEOPLE = ("a", "b", "c", "d")


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Source, Record]]:
    """Everybody is registered; then checks and cases in the order of time, people moving between communes."""
    found: list[tuple[Source, Record]] = []

    def note(source: Source, citizen_id: str, word: str) -> None:
        moment = START + timedelta(hours=3 * len(found))
        ward = draw(st.sampled_from(WARDS))
        record = Record(
            key=(moment.isoformat(), citizen_id),
            citizen_id=citizen_id,
            event_time=moment,
            ward_code=ward,
            word=word,
        )
        found.append((source, record))

    for person in PEOPLE:
        note(Source.CITIZENS, person, "")
    for _ in range(draw(st.integers(0, 30))):
        person = draw(st.sampled_from(PEOPLE))
        kind = draw(st.sampled_from([each for each in Source if each is not Source.CITIZENS]))
        words = {
            Source.CHECKS: draw(st.sampled_from(Outcome)),
            Source.CASE_STEPS: draw(st.sampled_from(("OPENED", "RESOLVED", "DISMISSED")))
            + f" {draw(st.sampled_from(CaseCause))}",
        }
        note(kind, person, words.get(kind, ""))
    return found


def counted(history: list[tuple[Source, Record]], page_sizes: list[int]) -> Counter[Slot]:
    """The counters after pages of these sizes, each starting from what the last one stored."""
    counters: Counter[Slot] = Counter()
    standings: dict[str, Standing] = {}
    index = 0
    while index < len(history):
        size = page_sizes[index % len(page_sizes)]
        tally = Tally(dict(standings))
        for source, record in history[index : index + size]:
            tally.add(source, record)
        standings |= tally.standings
        for slot, count in tally.counts.items():
            counters[slot] += count
        index += size
    return Counter({slot: count for slot, count in counters.items() if count})


@given(histories(), st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_pages_of_any_size_count_the_same(
    history: list[tuple[Source, Record]], page_sizes: list[int]
) -> None:
    assert counted(history, page_sizes) == counted(history, [len(history)])


@given(histories(), st.integers(1, 5))
def test_pages_of_each_source_are_counted_in_the_order_of_time(
    history: list[tuple[Source, Record]], page_size: int
) -> None:
    waiting = {source: [record for each, record in history if each is source] for source in Source}
    counted_so_far: list[tuple[Source, Record]] = []
    while any(waiting.values()):
        pages = {source: records[:page_size] for source, records in waiting.items()}
        ready = in_order(pages, page_size=page_size)
        assert ready, "a page always moves on"
        counted_so_far += ready
        for source, record in ready:
            waiting[source].remove(record)

    assert counted_so_far == history


@given(histories())
def test_the_stock_is_where_each_person_stands_last(history: list[tuple[Source, Record]]) -> None:
    last: dict[str, tuple[str, str]] = {}
    merged: set[str] = set()
    for source, record in history:
        if source is Source.CITIZENS:
            last[record.citizen_id] = (record.ward_code, NEVER_CHECKED)
        elif source is Source.CHECKS:
            last[record.citizen_id] = (record.ward_code, record.word)
        elif source is Source.MERGES:
            merged.add(record.citizen_id)
        elif source is Source.UNMERGES:
            merged.discard(record.citizen_id)
    counting = [standing for person, standing in last.items() if person not in merged]
    stock: Counter[tuple[str, str]] = Counter()
    for slot, count in counted(history, [3]).items():
        if slot.measure.startswith("PEOPLE"):
            stock[slot.ward_code, slot.measure] += count

    for ward in WARDS:
        assert stock[ward, "PEOPLE"] == sum(place == ward for place, _ in counting)
        for outcome in Outcome:
            assert stock[ward, f"PEOPLE_{outcome}"] == sum(
                standing == (ward, outcome) for standing in counting
            )


@given(histories(), st.integers(0, 6), st.integers(0, 6))
def test_communes_and_days_both_add_up_to_the_whole(
    history: list[tuple[Source, Record]], first: int, length: int
) -> None:
    day = date(2026, 2, 27)
    days = Days(from_date=day + timedelta(days=first), to_date=day + timedelta(days=first + length))
    before: dict[str, dict[str, int]] = {}
    by_ward: dict[str, dict[str, int]] = {}
    by_day: dict[str, dict[str, int]] = {}
    for slot, count in counted(history, [5]).items():
        if slot.day_date < days.from_date.isoformat():
            _add(before, slot.ward_code, slot.measure, count)
        elif slot.day_date <= days.to_date.isoformat():
            _add(by_ward, slot.ward_code, slot.measure, count)
            _add(by_day, slot.day_date, slot.measure, count)

    total, wards, trend = figures_of(days, before=before, by_ward=by_ward, by_day=by_day)

    assert len(trend) == length + 1
    assert total.people_count == sum(ward.people_count for ward in wards) == trend[-1].people_count
    assert total.checks_count == sum(ward.checks_count for ward in wards)
    assert total.checks_count == sum(each.checks_count for each in trend)
    for index, dirt in enumerate(total.dirt):
        assert dirt.open_count == sum(ward.dirt[index].open_count for ward in wards)
        assert dirt.open_count == trend[-1].dirt[index].open_count
        assert dirt.opened_count == sum(each.dirt[index].opened_count for each in trend)
    assert 0 <= total.confirmed_pct <= 100


def _add(sums: dict[str, dict[str, int]], key: str, measure: str, count: int) -> None:
    counts = sums.setdefault(key, {})
    counts[measure] = counts.get(measure, 0) + count
