"""The portal's decision on one card look-up and the reply it writes: pure, no HTTP, no clock."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from sandbox.person import InsuranceCard, JsonObject, Person, PortalEntry
from sandbox.population import Population
from sandbox.portal.codes import NOTES, WITHOUT_RECORD
from sandbox.vietnamese import same_initials

_DIGITS = re.compile(r"[0-9]{10}|[0-9]{12}")
_CARD = re.compile(r"[A-Z]{2}[1-5][0-9]{2}[0-9]{10}")
_BIRTH_FORMS = (
    (re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})"), 3),
    (re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})"), 3),
    (re.compile(r"([0-9]{2})/([0-9]{4})"), 2),
    (re.compile(r"([0-9]{4})"), 1),
)
FACILITY_NAMES = {
    "19999": "Bệnh viện A",
    "19998": "Trung tâm Y tế B",
    "19T01": "Trạm Y tế xã C",
    "06999": "Trung tâm Y tế B",
}
"""Invented; 06999 is the code 19998 had before 1 July 2025."""
STAFF = {
    "099085000002": "Triệu Văn An",
    "099188000003": "Nông Thị Bình",
    "099079000004": "Hoàng Văn Chung",
}
"""Registered staff of every facility, citizen number to name; invented people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardQuery:
    """The five fields of a card look-up as they came."""

    card_text: str
    """maThe: 10, 12 or 15 characters."""
    full_name: str
    birth_text: str
    """dd/MM/yyyy, ddMMyyyy, MM/yyyy or yyyy."""
    staff_name: str
    staff_number: str


def parse_birth(text: str) -> tuple[str, ...] | None:
    """Split a birth date into (dd, MM, yyyy), (MM, yyyy) or (yyyy,); None when the form is not known."""
    for form, parts in _BIRTH_FORMS:
        found = form.fullmatch(text)
        if found is None:
            continue
        pieces = found.groups()
        try:
            date(int(pieces[-1]), int(pieces[-2]) if parts > 1 else 1, int(pieces[0]) if parts == 3 else 1)
        except ValueError:
            return None
        return pieces
    return None


def find_person(population: Population, card_text: str) -> Person | None:
    """The person behind 10, 12 or 15 characters; people without insurance are not found."""
    if len(card_text) == 12:
        person = population.by_personal_number.get(card_text)
    else:
        person = population.by_social_number.get(card_text[-10:])
    return person if person is not None and person.portal is not None else None


def is_card_form(card_text: str) -> bool:
    """True for 10 or 12 digits or a 15-character card number."""
    return bool(_DIGITS.fullmatch(card_text) or _CARD.fullmatch(card_text))


def _check_request(query: CardQuery) -> str:
    fields = (query.card_text, query.full_name, query.birth_text, query.staff_name, query.staff_number)
    if not all(fields) or parse_birth(query.birth_text) is None:
        return "205"
    if query.staff_number not in STAFF:
        return "054"
    if query.staff_name.casefold() != STAFF[query.staff_number].casefold():
        return "055"
    return "000" if is_card_form(query.card_text) else "051"


def _check_number(card_text: str, entry: PortalEntry) -> str:
    if len(card_text) != 15:
        return "000"
    known = [entry.card.number, *([entry.new_card.number] if entry.new_card is not None else [])]
    if card_text in known:
        return "000"
    if card_text[3:5] not in {number[3:5] for number in known}:
        return "052"
    if card_text[2] not in {number[2] for number in known}:
        return "053"
    return "051"


def _check_person(query: CardQuery, entry: PortalEntry) -> str:
    # The stored name is NFC; the portal compares letters as they come, so decomposed text does not match.
    if query.full_name.casefold() != entry.full_name.casefold():
        # First letters are compared after composing, or an NFD name would count as wholly wrong.
        composed = unicodedata.normalize("NFC", query.full_name)
        return "061" if same_initials(composed, entry.full_name) else "060"
    asked, held = parse_birth(query.birth_text), parse_birth(entry.birth_text)
    assert asked is not None, "the form was checked before"
    assert held is not None, "seeded birth dates have a known form"
    if len(asked) > len(held) or held[-len(asked) :] != asked:
        return "070"
    return "000"


def _check_validity(card_text: str, entry: PortalEntry, today: date) -> str:
    if entry.status_code != "000":
        return entry.status_code
    if entry.new_card is not None and card_text != entry.new_card.number:
        return "003" if today > entry.card.valid_to_date else "004"
    card = entry.card if entry.new_card is None else entry.new_card
    return "010" if today > card.valid_to_date else "000"


def decide(population: Population, query: CardQuery, today: date) -> tuple[str, Person | None]:
    """The result code of a look-up and the person found, if any.

    The order is: form of the request (205), staff (054, 055), form of the number (051), existence (050),
    parts of the number (052, 053), name (060, 061), birth date (070), then state and dates of the card.
    """
    code = _check_request(query)
    if code != "000":
        return code, None
    person = find_person(population, query.card_text)
    if person is None or person.portal is None:
        return "050", None
    entry = person.portal
    for code in (
        _check_number(query.card_text, entry),
        _check_person(query, entry),
        _check_validity(query.card_text, entry, today),
    ):
        if code != "000":
            break
    return code, person


def _note(code: str, entry: PortalEntry, card: InsuranceCard) -> str:
    about = (
        f"Họ tên : {entry.full_name}, Ngày sinh: {entry.birth_text}, Giới tính : {entry.gender}! "
        f"(ĐC: {entry.address}; Nơi KCBBĐ: {card.facility_code}; Hạn thẻ: {card.valid_from_date:%d/%m/%Y} - "
        f"{card.valid_to_date:%d/%m/%Y}; Thời điểm đủ 5 năm liên tục: {entry.five_year_date:%d/%m/%Y})."
    )
    return f"Thẻ còn giá trị sử dụng! {about}" if code == "000" else f"{NOTES.get(code, '')}! {about}"


def _empty_reply(code: str) -> JsonObject:
    texts = (
        "maThe hoTen ngaySinh gioiTinh diaChi maDKBD cqBHXH gtTheTu gtTheDen maKV ngayDu5Nam maSoBHXH "
        "maTheCu maTheMoi gtTheTuMoi gtTheDenMoi maDKBDMoi tenDKBDMoi"
    )
    return {
        "maKetQua": code,
        "ghiChu": NOTES.get(code, ""),
        **dict.fromkeys(texts.split(), ""),
        "dsLichSuKCB2018": [],
        "dsLichSuKT2018": [],
    }


def _visit_rows(entry: PortalEntry) -> list[JsonObject]:
    return [
        {
            "maHoSo": visit.record_number,
            "maCSKCB": visit.facility_code,
            "ngayVao": visit.admit_text,
            "ngayRa": visit.leave_text,
            "tenBenh": "",
            "tinhTrang": "1",
            "kqDieuTri": "2",
            "lyDoVV": visit.reason_code,
            **{f"TEMP{number}": "" for number in range(1, 6)},
        }
        for visit in entry.visits
    ]


def write_reply(code: str, person: Person | None, *, card_text: str, checks: list[JsonObject]) -> JsonObject:
    """The reply with all its fields in the documented order; a refusal carries no data of a person."""
    reply = _empty_reply(code)
    entry = person.portal if person is not None else None
    if entry is None or code in WITHOUT_RECORD:
        return reply
    asked_new = entry.new_card is not None and card_text == entry.new_card.number
    card = entry.new_card if asked_new and entry.new_card is not None else entry.card
    reply.update(
        ghiChu=_note(code, entry, card),
        maThe=card.number,
        hoTen=entry.full_name,
        ngaySinh=entry.birth_text,
        gioiTinh=entry.gender,
        diaChi=entry.address,
        maDKBD=card.facility_code,
        cqBHXH=entry.office,
        gtTheTu=f"{card.valid_from_date:%d/%m/%Y}",
        gtTheDen=f"{card.valid_to_date:%d/%m/%Y}",
        maKV=entry.area_code,
        ngayDu5Nam=f"{entry.five_year_date:%d/%m/%Y}",
        maSoBHXH=entry.social_number,
        maTheCu=entry.card.number if asked_new else "",
        dsLichSuKCB2018=_visit_rows(entry),
        dsLichSuKT2018=checks,
    )
    if entry.new_card is not None and not asked_new:
        reply.update(
            maTheMoi=entry.new_card.number,
            gtTheTuMoi=f"{entry.new_card.valid_from_date:%d/%m/%Y}",
            gtTheDenMoi=f"{entry.new_card.valid_to_date:%d/%m/%Y}",
            maDKBDMoi=entry.new_card.facility_code,
            tenDKBDMoi=FACILITY_NAMES.get(entry.new_card.facility_code, ""),
        )
    return reply
