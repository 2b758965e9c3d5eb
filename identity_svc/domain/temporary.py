"""Somebody treated before it is known who they are: the kinds, the names made up for them, the notice that is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

NOTICE_WITHIN = timedelta(hours=48)
"""An unconscious unknown patient is told to the authority within 48 hours.

Source: Decree 102/2025/NĐ-CP art. 6, in force 01/07/2025, read in a public transcription.
"""


class TemporaryKind(StrEnum):
    """Why somebody has no number; the words stand in the store, never change one."""

    NEWBORN = "NEWBORN"
    UNKNOWN = "UNKNOWN"
    """Awake, without papers."""
    UNCONSCIOUS = "UNCONSCIOUS"
    FOREIGNER = "FOREIGNER"


_MADE_UP_NAMES = {
    TemporaryKind.NEWBORN: "Trẻ sơ sinh",
    TemporaryKind.UNKNOWN: "Người chưa rõ danh tính",
    TemporaryKind.UNCONSCIOUS: "Người bất tỉnh chưa rõ danh tính",
    TemporaryKind.FOREIGNER: "Người nước ngoài chưa có giấy tờ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryIdentity:
    """The temporary identity of a record, kept after the real person is known."""

    citizen_id: str
    kind: TemporaryKind
    identifier_id: str
    """The identifier row of the number."""
    number: str = field(repr=False)
    """For the wristband."""
    facility_code: str
    mother_citizen_id: str
    """Mother of a newborn, or empty."""
    notice_due_time: datetime | None
    create_time: datetime
    replace_time: datetime | None
    real_citizen_id: str
    """Who it is: the record itself where the number was attached; empty before."""


def made_up_name(kind: TemporaryKind) -> str:
    """The name under which somebody of unknown name is shown."""
    return _MADE_UP_NAMES[kind]


def is_made_up_name(name: str) -> bool:
    """Say whether a name is one of ours, which tells nothing about who it is."""
    return name in _MADE_UP_NAMES.values()


def notice_due(kind: TemporaryKind, now: datetime) -> datetime | None:
    """Until when the authority has to be told; None where no notice is due."""
    return now + NOTICE_WITHIN if kind is TemporaryKind.UNCONSCIOUS else None


def is_too_old_for(temporary: TemporaryIdentity, *, birth_date: str) -> bool:
    """Say whether a paper is somebody older's than the newborn it is shown for: most likely the mother's card.

    Args:
        birth_date: FHIR date on the paper, or empty. A newborn may be registered here in the year after the birth.
    """
    if temporary.kind is not TemporaryKind.NEWBORN or not birth_date:
        return False
    return int(birth_date[:4]) < temporary.create_time.year - 1
