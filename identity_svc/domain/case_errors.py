"""What the data-quality queue, its figures and correction requests refuse: one class for one reason.

AppError
├── CaseNotFound, CaseClosed, CaseOfOtherSteward, CaseOfCorrection
├── CorrectionNotFound, CorrectionDecided, CorrectionOpen
└── InvalidArgument ── CaseNameMalformed, CaseNoteWrong, CaseAssigneeWrong, CaseResolutionRequired,
                       CaseReasonRequired, ProvinceCodeMalformed, FigureDaysWrong, CorrectionNameMalformed,
                       CorrectionFieldWrong, CorrectionValueWrong, CorrectionWhyWrong
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind

NOTE_CHARS_MAX = 2_000
"""Longest note, reason or answer written by hand."""


class CaseNotFound(AppError):
    """No case has that name, or it belongs to another facility."""

    kind = Kind.NOT_FOUND
    reason = "CASE_NOT_FOUND"
    vi = "Không tìm thấy hồ sơ cần xử lý này; hãy mở lại danh sách."

    def __init__(self) -> None:
        super().__init__("List the cases again and take one of them.")


class CaseNameMalformed(InvalidArgument):
    """A resource name is not "citizens/{citizen}/cases/{case}"."""

    reason = "CASE_NAME_MALFORMED"
    vi = "Tên hồ sơ phải có dạng citizens/{mã}/cases/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__('Send a name of the form "citizens/{citizen}/cases/{case}".', field="name")


class CaseClosed(AppError):
    """The case has ended."""

    kind = Kind.PRECONDITION
    reason = "CASE_CLOSED"
    vi = "Hồ sơ này đã đóng; nếu lỗi lặp lại, hệ thống sẽ mở hồ sơ mới."

    def __init__(self, citizen_id: str, case_id: str) -> None:
        super().__init__(
            "The case has ended; the same doubt opens a new one.",
            case=f"citizens/{citizen_id}/cases/{case_id}",
        )


class CaseOfOtherSteward(AppError):
    """Another steward works on the case."""

    kind = Kind.PRECONDITION
    reason = "CASE_OF_OTHER_STEWARD"
    vi = "Người khác đang xử lý hồ sơ này; hãy trao đổi với họ hoặc nhận lại hồ sơ."

    def __init__(self, assignee: str) -> None:
        super().__init__("Ask them, or send take_over.", field="take_over", assignee=assignee)


class CaseOfCorrection(AppError):
    """A citizen's request is answered and not merely closed."""

    kind = Kind.PRECONDITION
    reason = "CASE_OF_CORRECTION"
    vi = "Đây là đề nghị của người dân; hãy chấp nhận hoặc từ chối kèm lý do."

    def __init__(self, correction: str) -> None:
        super().__init__("Accept or refuse the correction request.", correction=correction)


class CaseNoteWrong(InvalidArgument):
    """A note is empty where one is needed, or too long."""

    reason = "CASE_NOTE_WRONG"
    vi = f"Ghi chú phải có từ 1 đến {NOTE_CHARS_MAX} ký tự."

    def __init__(self) -> None:
        super().__init__("Write 1 to max_count characters.", field="note", max_count=NOTE_CHARS_MAX)


class CaseAssigneeWrong(InvalidArgument):
    """The steward to whom a case is given is no subject of a sign-in."""

    reason = "CASE_ASSIGNEE_WRONG"
    vi = "Tên người nhận hồ sơ không đúng; hãy dùng mã đăng nhập của họ."

    def __init__(self) -> None:
        super().__init__("Send the subject of a steward's sign-in, or nothing to take it.", field="assignee")


class CaseResolutionRequired(InvalidArgument):
    """It was not told how the case was settled."""

    reason = "CASE_RESOLUTION_REQUIRED"
    vi = "Chưa chọn cách đã giải quyết; hãy chọn rồi đóng hồ sơ."

    def __init__(self) -> None:
        super().__init__("Say how the case was settled.", field="resolution")


class CaseReasonRequired(InvalidArgument):
    """It was not told why nothing has to be repaired."""

    reason = "CASE_REASON_REQUIRED"
    vi = "Chưa chọn lý do bỏ qua; hãy chọn rồi đóng hồ sơ."

    def __init__(self) -> None:
        super().__init__("Say why nothing has to be repaired.", field="reason")


class ProvinceCodeMalformed(InvalidArgument):
    """A province code is not two digits, or stands beside a commune code."""

    reason = "PROVINCE_CODE_MALFORMED"
    vi = "Mã tỉnh phải có 2 chữ số và không gửi cùng mã xã; hãy kiểm tra lại."

    def __init__(self) -> None:
        super().__init__("Send two digits, and no ward_code with them.", field="province_code")


class FigureDaysWrong(InvalidArgument):
    """The days of a figure are no days, in the wrong order, or too many."""

    reason = "FIGURE_DAYS_WRONG"
    vi = "Khoảng ngày phải có dạng YYYY-MM-DD, đúng thứ tự và không quá 366 ngày."

    def __init__(self, max_count: int) -> None:
        super().__init__(
            "Send days as YYYY-MM-DD, the first not after the last, at most max_count of them.",
            field="from_date",
            max_count=max_count,
        )


class CorrectionNotFound(AppError):
    """No correction request has that name."""

    kind = Kind.NOT_FOUND
    reason = "CORRECTION_NOT_FOUND"
    vi = "Không tìm thấy đề nghị sửa này; hãy mở lại hồ sơ."

    def __init__(self) -> None:
        super().__init__("Open the case again and take the request from there.")


class CorrectionNameMalformed(InvalidArgument):
    """A resource name is not "citizens/{citizen}/corrections/{correction}"."""

    reason = "CORRECTION_NAME_MALFORMED"
    vi = "Tên đề nghị phải có dạng citizens/{mã}/corrections/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__(
            'Send a name of the form "citizens/{citizen}/corrections/{correction}".', field="name"
        )


class CorrectionDecided(AppError):
    """The request was answered before."""

    kind = Kind.PRECONDITION
    reason = "CORRECTION_DECIDED"
    vi = "Đề nghị này đã được trả lời; hãy mở lại để xem kết quả."

    def __init__(self, state: str) -> None:
        super().__init__("Read the request again; it has its answer.", state=state)


class CorrectionOpen(AppError):
    """A request for this field is waiting."""

    kind = Kind.ALREADY_EXISTS
    reason = "CORRECTION_OPEN"
    vi = "Đã có một đề nghị sửa thông tin này đang chờ; hãy đợi trả lời."

    def __init__(self, correction: str) -> None:
        super().__init__("Wait for the answer to the one that is open.", correction=correction)


class CorrectionFieldWrong(InvalidArgument):
    """The field cannot be corrected here."""

    reason = "CORRECTION_FIELD_WRONG"
    vi = "Chỉ sửa được họ tên, ngày sinh, giới tính hoặc địa chỉ; các số giấy tờ phải quét lại."

    def __init__(self) -> None:
        super().__init__("Send full_name, birth_date, gender or address.", field="field")


class CorrectionValueWrong(InvalidArgument):
    """The proposed value does not have the form of its field, or is the one on record."""

    reason = "CORRECTION_VALUE_WRONG"
    vi = "Giá trị đề nghị không đúng dạng hoặc trùng với thông tin đang lưu; hãy kiểm tra lại."

    def __init__(self) -> None:
        super().__init__("Check the form of the value, and that it differs from the record.", field="value")


class CorrectionWhyWrong(InvalidArgument):
    """The reason of a request or of a refusal is empty or too long."""

    reason = "CORRECTION_WHY_WRONG"
    vi = f"Lý do phải có từ 1 đến {NOTE_CHARS_MAX} ký tự."

    def __init__(self, field: str) -> None:
        super().__init__("Write 1 to max_count characters.", field=field, max_count=NOTE_CHARS_MAX)
