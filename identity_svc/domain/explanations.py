"""Words for what a check found: in Vietnamese for the clerk, in English, and the ways out that may be offered."""

from __future__ import annotations

from dataclasses import dataclass

from identity_svc.domain.model import FieldCheck, FieldResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A way out of a mismatch that the clerk may offer; nothing is changed by showing it."""

    code: str
    """Stable UPPER_SNAKE; what each does when applied stands in `repairing`."""
    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What differs and what may be done about it."""

    vi: str
    en: str
    repairs: tuple[Repair, ...]
    """Empty when nothing has to be done."""


KEEP_CARD_VALUE = Repair(
    code="KEEP_CARD_VALUE",
    vi="Giữ thông tin như trên thẻ và tiếp tục khám; không cần sửa gì.",
    en="Keep what the card says and go on; nothing has to be corrected.",
)
ADD_NAME_ALIAS = Repair(
    code="ADD_NAME_ALIAS",
    vi="Ghi thêm cách viết khác của họ tên để lần sau vẫn tìm thấy người bệnh.",
    en="Add the other spelling as an alias, so that the patient is found next time.",
)
MISSING_MIDDLE_NAME = Repair(
    code="MISSING_MIDDLE_NAME",
    vi="Ghi họ tên đầy đủ có tên đệm; cách viết trên thẻ được giữ làm tên khác của người bệnh.",
    en="Keep the full name with its middle name; the card's spelling stays as an alias.",
)
OLD_COMMUNE = Repair(
    code="OLD_COMMUNE",
    vi="Đổi xã, huyện, tỉnh cũ trong địa chỉ sang đơn vị hành chính hiện nay.",
    en="Put the administrative units in force into the address in place of the former ones.",
)
ESTIMATED_BIRTH_DATE = Repair(
    code="ESTIMATED_BIRTH_DATE",
    vi="Đánh dấu ngày sinh là ước lượng; chỉ dùng năm sinh khi đối chiếu.",
    en="Mark the birth date as estimated and compare by year only.",
)
ASK_REGISTER_CORRECTION = Repair(
    code="ASK_REGISTER_CORRECTION",
    vi="Hướng dẫn người bệnh đến công an cấp xã đề nghị điều chỉnh dữ liệu dân cư.",
    en="Send the patient to the commune police to have the population data corrected.",
)
RESCAN_CARD = Repair(
    code="RESCAN_CARD",
    vi="Quét lại thẻ; nếu vẫn lỗi, kiểm tra bảng mã của đầu đọc.",
    en="Scan the card again; if it fails again, check the scanner's code page.",
)

_NO_EXPLANATION = Explanation(vi="", en="", repairs=())
_WORDS = {
    "NAME_DIFFERS_IN_TONE_PLACEMENT": Explanation(
        vi="Họ tên chỉ khác vị trí dấu thanh (ví dụ hoà và hòa); là cùng một tên.",
        en="The name differs only in where the tone mark stands (as hoà and hòa); it is the same name.",
        repairs=(KEEP_CARD_VALUE,),
    ),
    "NAME_WITHOUT_ACCENTS": Explanation(
        vi="Họ tên đọc từ thẻ không có dấu; các chữ cái đều khớp.",
        en="The name came without accents; its letters agree.",
        repairs=(RESCAN_CARD,),
    ),
    "NAME_DIFFERS_IN_ACCENTS": Explanation(
        vi="Họ tên khác dấu so với dữ liệu dân cư; có thể là tên khác hẳn (ví dụ Lan và Lân).",
        en="The name's accents differ from the register's; it may be another name (as Lan and Lân).",
        repairs=(RESCAN_CARD, ADD_NAME_ALIAS, ASK_REGISTER_CORRECTION),
    ),
    "NAME_LACKS_WORDS": Explanation(
        vi="Họ tên trên thẻ và trong dữ liệu dân cư hơn kém nhau tên đệm.",
        en="Card and register differ by a middle name.",
        repairs=(MISSING_MIDDLE_NAME, ADD_NAME_ALIAS),
    ),
    "NAME_IS_KNOWN_ALIAS": Explanation(
        vi="Dữ liệu dân cư ghi họ tên khác; cách viết trên thẻ đã được chấp nhận là tên khác của người này.",
        en="The register has another name; the card's spelling was accepted as an alias of this person.",
        repairs=(),
    ),
    "NAME_PARTLY_AGREES": Explanation(
        vi="Dữ liệu dân cư chỉ khớp một phần họ tên.",
        en="The register agrees with a part of the name.",
        repairs=(ADD_NAME_ALIAS,),
    ),
    "NAME_DIFFERS": Explanation(
        vi="Họ tên trên thẻ khác với dữ liệu dân cư.",
        en="The name on the card is not the register's.",
        repairs=(ADD_NAME_ALIAS, ASK_REGISTER_CORRECTION),
    ),
    "NAME_TEXT_DAMAGED": Explanation(
        vi="Đầu đọc làm hỏng chữ trong họ tên nên chưa đối chiếu được.",
        en="The scanner damaged the letters of the name, so it was not compared.",
        repairs=(RESCAN_CARD,),
    ),
    "BIRTH_YEAR_ONLY": Explanation(
        vi="Dữ liệu dân cư chỉ có năm sinh; năm sinh khớp.",
        en="The register knows the year of birth only; the year agrees.",
        repairs=(ESTIMATED_BIRTH_DATE,),
    ),
    "BIRTH_DATE_PARTLY_AGREES": Explanation(
        vi="Dữ liệu dân cư chỉ khớp một phần ngày sinh.",
        en="The register agrees with a part of the birth date.",
        repairs=(ESTIMATED_BIRTH_DATE,),
    ),
    "BIRTH_DAY_DIFFERS": Explanation(
        vi="Năm sinh khớp nhưng ngày hoặc tháng sinh khác với dữ liệu dân cư.",
        en="The year of birth agrees; day or month differ from the register's.",
        repairs=(KEEP_CARD_VALUE, ESTIMATED_BIRTH_DATE, ASK_REGISTER_CORRECTION),
    ),
    "BIRTH_DATE_DIFFERS": Explanation(
        vi="Ngày sinh trên thẻ khác với dữ liệu dân cư.",
        en="The birth date on the card is not the register's.",
        repairs=(KEEP_CARD_VALUE, ASK_REGISTER_CORRECTION),
    ),
    "GENDER_DIFFERS": Explanation(
        vi="Giới tính trên thẻ khác với dữ liệu dân cư.",
        en="The gender on the card is not the register's.",
        repairs=(KEEP_CARD_VALUE, ASK_REGISTER_CORRECTION),
    ),
    "ADDRESS_OF_FORMER_UNIT": Explanation(
        vi="Địa chỉ trên thẻ ghi theo đơn vị hành chính trước 01/07/2025; dữ liệu dân cư đã đổi sang đơn vị mới.",
        en="The card's address names units from before 1 July 2025; the register has the new ones.",
        repairs=(OLD_COMMUNE, KEEP_CARD_VALUE),
    ),
    "ADDRESS_DIFFERS_IN_ACCENTS": Explanation(
        vi="Địa chỉ chỉ khác dấu so với dữ liệu dân cư.",
        en="The address differs from the register's in accents only.",
        repairs=(KEEP_CARD_VALUE,),
    ),
    "ADDRESS_PARTLY_AGREES": Explanation(
        vi="Dữ liệu dân cư chỉ khớp một phần địa chỉ.",
        en="The register agrees with a part of the address.",
        repairs=(KEEP_CARD_VALUE,),
    ),
    "ADDRESS_DIFFERS": Explanation(
        vi="Địa chỉ trên thẻ khác với dữ liệu dân cư; hãy hỏi nơi ở hiện nay.",
        en="The address on the card is not the register's; ask where the patient lives now.",
        repairs=(KEEP_CARD_VALUE, ASK_REGISTER_CORRECTION),
    ),
    "ADDRESS_TEXT_DAMAGED": Explanation(
        vi="Đầu đọc làm hỏng chữ trong địa chỉ nên chưa đối chiếu được.",
        en="The scanner damaged the letters of the address, so it was not compared.",
        repairs=(RESCAN_CARD,),
    ),
    "NUMBER_NOT_IN_REGISTER": Explanation(
        vi="Dữ liệu dân cư không có số định danh này; có thể số đã bị hủy hoặc thẻ không thật.",
        en="The register does not know this number; it may be cancelled, or the card is not genuine.",
        repairs=(RESCAN_CARD, ASK_REGISTER_CORRECTION),
    ),
    "STORED_PERSON_DIFFERS": Explanation(
        vi="Số định danh này đang thuộc về người có họ tên, ngày sinh khác trên thẻ; hồ sơ cũ được giữ nguyên.",
        en="This number is held here by a person with another name or birth date; that record was left as it is.",
        repairs=(RESCAN_CARD, ASK_REGISTER_CORRECTION),
    ),
}
_UNASKED = Explanation(
    vi="Trường này chưa được đối chiếu với dữ liệu dân cư.",
    en="This field was not compared with the register.",
    repairs=(),
)


def explain(check: FieldCheck) -> Explanation:
    """Give the words and ways out of one field's result; empty on a plain match."""
    if check.reason:
        return _WORDS[check.reason]
    return _UNASKED if check.result is FieldResult.NOT_CHECKED else _NO_EXPLANATION


def known_reasons() -> frozenset[str]:
    """Give every reason that has words."""
    return frozenset(_WORDS)
