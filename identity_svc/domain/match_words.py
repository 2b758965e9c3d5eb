"""The words in which a clerk reads the evidence of a match, in Vietnamese and English."""

from __future__ import annotations

_FIELDS = {
    "full_name": ("Họ tên", "Full name"),
    "birth_date": ("Ngày sinh", "Birth date"),
    "gender": ("Giới tính", "Gender"),
    "ward": ("Xã, phường", "Commune"),
    "citizen_number": ("Số định danh cá nhân", "Citizen number"),
    "old_identity_number": ("Số CMND cũ", "Former identity number"),
    "insurance_number": ("Mã số BHXH", "Insurance number"),
    "passport": ("Số hộ chiếu", "Passport number"),
    "foreign_id": ("Số giấy tờ người nước ngoài", "Foreigner's paper"),
}
_LEVELS = {
    "SAME": ("giống nhau", "the same"),
    "EQUIVALENT": (
        "cùng một tên, viết khác i/y hoặc dấu nháy",
        "one name in two spellings (i or y, apostrophe)",
    ),
    "NEAR": ("khác một chữ cái hoặc cách viết địa phương", "one letter or a dialect's spelling differs"),
    "ACCENTLESS": ("một bên không có dấu", "one side has no accents"),
    "DIFFERENT_ACCENT": ("khác dấu, có thể là người khác", "the accents differ, which makes another name"),
    "MISSING_MIDDLE": ("một bên thiếu tên đệm", "one side lacks the middle name"),
    "ABBREVIATED": ("một bên viết tắt", "one side is abbreviated"),
    "REORDERED": ("cùng các chữ, khác thứ tự", "the same words in another order"),
    "MIDDLE_DIFFERS": ("cùng họ và tên, khác tên đệm", "family and given name agree, the middle differs"),
    "SIMILAR": ("gần giống nhưng là tên khác", "similar, but another name"),
    "DAY_MONTH_SWAPPED": ("ngày và tháng đổi chỗ", "day and month are swapped"),
    "ONE_DIGIT": ("khác một chữ số", "one digit differs"),
    "YEAR_ONLY": ("cùng năm, một bên chỉ biết năm", "the same year, one side knows no more"),
    "SAME_YEAR": ("cùng năm, khác ngày tháng", "the same year, another day"),
    "DIFFERENT": ("khác nhau", "different"),
    "ABSENT": ("một bên không có", "one side has none"),
}
_RULES = {
    "CITIZEN_NUMBERS_DIFFER": (
        "Hai hồ sơ có hai số định danh khác nhau đang dùng; cần người xem.",
        "The two hold different citizen numbers in use; somebody has to look.",
    ),
    "NUMBER_EQUAL_PERSON_DIFFERS": (
        "Trùng số giấy tờ nhưng họ tên hoặc ngày sinh là của người khác.",
        "A number is equal, but name or birth date are another person's.",
    ),
    "INSURANCE_NUMBER_ALONE": (
        "Chỉ trùng mã số BHXH, là số người nhà hay dùng chung; tên hoặc ngày sinh chưa khớp hẳn.",
        "Only the insurance number is equal, which relatives lend; name or birth date do not agree fully.",
    ),
    "NO_NUMBER_AND_NO_DAY": (
        "Không trùng số nào và không trùng đủ ngày sinh; tên và năm sinh là chưa đủ.",
        "No number is equal and the full birth date is not; name and year are not enough.",
    ),
    "NO_NUMBER_AND_NAME_UNSURE": (
        "Không trùng số nào và họ tên không giống hẳn, kể cả dấu.",
        "No number is equal and the names are not the same with their accents.",
    ),
    "NO_NUMBER_AND_OTHER_PLACE": (
        "Không trùng số nào, khác giới tính hoặc khác xã.",
        "No number is equal, and gender or commune is another.",
    ),
}


def explain_evidence(field: str, level: str) -> tuple[str, str]:
    """One field's evidence in Vietnamese and English; tells no value."""
    field_vi, field_en = _FIELDS.get(field, (field, field))
    level_vi, level_en = _LEVELS[level]
    return f"{field_vi}: {level_vi}.", f"{field_en}: {level_en}."


def explain_rule(code: str) -> tuple[str, str]:
    """Why a pair is not linked without a person looking, in Vietnamese and English."""
    return _RULES[code]
