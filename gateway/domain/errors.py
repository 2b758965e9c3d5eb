"""Refusals that the gateway itself makes; those of the services pass through unchanged."""

from __future__ import annotations

from chassis.errors import AppError, Kind, Unauthenticated


class AdmissionNotRecorded(AppError):
    """The visit could not be opened, so there is no queue ticket; whatever else was done is kept."""

    kind = Kind.UNAVAILABLE
    reason = "VISIT_LEG_FAILED"
    vi = "Chưa mở được lượt khám; hãy gửi lại đúng yêu cầu này (cùng request_id), không có gì bị trùng."

    def __init__(self, cause_reason: str) -> None:
        super().__init__(
            "The visit was not opened; send the same request again with the same request_id.",
            cause=cause_reason,
        )


class FacilityMissing(AppError):
    """The caller's token names no facility, so nobody can be admitted; as emr_svc says it."""

    kind = Kind.PERMISSION
    reason = "FACILITY_MISSING"
    vi = "Tài khoản chưa gắn với cơ sở khám chữa bệnh nào; hãy liên hệ quản trị."

    def __init__(self) -> None:
        super().__init__("Sign in with an account of a facility.")


class RoomMalformed(AppError):
    """A room is not 1 to 16 characters of A-Z, 0-9 and hyphen; as emr_svc says it."""

    kind = Kind.INVALID_ARGUMENT
    reason = "ROOM_MALFORMED"
    vi = "Tên phòng gồm 1 đến 16 ký tự A-Z, 0-9 và dấu gạch."

    def __init__(self) -> None:
        super().__init__("Name the room with 1 to 16 characters of A-Z, 0-9 and hyphen.", field="room")


class TextTooLong(AppError):
    """A text is longer than its limit; as emr_svc says it."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TEXT_TOO_LONG"
    vi = "Nội dung quá dài; hãy rút gọn."

    def __init__(self, field: str, max_chars: int) -> None:
        super().__init__("Shorten the text.", field=field, max_chars=max_chars)


class VisitNameMalformed(AppError):
    """A visit is named visits/ and 32 hexadecimal characters."""

    kind = Kind.INVALID_ARGUMENT
    reason = "VISIT_NAME_MALFORMED"
    vi = "Tên lượt khám không đúng dạng visits/ và 32 ký tự thập lục phân."

    def __init__(self, field: str) -> None:
        super().__init__("Give the visit as visits/ and 32 lower-case hexadecimal characters.", field=field)


class TraceNotFound(AppError):
    """No span of the journey is kept here."""

    kind = Kind.NOT_FOUND
    reason = "TRACE_NOT_FOUND"
    vi = "Không tìm thấy hành trình với mã này; có thể đã quá hạn lưu."

    def __init__(self) -> None:
        super().__init__("No trace with this code is kept; it may be older than the span store.")


class TraceStoreOff(AppError):
    """The suite exports its spans elsewhere and keeps none here."""

    kind = Kind.PRECONDITION
    reason = "TRACE_STORE_OFF"
    vi = "Hệ thống không lưu hành trình tại chỗ; hãy xem trong công cụ theo dõi của tỉnh."

    def __init__(self) -> None:
        super().__init__(
            "Spans are not kept here; look in the collector that OTEL_EXPORTER_OTLP_ENDPOINT names."
        )


class SignInUnavailable(Unauthenticated):
    """The issuer's keys could not be fetched yet, so no token can be checked."""

    kind = Kind.UNAVAILABLE
    reason = "SIGN_IN_UNAVAILABLE"
    vi = "Chưa kết nối được hệ thống đăng nhập; hãy thử lại sau ít giây."

    def __init__(self) -> None:
        super().__init__("The issuer's keys are not here yet; try again in some seconds.")


class StatementHeaderMissing(AppError):
    """The first message of an import carries the header."""

    kind = Kind.INVALID_ARGUMENT
    reason = "STATEMENT_HEADER_MISSING"
    vi = "Thiếu thông tin đầu tệp sao kê (request_id, format, account)."

    def __init__(self, field: str) -> None:
        super().__init__("Send the header with request_id, format and account first.", field=field)
