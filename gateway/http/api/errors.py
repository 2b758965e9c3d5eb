"""Typed errors as HTTP status and JSON."""

from __future__ import annotations

import json

from aiohttp import web

from chassis.errors import AppError, Kind

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
        super().__init__("Send JSON as /openapi.json describes it.", field=field)


class UnknownParameter(AppError):
    """A query parameter that the method does not have."""

    kind = Kind.INVALID_ARGUMENT
    reason = "UNKNOWN_PARAMETER"
    vi = "Có tham số không được hỗ trợ trong địa chỉ; xem mô tả tại /openapi.json."

    def __init__(self, field: str) -> None:
        super().__init__("Leave the unknown parameter out; /openapi.json lists the known ones.", field=field)


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
