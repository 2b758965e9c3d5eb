"""What adding, ending and replacing numbers refuses: one class for one reason.

AppError
├── InvalidArgument ── IdentifierNameMalformed, IdentifierSourceNotAllowed, TemporaryNumberIssuedHere,
│                      EndReasonRequired, EndTimeWrong, MomentWrong, TemporaryKindRequired,
│                      RealPersonRequired
├── IdentifierNotFound
├── IdentifierEnded
├── LastIdentifier
└── NotTemporary
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class IdentifierNameMalformed(InvalidArgument):
    """A resource name is not "citizens/{citizen}/identifiers/{identifier}"."""

    reason = "IDENTIFIER_NAME_MALFORMED"
    vi = "Tên tài nguyên phải có dạng citizens/{mã}/identifiers/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__(
            'Send a name of the form "citizens/{citizen}/identifiers/{identifier}".', field="name"
        )


class IdentifierSourceNotAllowed(InvalidArgument):
    """The caller may not say that a number comes from there: cards and chips are read by VerifyCard."""

    reason = "IDENTIFIER_SOURCE_NOT_ALLOWED"
    vi = "Nguồn của số này không hợp lệ; thẻ căn cước hãy quét bằng chức năng xác minh thẻ."

    def __init__(self) -> None:
        super().__init__(
            "Send TYPED, PASSPORT_MRZ or INSURANCE_CARD_QR; services also INSURER and REGISTER_FILE.",
            field="source",
        )


class TemporaryNumberIssuedHere(InvalidArgument):
    """A temporary number is issued and never typed in."""

    reason = "TEMPORARY_NUMBER_ISSUED_HERE"
    vi = "Số tạm do hệ thống cấp; hãy dùng chức năng đăng ký tạm thời."

    def __init__(self) -> None:
        super().__init__("Call RegisterTemporary.", field="kind")


class EndReasonRequired(InvalidArgument):
    """A number was to end without a reason."""

    reason = "END_REASON_REQUIRED"
    vi = "Chưa chọn lý do ngừng dùng số này; hãy chọn: bị hủy, cấp lại, đã thay, hoặc ghi nhầm."

    def __init__(self) -> None:
        super().__init__("Say why the number ends.", field="reason")


class EndTimeWrong(InvalidArgument):
    """A number was to end in the future."""

    reason = "END_TIME_WRONG"
    vi = "Thời điểm ngừng dùng không được ở tương lai; hãy nhập lại."

    def __init__(self) -> None:
        super().__init__("Send a moment that has passed, or none for now.", field="end_time")


class MomentWrong(InvalidArgument):
    """A moment of the request is none of the calendar."""

    reason = "MOMENT_WRONG"
    vi = "Thời điểm gửi lên không hợp lệ; hãy kiểm tra phần mềm gọi."

    def __init__(self, field: str) -> None:
        super().__init__("Send a moment of the years 1 to 9999.", field=field)


class TemporaryKindRequired(InvalidArgument):
    """Nobody said why the person has no number."""

    reason = "TEMPORARY_KIND_REQUIRED"
    vi = "Chưa chọn lý do đăng ký tạm; hãy chọn: trẻ sơ sinh, chưa rõ, bất tỉnh, hoặc người nước ngoài."

    def __init__(self) -> None:
        super().__init__("Say why the person has no number.", field="kind")


class RealPersonRequired(InvalidArgument):
    """Nothing says who the temporary person really is."""

    reason = "REAL_PERSON_REQUIRED"
    vi = "Chưa có thông tin người thật; hãy quét thẻ, hoặc nhập số, họ tên và ngày sinh."

    def __init__(self) -> None:
        super().__init__(
            "Send card_qr, or kind and value with the person's full_name and birth_date.", field="person"
        )


class PaperOfAnAdult(InvalidArgument):
    """A newborn was to become the person of a paper that is somebody older's."""

    reason = "PAPER_OF_AN_ADULT"
    vi = "Giấy tờ này là của người lớn, không phải của trẻ sơ sinh; không dùng thẻ của mẹ, hãy dùng giấy tờ của bé."

    def __init__(self) -> None:
        super().__init__(
            "Send the child's own card or number; the mother's is not the child's.", field="person"
        )


class IdentifierNotFound(AppError):
    """The citizen has no such number."""

    kind = Kind.NOT_FOUND
    reason = "IDENTIFIER_NOT_FOUND"
    vi = "Người này không có số đã chọn; hãy xem lại danh sách giấy tờ."

    def __init__(self) -> None:
        super().__init__("List the citizen's identifiers and take one of them.", field="name")


class IdentifierEnded(AppError):
    """The number ended before."""

    kind = Kind.PRECONDITION
    reason = "IDENTIFIER_ENDED"
    vi = "Số này đã ngừng dùng từ trước; không cần làm gì thêm."

    def __init__(self, *, end_reason: str) -> None:
        super().__init__("Nothing is left to end.", end_reason=end_reason)


class LastIdentifier(AppError):
    """Without this number nobody would find the record again."""

    kind = Kind.PRECONDITION
    reason = "LAST_IDENTIFIER"
    vi = "Đây là số duy nhất tìm ra hồ sơ này; hãy thêm số đúng trước khi gỡ số sai."

    def __init__(self) -> None:
        super().__init__("Add the right number first.")


class NotTemporary(AppError):
    """The record is no temporary one, or it is known already who it is."""

    kind = Kind.PRECONDITION
    reason = "NOT_TEMPORARY"
    vi = "Hồ sơ này không phải hồ sơ tạm, hoặc đã được thay; hãy mở hồ sơ chính."

    def __init__(self) -> None:
        super().__init__("Read the citizen; a record is replaced once.")
