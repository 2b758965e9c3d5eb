"""The typed errors of the suite: a kind, a stable reason, advice in English and Vietnamese, and facts.

AppError
├── InvalidArgument ── UnknownEnumValue, RequestIdRequired, RequestIdMalformed, MessageTooLarge
├── RequestIdReused
├── DeadlineError ── DeadlineRequired, DeadlineTooShort, DeadlinePassed
├── Unauthenticated ── TokenMissing, TokenExpired, TokenRefused, TokenIssuerRefused
├── PermissionDenied ── RoleNotAllowed, MethodWithoutPolicy, OtherFacility
├── Overloaded
├── PeerUnavailable
├── MethodNotOffered
├── Internal
└── RemoteError          (an error that came over the wire, with its origin's reason)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import ClassVar

_FACT_CHARS_MAX = 256


class Kind(Enum):
    """What sort of failure it is; chassis.rpc.errors maps each to one gRPC code."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PRECONDITION = "PRECONDITION"
    ABORTED = "ABORTED"
    PERMISSION = "PERMISSION"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    UNAVAILABLE = "UNAVAILABLE"
    EXHAUSTED = "EXHAUSTED"
    DEADLINE = "DEADLINE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    INTERNAL = "INTERNAL"


class AppError(Exception):
    """A failure with a name: the only thing that leaves a service with its text.

    Args:
        message: English advice to the reader; no personal data.
        field: The request field at fault, as a path such as `items[2].code`.
        facts: Values a program may read; names never change, values never hold personal data.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL
    reason: ClassVar[str] = "INTERNAL"
    vi: ClassVar[str] = "Hệ thống gặp lỗi; hãy thử lại sau."

    def __init__(self, message: str, *, field: str | None = None, **facts: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts: dict[str, str] = {name: str(value)[:_FACT_CHARS_MAX] for name, value in facts.items()}
        self.domain = ""

    def __str__(self) -> str:
        """The reason and the advice, for logs of our own process."""
        return f"{self.reason}: {self.message}"


class RemoteError(AppError):
    """An error another service answered with; the next edge passes it on unchanged."""

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        reason: str,
        vi: str,
        field: str | None = None,
        facts: Mapping[str, str] | None = None,
        domain: str = "",
    ) -> None:
        super().__init__(message, field=field)
        self.facts = dict(facts or {})
        # Class attributes everywhere else; here they are the origin's, one set per instance.
        vars(self).update(kind=kind, reason=reason, vi=vi)
        self.domain = domain


class InvalidArgument(AppError):
    """A request that cannot be right whatever the state of the system; `reason` and `vi` may be given."""

    kind = Kind.INVALID_ARGUMENT
    reason = "INVALID_ARGUMENT"
    vi = "Thông tin gửi lên chưa hợp lệ; hãy kiểm tra lại trường được nêu."

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        reason: str | None = None,
        vi: str | None = None,
        **facts: str | int,
    ) -> None:
        super().__init__(message, field=field, **facts)
        # A format has one reason per rule (chassis.errors.from_format_error), too many for a class each.
        vars(self).update({k: v for k, v in (("reason", reason), ("vi", vi)) if v is not None})


class UnknownEnumValue(InvalidArgument):
    """A request holds an enum number this server does not know; proto3 lets such numbers through."""

    reason = "UNKNOWN_ENUM_VALUE"
    vi = "Giá trị lựa chọn không được hỗ trợ; hãy cập nhật phần mềm hoặc chọn giá trị khác."

    def __init__(self, field: str, number: int) -> None:
        super().__init__("Send one of the enum values this version names.", field=field, number=number)


class MessageTooLarge(InvalidArgument):
    """A request is larger than the server takes."""

    reason = "MESSAGE_TOO_LARGE"
    vi = "Nội dung gửi lên quá lớn; hãy chia nhỏ rồi gửi lại."

    def __init__(self, max_bytes: int) -> None:
        super().__init__("Send smaller messages.", max_bytes=max_bytes)


class RequestIdRequired(InvalidArgument):
    """A write came without its request_id, so repeating it could do it twice."""

    reason = "REQUEST_ID_REQUIRED"
    vi = "Thiếu mã yêu cầu (request_id); hãy gửi kèm một UUID để thao tác không bị lặp."

    def __init__(self) -> None:
        super().__init__("Send a fresh UUID in request_id and keep it for repeats.", field="request_id")


class RequestIdMalformed(InvalidArgument):
    """A request_id is not a UUID."""

    reason = "REQUEST_ID_MALFORMED"
    vi = "Mã yêu cầu (request_id) sai định dạng; hãy dùng UUID."

    def __init__(self) -> None:
        super().__init__("Send request_id as a UUID of 36 characters.", field="request_id")


class RequestIdReused(AppError):
    """The same request_id came back with another body."""

    kind = Kind.ALREADY_EXISTS
    reason = "REQUEST_ID_REUSED"
    vi = "Mã yêu cầu đã được dùng cho một nội dung khác; hãy tạo mã mới."

    def __init__(self) -> None:
        super().__init__("Use a fresh request_id for another body.", field="request_id")


class DeadlineError(AppError):
    """The time allowed for a call is missing, too short or over."""

    kind = Kind.DEADLINE
    reason = "DEADLINE"
    vi = "Hết thời gian chờ; hãy kiểm tra kết quả trước khi gửi lại."


class DeadlineRequired(DeadlineError):
    """A call came without a deadline."""

    kind = Kind.INVALID_ARGUMENT
    reason = "DEADLINE_REQUIRED"
    vi = "Yêu cầu không có thời hạn chờ; hãy đặt thời hạn rồi gửi lại."

    def __init__(self) -> None:
        super().__init__("Set a deadline on every call.")


class DeadlineTooShort(DeadlineError):
    """Too little of the deadline is left to begin anything."""

    reason = "DEADLINE_TOO_SHORT"
    vi = "Thời gian còn lại không đủ để xử lý; hãy thử lại với thời hạn dài hơn."

    def __init__(self, left_ms: int, needed_ms: int) -> None:
        super().__init__(
            "Repeat the call with a longer deadline; nothing was started.",
            left_ms=max(left_ms, 0),
            needed_ms=needed_ms,
        )


class DeadlinePassed(DeadlineError):
    """The deadline passed while the call was under way; its outcome is unknown."""

    reason = "DEADLINE_PASSED"

    def __init__(self) -> None:
        super().__init__("The outcome is unknown: read the state, or repeat with the same request_id.")


class Unauthenticated(AppError):
    """Nobody vouches for the caller."""

    kind = Kind.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"
    vi = "Chưa xác thực; hãy đăng nhập lại."

    def __init__(self, message: str = "Sign in and repeat the call.", **facts: str | int) -> None:
        super().__init__(message, field=None, **facts)


class TokenMissing(Unauthenticated):
    """A call came without a token."""

    reason = "TOKEN_MISSING"
    vi = "Thiếu mã phiên làm việc; hãy đăng nhập lại."


class TokenExpired(Unauthenticated):
    """The token of a call has ended."""

    reason = "TOKEN_EXPIRED"
    vi = "Phiên làm việc đã hết hạn; hãy đăng nhập lại."


class TokenRefused(Unauthenticated):
    """The token is malformed, signed by nobody we know, or meant for somebody else."""

    reason = "TOKEN_REFUSED"
    vi = "Mã phiên làm việc không hợp lệ; hãy đăng nhập lại."


class TokenIssuerRefused(Unauthenticated):
    """A service vouched for a person; only the gateway may."""

    reason = "TOKEN_ISSUER_REFUSED"
    vi = "Mã phiên làm việc do hệ thống không có thẩm quyền cấp; hãy đăng nhập lại."


class PermissionDenied(AppError):
    """The caller is known and may not do this."""

    kind = Kind.PERMISSION
    reason = "PERMISSION_DENIED"
    vi = "Tài khoản không có quyền thực hiện thao tác này."

    def __init__(self, message: str = "Ask somebody who holds the right.", **facts: str | int) -> None:
        super().__init__(message, field=None, **facts)


class RoleNotAllowed(PermissionDenied):
    """None of the caller's roles is on the method's list."""

    reason = "ROLE_NOT_ALLOWED"
    vi = "Vai trò của tài khoản không được phép thực hiện thao tác này."


class MethodWithoutPolicy(PermissionDenied):
    """A method declares no access rule, so nobody may call it."""

    reason = "METHOD_WITHOUT_POLICY"
    vi = "Chức năng chưa được mở; hãy báo cho quản trị hệ thống."

    def __init__(self) -> None:
        super().__init__("Declare the access option of this method in its .proto file.")


class OtherFacility(PermissionDenied):
    """The thing belongs to another facility than the caller's."""

    reason = "OTHER_FACILITY"
    vi = "Dữ liệu thuộc cơ sở khác; tài khoản không có quyền truy cập."

    def __init__(self) -> None:
        super().__init__("Ask the facility that owns it.")


class Overloaded(AppError):
    """The server has more work than it takes; nothing was started."""

    kind = Kind.UNAVAILABLE
    reason = "OVERLOADED"
    vi = "Hệ thống đang quá tải; hãy thử lại sau ít giây."

    def __init__(self, service: str) -> None:
        super().__init__("Nothing was started; repeat after a short wait.", service=service)


class PeerUnavailable(AppError):
    """Another service could not be reached or went away during the call; the outcome is unknown."""

    kind = Kind.UNAVAILABLE
    reason = "PEER_UNAVAILABLE"
    vi = "Dịch vụ nội bộ tạm thời không kết nối được; hãy thử lại sau ít giây."

    def __init__(self, service: str) -> None:
        super().__init__("Repeat later with the same request_id.", service=service)


class MethodNotOffered(AppError):
    """The peer does not know the method: it runs an older version."""

    kind = Kind.INTERNAL
    reason = "METHOD_NOT_OFFERED"
    vi = "Các dịch vụ đang chạy phiên bản không khớp; hãy báo cho quản trị hệ thống."

    def __init__(self, service: str) -> None:
        super().__init__("Bring the services to matching versions.", service=service)


class Internal(AppError):
    """A mistake of ours; the trace id leads to it, no text leaves."""

    kind = Kind.INTERNAL
    reason = "INTERNAL"
    vi = "Hệ thống gặp lỗi; hãy báo mã vết cho quản trị hệ thống."

    def __init__(self, trace_id: str = "") -> None:
        facts: dict[str, str | int] = {"trace_id": trace_id} if trace_id else {}
        super().__init__("Tell the operator the trace id.", field=None, **facts)


def from_format_error(error: BaseException) -> InvalidArgument | None:
    """An InvalidArgument of a published format's error (`.reason`, `.vi`, `.field`), or None for others.

    `standards` knows nothing of services, so its errors are recognised by their shape. Of their texts only the class's
    own `en` and `vi` go on, which quote no input; `str()` of a stranger's error may.
    """
    reason = getattr(error, "reason", None)
    vi = getattr(error, "vi", None)
    field = getattr(error, "field", None)
    if isinstance(error, AppError) or not isinstance(reason, str) or not isinstance(vi, str):
        return None
    advice = getattr(type(error), "en", "Correct the field; the reason names the broken rule.")
    return InvalidArgument(
        str(advice),
        field=field if isinstance(field, str) and field else None,
        reason=reason,
        vi=vi,
    )


# When several children of a fan-out fail, the caller hears of the one that time will not mend.
_LAST_TO_TELL = (Kind.UNAVAILABLE, Kind.DEADLINE, Kind.EXHAUSTED, Kind.ABORTED)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group, depth first; a plain exception is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for child in error.exceptions:
            yield from leaves(child)
    else:
        yield error


def typed(error: BaseException) -> AppError | None:
    """The AppError an exception or group stands for: a lasting one first, UNAVAILABLE last, None if none."""
    found = [e for leaf in leaves(error) if (e := _as_app_error(leaf)) is not None]
    if not found:
        return None
    return min(found, key=lambda e: _LAST_TO_TELL[::-1].index(e.kind) + 1 if e.kind in _LAST_TO_TELL else 0)


def _as_app_error(error: BaseException) -> AppError | None:
    if isinstance(error, AppError):
        return error
    if isinstance(error, TimeoutError):
        return DeadlinePassed()
    return from_format_error(error)
