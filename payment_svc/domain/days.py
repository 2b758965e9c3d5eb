"""The business day: a calendar day in Viet Nam, whatever zone a moment came in."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def business_date(moment: datetime) -> date:
    """The Vietnamese day of a moment; 16:59:59 UTC is still today, 17:00:00 UTC is tomorrow."""
    assert moment.tzinfo is not None, "a moment has a zone"
    return moment.astimezone(VIETNAM).date()
