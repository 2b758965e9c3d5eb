"""How moments and days stand in a column: text that sorts as time does."""

from __future__ import annotations

from datetime import UTC, date, datetime

_TIME_CHARS = len("2026-03-01T07:30:00.000000Z")


def to_text(moment: datetime) -> str:
    """A moment as `YYYY-MM-DDTHH:MM:SS.ffffffZ` in UTC: always 27 characters, sorted as time is."""
    assert moment.tzinfo is not None, "a moment has a zone"
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def to_time(text: str) -> datetime:
    """The moment of a column, aware, in UTC; ValueError for any other text."""
    if len(text) != _TIME_CHARS or text[-1] != "Z":
        raise ValueError("A moment in a column is YYYY-MM-DDTHH:MM:SS.ffffffZ.")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def date_to_text(day: date) -> str:
    """A day as `YYYY-MM-DD`."""
    assert not isinstance(day, datetime), "a day is not a moment"
    return day.isoformat()


def to_date(text: str) -> date:
    """The day of a column; ValueError for any other text."""
    return date.fromisoformat(text)


def optional_text(moment: datetime | None) -> str | None:
    """As `to_text`, and None for none."""
    return None if moment is None else to_text(moment)


def optional_time(text: str | None) -> datetime | None:
    """As `to_time`, and None for none."""
    return None if text is None else to_time(text)


def optional_date(text: str | None) -> date | None:
    """As `to_date`, and None for none."""
    return None if text is None else to_date(text)
