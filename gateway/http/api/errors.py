"""Typed errors as HTTP status and JSON."""

from __future__ import annotations

import json
import re

from aiohttp import web

from chassis.errors import AppError, Kind

# A name that may be repeated to the client: an identifier of a program, with too few digits for a person's number.
_NAME = re.compile(r"(?!(?:[^0-9]*[0-9]){5})[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)

STATUS = {
    Kind.INVALID_ARGUMENT: 400,
    Kind.OUT_OF_RANGE: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PERMISSION: 403,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.ABORTED: 409,
    Kind.PRECONDITION: 409,
    Kind.EXHAUSTED: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
    Kind.DEADLINE: 504,
}


class BodyMalformed(AppError):
    """The request is not the JSON of its message."""

    kind = Kind.INVALID_ARGUMENT
    reason = "BODY_MALFORMED"
    vi = "Nội dung gửi lên không đúng định dạng; xem mô tả tại /openapi.json."

    def __init__(self, field: str | None = None) -> None:
        super().__init__("Send JSON as /openapi.json describes it.", field=shown_name(field))


class RequestUnreadable(AppError):
    """What came is not HTTP as we speak it: a broken header, a line without end, an unknown expectation."""

    kind = Kind.INVALID_ARGUMENT
    reason = "REQUEST_UNREADABLE"
    vi = "Không đọc được yêu cầu HTTP; hãy kiểm tra phần mềm hoặc thiết bị trung gian."

    def __init__(self) -> None:
        super().__init__("Send HTTP/1.1 with well-formed headers of at most 16 KiB.")


class UnknownParameter(AppError):
    """A query parameter that the method does not have."""

    kind = Kind.INVALID_ARGUMENT
    reason = "UNKNOWN_PARAMETER"
    vi = "Có tham số không được hỗ trợ trong địa chỉ; xem mô tả tại /openapi.json."

    def __init__(self, field: str) -> None:
        super().__init__(
            "Leave the unknown parameter out; /openapi.json lists the known ones.", field=shown_name(field)
        )


class DeadlineMalformed(AppError):
    """The header with the deadline is not a number of milliseconds."""

    kind = Kind.INVALID_ARGUMENT
    reason = "DEADLINE_MALFORMED"
    vi = "Thời hạn chờ (X-Deadline-Ms) phải là số mili giây."

    def __init__(self, header: str) -> None:
        super().__init__("Give the deadline in whole milliseconds, or leave the header out.", field=header)


class BodyTooLarge(AppError):
    """The body is larger than the front takes."""

    kind = Kind.INVALID_ARGUMENT
    reason = "BODY_TOO_LARGE"
    vi = "Nội dung gửi lên quá lớn."

    def __init__(self, max_bytes: int) -> None:
        super().__init__("Send less in one request.", max_bytes=max_bytes)


class RouteNotFound(AppError):
    """No method stands at this address."""

    kind = Kind.NOT_FOUND
    reason = "ROUTE_NOT_FOUND"
    vi = "Không có chức năng nào ở địa chỉ này; xem /openapi.json."

    def __init__(self) -> None:
        super().__init__("Nothing is served here; /openapi.json lists what is.")


def shown_name(name: str | None) -> str | None:
    """The name of a field or parameter that a client sent, or None when it could be a person's number or name."""
    return name if name is not None and _NAME.fullmatch(name) else None


def error_body(error: AppError) -> dict[str, object]:
    """The JSON object of an error: reason, field and advice in both languages."""
    status = STATUS[error.kind]
    detail: dict[str, object] = {
        "code": status,
        "status": error.kind.value,
        "reason": error.reason,
        "message": error.message,
        "message_vi": error.vi,
        "facts": error.facts,
    }
    if error.field:
        detail["field"] = error.field
    return {"error": detail}


def error_response(error: AppError) -> web.Response:
    """The response of an error."""
    headers = {"Cache-Control": "no-store"}
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.kind in (Kind.UNAVAILABLE, Kind.EXHAUSTED):
        headers["Retry-After"] = "1"
    return web.Response(
        status=STATUS[error.kind],
        text=json.dumps(error_body(error), ensure_ascii=False),
        content_type="application/json",
        headers=headers,
    )
