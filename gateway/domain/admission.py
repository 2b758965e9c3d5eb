"""What an admission may not hold; checked before the first leg, since legs beside a refused one would be kept."""

from __future__ import annotations

import re

from gateway.domain.errors import FacilityMissing, RoomMalformed, TextTooLong

REASON_CHARS_MAX = 500
_ROOM = re.compile(r"[A-Z0-9-]{1,16}", re.ASCII)


def check_admission(*, facility_code: str, reason_text: str, room: str) -> None:
    """Refuse what emr_svc would refuse once identity, insurance and payment have done their part.

    Args:
        facility_code: Of the caller's token, not empty.
        reason_text: At most 500 characters.
        room: 1 to 16 characters of A-Z, 0-9 and hyphen.
    Raises:
        FacilityMissing, RoomMalformed, TextTooLong.
    """
    if not facility_code:
        raise FacilityMissing
    if _ROOM.fullmatch(room) is None:
        raise RoomMalformed
    if len(reason_text) > REASON_CHARS_MAX:
        raise TextTooLong("reason_text", REASON_CHARS_MAX)
