"""What identity refuses: one class for one reason.

AppError
├── InvalidArgument ── CitizenNameMalformed, IdentifierKindRequired, PlaceRequired, PlaceAmbiguous, VintageUnknown,
│                      WardCodeMalformed, IdentifierFormWrong, IdentifierSystemUnknown, IdentifierDatesWrong
├── CitizenNotFound
├── RegisterUnavailable
└── RegisterRefusedRequest
"""

from __future__ import annotations

from chassis.errors import AppError, InvalidArgument, Kind


class CitizenNotFound(AppError):
    """Nobody here has that id or identifier."""

    kind = Kind.NOT_FOUND
    reason = "CITIZEN_NOT_FOUND"
    vi = "Không tìm thấy người này; hãy quét thẻ căn cước để đăng ký."

    def __init__(self) -> None:
        super().__init__("Scan the citizen card to register the person.")


class CitizenNameMalformed(InvalidArgument):
    """A resource name is not "citizens/{citizen}"."""

    reason = "CITIZEN_NAME_MALFORMED"
    vi = "Tên tài nguyên phải có dạng citizens/{mã}; hãy kiểm tra phần mềm gọi."

    def __init__(self) -> None:
        super().__init__('Send a name of the form "citizens/{citizen}".', field="name")


class IdentifierKindRequired(InvalidArgument):
    """A look-up does not say what kind of number it holds."""

    reason = "IDENTIFIER_KIND_REQUIRED"
    vi = "Chưa chọn loại giấy tờ của số cần tra; hãy chọn rồi tra lại."

    def __init__(self) -> None:
        super().__init__("Say what kind of number it is.", field="kind")


class IdentifierFormWrong(InvalidArgument):
    """A number does not have the form of the kind that was named with it."""

    reason = "IDENTIFIER_FORM_WRONG"
    vi = "Số không đúng dạng của loại giấy tờ đã chọn; hãy kiểm tra lại."

    def __init__(self) -> None:
        super().__init__("Check the number and its kind.", field="value")


class IdentifierSystemUnknown(InvalidArgument):
    """The system of a number is none that we have a name for."""

    reason = "IDENTIFIER_SYSTEM_UNKNOWN"
    vi = (
        "Hệ thống mã định danh này chưa được khai báo; hãy chọn loại giấy tờ hoặc báo quản trị khai báo thêm."
    )

    def __init__(self) -> None:
        super().__init__("Send kind, or a system of the alias table; a site may add its own.", field="system")


class IdentifierDatesWrong(InvalidArgument):
    """A day of validity is no day, or the last lies before the first."""

    reason = "IDENTIFIER_DATES_WRONG"
    vi = "Ngày hiệu lực không hợp lệ; hãy nhập theo dạng năm-tháng-ngày, ngày cuối không trước ngày đầu."

    def __init__(self, field: str) -> None:
        super().__init__("Send YYYY-MM-DD; the last day is not before the first.", field=field)


class PlaceRequired(InvalidArgument):
    """Neither an address nor a code was given."""

    reason = "PLACE_REQUIRED"
    vi = "Chưa có địa chỉ hoặc mã xã; hãy nhập một trong hai."

    def __init__(self) -> None:
        super().__init__("Send text, or ward_code with vintage.", field="text")


class PlaceAmbiguous(InvalidArgument):
    """An address and a code were given at once and may contradict each other."""

    reason = "PLACE_GIVEN_TWICE"
    vi = "Chỉ được gửi địa chỉ hoặc mã xã, không gửi cả hai."

    def __init__(self) -> None:
        super().__init__("Send either text, or ward_code with vintage.", field="ward_code")


class VintageUnknown(InvalidArgument):
    """A code came without the vintage that gives it a meaning, or with one that does not exist."""

    reason = "VINTAGE_UNKNOWN"
    vi = "Mã xã cần kèm thời kỳ before-2025-07 hoặc from-2025-07; hãy bổ sung."

    def __init__(self) -> None:
        super().__init__('Send vintage "before-2025-07" or "from-2025-07" with the code.', field="vintage")


class WardCodeMalformed(InvalidArgument):
    """A commune code is not five digits."""

    reason = "WARD_CODE_MALFORMED"
    vi = "Mã xã phải có 5 chữ số; hãy kiểm tra lại."

    def __init__(self) -> None:
        super().__init__("A commune code has five digits.", field="ward_code")


class RegisterUnavailable(AppError):
    """The population register was not heard; care goes on unverified and the check is repeated. Never leaves here."""

    kind = Kind.UNAVAILABLE
    reason = "REGISTER_UNAVAILABLE"
    vi = "Chưa kết nối được Cơ sở dữ liệu quốc gia về dân cư; hệ thống sẽ tự kiểm tra lại."

    def __init__(self, cause: str) -> None:
        super().__init__("Admit the person unverified; the check is repeated by itself.", cause=cause)
        self.cause = cause
        """UPPER_SNAKE, such as REGISTER_TIMEOUT; shown to the clerk as degraded_reason."""


class RegisterRefusedRequest(AppError):
    """The population register calls our request malformed: repeating it cannot help. Never leaves here."""

    kind = Kind.INTERNAL
    reason = "REGISTER_REFUSED_REQUEST"
    vi = "Cơ sở dữ liệu quốc gia về dân cư từ chối yêu cầu; hãy báo cho quản trị hệ thống."

    def __init__(self) -> None:
        super().__init__("Compare our request with the register's description.")
