"""Data groups of a chip: the zone (DG1), the face's presence (DG2) and the Vietnamese details (DG13)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from standards.icao.der import Element, children, read_element, read_whole
from standards.icao.errors import (
    ChipDataNesting,
    ChipDataTooLarge,
    ChipDataTruncated,
    ChipGroupMalformed,
    ChipGroupTagWrong,
)
from standards.icao.mrz import Mrz, parse_mrz

GROUP_TAGS = {
    1: 0x61, 2: 0x75, 3: 0x63, 4: 0x76, 5: 0x65, 6: 0x66, 7: 0x67, 8: 0x68, 9: 0x69, 10: 0x6A, 11: 0x6B,
    12: 0x6C, 13: 0x6D, 14: 0x6E, 15: 0x6F, 16: 0x70,
}  # fmt: skip
"""Number of a data group to the tag that its file begins with."""
MAX_GROUP_BYTES = 512 * 1024
"""Largest file read; a face has 15 to 25 kB, everything else less than 2 kB."""

_ZONE = 0x5F1F
_FACE_TEMPLATES, _FACE_TEMPLATE, _FACE_BLOCKS = 0x7F61, 0x7F60, (0x5F2E, 0x7F2E)
_IMAGE_STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xffO\xffQ", "JPEG2000"),
)
_INTEGER, _TEXTS = 0x02, (0x0C, 0x13, 0x16, 0x04)
_DETAIL_DEPTH = 6
_DETAIL_COUNT = 64
_ID_BYTES_MAX = 2
_OLD_NUMBER = re.compile(r"[0-9]{9}|[0-9]{12}")
_DATE = re.compile(r"(?:([0-9]{1,2})[/.-])?(?:([0-9]{1,2})[/.-])?([0-9]{4})|([0-9]{2})([0-9]{2})([0-9]{4})")


class DetailId(StrEnum):
    """Fields of DG13 by their number, as two public readers of the 2021 card agree."""

    PERSONAL_NUMBER = "1"
    FULL_NAME = "2"
    BIRTH_DATE = "3"
    GENDER = "4"
    NATIONALITY = "5"
    ETHNICITY = "6"
    RELIGION = "7"
    HOMETOWN = "8"
    RESIDENCE = "9"
    FEATURES = "10"
    ISSUE_DATE = "11"
    EXPIRY_DATE = "12"
    PARENTS = "13"
    OLD_NUMBER = "16"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceImage:
    """That a face is there; the image itself is never taken out."""

    kind: str
    """'JPEG', 'JPEG2000', or empty for another coding."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDetails:
    """DG13 of a 2021 card. Ethnicity, religion, hometown and features are not taken out: no use here needs them."""

    personal_number: str = field(repr=False)
    full_name: str = field(repr=False)
    """NFC, single spaces, with accents."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY-MM-DD, YYYY-MM or YYYY."""
    gender: str
    """'male' or 'female'."""
    residence: str = field(repr=False)
    issue_date: date | None
    expiry_date: date | None
    """None when the card does not expire."""
    father_name: str = field(repr=False)
    mother_name: str = field(repr=False)
    old_number: str = field(repr=False)
    """9 or 12 digits, or empty."""
    unknown_ids: tuple[int, ...] = ()
    """Numbers of fields beyond those of DetailId."""


def read_group(number: int, content: bytes) -> Element:
    """Check that bytes are the file of a data group, and give its outermost element.

    Raises:
        ChipDataTooLarge: more than MAX_GROUP_BYTES (fact limit_bytes).
        ChipGroupTagWrong: another file; all errors name the field as dg1 to dg16.
        ChipDataTruncated, ChipDataTrailing, ChipLengthForm: its length does not fit.
    """
    name = f"dg{number}"
    if len(content) > MAX_GROUP_BYTES:
        raise ChipDataTooLarge(name, limit_bytes=MAX_GROUP_BYTES)
    if not content:
        raise ChipDataTruncated(name)
    if content[0] != GROUP_TAGS[number]:
        raise ChipGroupTagWrong(name)
    return read_whole(content, field=name)


def parse_dg1(content: bytes) -> Mrz:
    """Read the machine-readable zone.

    Raises:
        FormatError: as read_group and standards.icao.mrz.parse_mrz say; ChipGroupMalformed when there is no zone.
    """
    root = read_group(1, content)
    zone = read_element(content, root.content, root.end, field="dg1")
    if zone.tag != _ZONE or zone.end != root.end:
        raise ChipGroupMalformed("dg1")
    try:
        text = content[zone.content : zone.end].decode("ascii")
    except UnicodeDecodeError:
        raise ChipGroupMalformed("dg1") from None
    return parse_mrz(text)


def parse_dg2(content: bytes) -> FaceImage:
    """Say what kind of face image is there and how large it is.

    Raises:
        FormatError: as read_group says; ChipGroupMalformed when there is no face.
    Source: ICAO Doc 9303 part 10 section 4.7.2.
    """
    root = read_group(2, content)
    templates = read_element(content, root.content, root.end, field="dg2")
    if templates.tag == _FACE_TEMPLATES:
        for template in children(content, templates, field="dg2"):
            if template.tag != _FACE_TEMPLATE:
                continue
            for block in children(content, template, field="dg2"):
                if block.tag in _FACE_BLOCKS:
                    return _image(content, block)
    raise ChipGroupMalformed("dg2")


def _image(content: bytes, block: Element) -> FaceImage:
    """Find the image behind the header of the face record (ISO/IEC 19794-5), which has a varying length."""
    for start, kind in _IMAGE_STARTS:
        position = content.find(start, block.content, block.end)
        if position >= 0:
            return FaceImage(kind=kind, size_bytes=block.end - position)
    return FaceImage(kind="", size_bytes=block.end - block.content)


def parse_dg13(content: bytes) -> CardDetails:
    """Read the details of a 2021 card; a card of another profile is refused, which is no sign against it.

    Raises:
        FormatError: as read_group says; ChipGroupMalformed when a field is missing, repeated or not in its form
            (fact detail_id).
    Source: two public readers of the 2021 card agree on the numbers; Circular 16/2024/TT-BCA lets the 2024 card code
        its details by the authority's own way.
    """
    root = read_group(13, content)
    found: dict[int, list[str]] = {}
    _collect(content, root, found, depth=1)
    known = {int(each) for each in DetailId}
    # What its user does not need is dropped here and not carried about.
    one = {each: " ".join(found.get(int(each), [])).strip() for each in DetailId}
    parents = found.get(int(DetailId.PARENTS), [])
    number, old_number = one[DetailId.PERSONAL_NUMBER], one[DetailId.OLD_NUMBER]
    if not (number.isascii() and number.isdigit() and len(number) == 12):
        raise ChipGroupMalformed("dg13", detail_id=1)
    if not one[DetailId.FULL_NAME]:
        raise ChipGroupMalformed("dg13", detail_id=2)
    gender = {"nam": "male", "nữ": "female"}.get(one[DetailId.GENDER].lower())
    if gender is None:
        raise ChipGroupMalformed("dg13", detail_id=4)
    return CardDetails(
        personal_number=number,
        full_name=one[DetailId.FULL_NAME],
        birth_date=_read_date(one[DetailId.BIRTH_DATE], detail_id=3),
        gender=gender,
        residence=one[DetailId.RESIDENCE],
        issue_date=_read_day(one[DetailId.ISSUE_DATE], detail_id=11),
        expiry_date=_read_day(one[DetailId.EXPIRY_DATE], detail_id=12),
        father_name=parents[0] if parents else "",
        mother_name=parents[1] if len(parents) > 1 else "",
        old_number=old_number if _OLD_NUMBER.fullmatch(old_number) else "",
        unknown_ids=tuple(sorted(set(found) - known)),
    )


def _collect(content: bytes, parent: Element, found: dict[int, list[str]], *, depth: int) -> None:
    """Gather the entries (number, then texts) below an element, however many containers lie between."""
    if depth > _DETAIL_DEPTH:
        raise ChipDataNesting("dg13", limit=_DETAIL_DEPTH)
    inner = list(children(content, parent, field="dg13"))
    if inner and inner[0].tag == _INTEGER and parent.tag != GROUP_TAGS[13]:
        number = inner[0]
        if not 1 <= number.end - number.content <= _ID_BYTES_MAX or len(found) >= _DETAIL_COUNT:
            raise ChipGroupMalformed("dg13")
        detail_id = int.from_bytes(content[number.content : number.end], "big")
        if detail_id in found:
            raise ChipGroupMalformed("dg13", detail_id=detail_id)
        found[detail_id] = [text for each in inner[1:] for text in _texts(content, each, depth=depth + 1)]
        return
    for each in inner:
        if each.is_constructed:
            _collect(content, each, found, depth=depth + 1)


def _texts(content: bytes, element: Element, *, depth: int) -> list[str]:
    if depth > _DETAIL_DEPTH:
        raise ChipDataNesting("dg13", limit=_DETAIL_DEPTH)
    if element.is_constructed:
        return [
            text
            for each in children(content, element, field="dg13")
            for text in _texts(content, each, depth=depth + 1)
        ]
    if element.tag not in _TEXTS:
        return []
    try:
        text = content[element.content : element.end].decode("utf-8")
    except UnicodeDecodeError:
        # The cause holds the bytes of a name, so it is not kept.
        raise ChipGroupMalformed("dg13") from None
    return [" ".join(unicodedata.normalize("NFC", text).split())]


def _read_date(text: str, *, detail_id: int) -> str:
    """Read dd/MM/yyyy, ddMMyyyy, MM/yyyy or yyyy as a FHIR date; 00 stands for what is not known."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ChipGroupMalformed("dg13", detail_id=detail_id)
    first, second, year = match[1] or match[4], match[2] or match[5], match[3] or match[6]
    day, month = (first, second) if second else ("00", first or "00")
    try:
        value = date(int(year), int(month) or 1, int(day) or 1)
    except ValueError:
        raise ChipGroupMalformed("dg13", detail_id=detail_id) from None
    if int(day) and not int(month):
        raise ChipGroupMalformed("dg13", detail_id=detail_id)
    return value.isoformat()[: 10 if int(day) else 7 if int(month) else 4]


def _read_day(text: str, *, detail_id: int) -> date | None:
    """Read a day; other words ("Không thời hạn") and nothing stand for none."""
    if not any(char.isdigit() for char in text):
        return None
    value = _read_date(text, detail_id=detail_id)
    if len(value) < len("YYYY-MM-DD"):
        raise ChipGroupMalformed("dg13", detail_id=detail_id)
    return date.fromisoformat(value)
