"""What to do about a row of a register file that was not taken in, in Vietnamese and English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One advice in both languages; names no value of the row."""

    vi: str
    en: str


_WORDS = {
    "COLUMN_COUNT_WRONG": Words(
        vi="Số cột của dòng khác với dòng tiêu đề; hãy kiểm tra dấu phân cách và dấu ngoặc kép.",
        en="The row has another number of columns than the header; check separators and quotes.",
    ),
    "QUOTE_NOT_CLOSED": Words(
        vi="Dấu ngoặc kép mở mà không đóng; hãy đóng hoặc bỏ dấu.",
        en="A quote is opened and not closed; close or remove it.",
    ),
    "ROW_TOO_LONG": Words(
        vi="Dòng quá dài; hãy kiểm tra dấu xuống dòng.", en="The row is too long; check the line ends."
    ),
    "VALUE_TOO_LONG": Words(vi="Giá trị quá dài; hãy rút gọn.", en="The value is too long; shorten it."),
    "IDENTIFIER_MISSING": Words(
        vi="Dòng không có số định danh, CMND hay mã BHXH; hãy bổ sung một số.",
        en="The row has neither citizen, old identity nor insurance number; add one.",
    ),
    "NOT_TWELVE_DIGITS": Words(
        vi="Số định danh phải có 12 chữ số; hãy đối chiếu với thẻ.",
        en="A citizen number has 12 digits; compare with the card.",
    ),
    "LETTER_IN_NUMBER": Words(
        vi="Số giấy tờ chứa chữ cái; hãy đối chiếu với giấy tờ.",
        en="The number holds a letter; compare with the paper.",
    ),
    "OLD_NUMBER_NOT_NINE_DIGITS": Words(
        vi="Số CMND phải có 9 chữ số; hãy đối chiếu với giấy tờ.",
        en="An old identity number has 9 digits; compare with the paper.",
    ),
    "NUMBER_IN_SCIENTIFIC_FORM": Words(
        vi="Bảng tính đã làm mất chữ số; hãy định dạng cột số là văn bản rồi xuất lại.",
        en="The spreadsheet lost digits; format the column as text and export again.",
    ),
    "BIRTH_DATE_MISSING": Words(
        vi="Thiếu ngày sinh; hãy bổ sung ít nhất năm sinh.",
        en="The birth date is missing; give at least the year.",
    ),
    "IMPOSSIBLE_DATE": Words(
        vi="Ngày sinh không đọc được; hãy ghi ngày/tháng/năm.",
        en="The birth date cannot be read; write day/month/year.",
    ),
    "BIRTH_DATE_IN_FUTURE": Words(
        vi="Ngày sinh sau ngày của danh sách; hãy kiểm tra lại.",
        en="The birth date is after the day of the file; check it.",
    ),
    "GENDER_MISSING": Words(vi="Thiếu giới tính; hãy ghi Nam hoặc Nữ.", en="The gender is missing."),
    "GENDER_UNREADABLE": Words(
        vi="Giới tính không đọc được; hãy ghi Nam hoặc Nữ.", en="The gender cannot be read; write Nam or Nữ."
    ),
    "NAME_MISSING": Words(vi="Thiếu họ tên; hãy bổ sung.", en="The name is missing; add it."),
    "NAME_TOO_LONG": Words(vi="Họ tên quá dài; hãy kiểm tra lại.", en="The name is too long; check it."),
    "ADDRESS_TOO_LONG": Words(vi="Địa chỉ quá dài; hãy rút gọn.", en="The address is too long; shorten it."),
}
_UNKNOWN = Words(
    vi="Giá trị không đúng dạng; hãy đối chiếu với giấy tờ và nhập lại.",
    en="The value is not in its form; compare with the paper and enter it again.",
)


def words_of(reason: str) -> Words:
    """What to do about a reason; general advice for those of the number formats."""
    return _WORDS.get(reason, _UNKNOWN)
