"""Moments and days as people type them, in Vietnam's time."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_DAYS = ("%d/%m/%Y", "%Y-%m-%d")
_MINUTES = ("%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def moment(text: str) -> datetime | None:
    """A moment written 14/08/2026 09:30 or 2026-08-14T09:30; a day alone is its last instant, today is None: now."""
    for form in _MINUTES:
        if (found := _read(text, form)) is not None:
            return found
    end = day_end(text)
    today = datetime.now(VIETNAM).date()
    return None if end.astimezone(VIETNAM).date() == today else end


def day_end(text: str) -> datetime:
    """The last instant of a day written 14/08/2026 or 2026-08-14."""
    for form in _DAYS:
        if (found := _read(text, form)) is not None:
            local = found.astimezone(VIETNAM)
            return datetime.combine(local.date(), time.max, VIETNAM).astimezone(UTC)
    raise ArgumentTypeError("write 14/08/2026, 2026-08-14, or a day and 09:30")


def stamp(value: datetime | None) -> Timestamp | None:
    """The message of a moment, None for none."""
    if value is None:
        return None
    message = Timestamp()
    message.FromDatetime(value)
    return message


def shown(message: Timestamp) -> str:
    """A moment as it is read in Vietnam; an unset one is empty."""
    if not message.seconds:
        return ""
    return message.ToDatetime(UTC).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=VIETNAM).astimezone(UTC)
    except ValueError:
        return None
