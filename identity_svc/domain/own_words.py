"""What is kept about a person in plain sentences: numbers, the newest check of the card, merges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from identity_svc.domain.consent_words import Words
from identity_svc.domain.model import (
    VIETNAM,
    Assurance,
    Identifier,
    IdentifierKind,
    Outcome,
    Verification,
)

_SHOWN_CHARS = 3


def _w(vi: str, en: str) -> Words:
    return Words(vi=vi, en=en)


KINDS: Mapping[IdentifierKind, Words] = {
    IdentifierKind.CITIZEN_NUMBER: _w("Số định danh cá nhân", "Citizen number"),
    IdentifierKind.OLD_IDENTITY_NUMBER: _w("Số chứng minh nhân dân cũ", "Former identity card number"),
    IdentifierKind.INSURANCE_NUMBER: _w("Mã số bảo hiểm xã hội", "Insurance number"),
    IdentifierKind.INSURANCE_CARD: _w("Số thẻ bảo hiểm y tế", "Health insurance card number"),
    IdentifierKind.PASSPORT: _w("Số hộ chiếu", "Passport number"),
    IdentifierKind.TEMPORARY: _w("Mã tạm do cơ sở cấp", "Temporary number issued here"),
    IdentifierKind.FOREIGN_ID: _w("Số giấy tờ cư trú của người nước ngoài", "Foreigner's residence number"),
}
ASSURANCES: Mapping[Assurance, Words] = {
    Assurance.NONE: _w("chưa có gì chứng minh", "nothing backs it yet"),
    Assurance.TYPED: _w("do nhân viên nhập tay, chưa đối chiếu", "typed by staff, not checked"),
    Assurance.SCANNED: _w("đọc từ mã QR, chưa đối chiếu", "read from a QR code, not checked"),
    Assurance.CHIP_INTACT: _w(
        "đọc từ chip còn nguyên vẹn, chưa rõ nơi ký", "read from an intact chip of an unknown signer"
    ),
    Assurance.CHIP_SIGNED: _w("đọc từ chip có chữ ký hợp lệ", "read from a chip with a valid signature"),
    Assurance.REGISTER_CHECKED: _w(
        "đã khớp với cơ sở dữ liệu quốc gia về dân cư", "confirmed by the population register"
    ),
}
OUTCOMES: Mapping[Outcome, Words] = {
    Outcome.VERIFIED: _w("khớp", "it agreed"),
    Outcome.PARTIAL: _w(
        "khớp, có điểm khác nhỏ đã giải thích", "it agreed, with small explained differences"
    ),
    Outcome.DISPUTED: _w("có điểm không khớp, cần sửa", "something differs and needs repair"),
    Outcome.UNVERIFIED: _w(
        "chưa hỏi được, hệ thống sẽ tự hỏi lại", "it was not heard; the question is repeated by itself"
    ),
}


def mask(value: str) -> str:
    """A number with its last three characters readable; a short one hides at least half."""
    shown = min(_SHOWN_CHARS, len(value) // 2)
    return "•" * (len(value) - shown) + value[len(value) - shown :]


def tell_identifier(identifier: Identifier) -> Words:
    """What a number is, how far it was checked, since when and until when."""
    kind, assurance = KINDS[identifier.kind], ASSURANCES[identifier.assurance]
    since = _day(identifier.start_time)
    until = _w("", "")
    if identifier.end_time is not None:
        end = _day(identifier.end_time)
        until = _w(f", không còn dùng từ ngày {end}", f", not in use since {end}")
    return _w(
        f"{kind.vi}: {assurance.vi}; ghi nhận từ ngày {since}{until.vi}.",
        f"{kind.en}: {assurance.en}; known since {since}{until.en}.",
    )


def tell_verification(check: Verification) -> Words:
    """What the newest check of the card said."""
    outcome, day = OUTCOMES[check.outcome], _day(check.check_time)
    return _w(
        f"Thẻ căn cước được đối chiếu với cơ sở dữ liệu quốc gia về dân cư ngày {day}: {outcome.vi}.",
        f"The citizen card was checked with the population register on {day}: {outcome.en}.",
    )


def tell_link(link_time: datetime, end_time: datetime | None) -> Words:
    """That two records were put together, and perhaps taken apart again."""
    day = _day(link_time)
    if end_time is None:
        return _w(
            f"Hai hồ sơ được xác định là của cùng một người và được gộp ngày {day}.",
            f"Two records were found to be one person's and put together on {day}.",
        )
    end = _day(end_time)
    return _w(
        f"Hai hồ sơ được gộp ngày {day} và đã tách lại ngày {end}.",
        f"Two records were put together on {day} and taken apart again on {end}.",
    )


def _day(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y")
