"""Calendar days of Viet Nam, in which every rule of insurance counts."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def vietnam_date(moment: datetime) -> date:
    """The calendar day of a moment in Viet Nam."""
    return moment.astimezone(VIETNAM).date()
