"""Maps typed errors to gRPC statuses and back; the only module that knows gRPC codes."""

from __future__ import annotations

from typing import NoReturn, Protocol

import grpc
from google.protobuf import any_pb2
from google.rpc import (  # type: ignore[import-untyped]  # it ships no types
    error_details_pb2,
    status_pb2,
)

from chassis.errors import (
    AppError,
    DeadlinePassed,
    Kind,
    MessageTooLarge,
    MethodNotOffered,
    Overloaded,
    PeerUnavailable,
    RemoteError,
)

MESSAGE_BYTES_MAX = 1 << 20
DETAILS_KEY = "grpc-status-details-bin"
# The trailers share the client's metadata limit of 8 kB, and Base64 makes four bytes of three.
_DETAILS_BYTES_MAX = 4_096
_MESSAGE_CHARS_MAX = 512

_CODE_OF = {
    Kind.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Kind.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.ABORTED: grpc.StatusCode.ABORTED,
    Kind.PERMISSION: grpc.StatusCode.PERMISSION_DENIED,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
    Kind.OUT_OF_RANGE: grpc.StatusCode.OUT_OF_RANGE,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
}
_KIND_OF = {code: kind for kind, code in _CODE_OF.items()}
_NUMBER_OF = {code: int(code.value[0]) for code in grpc.StatusCode}


class WireError(Protocol):
    """The parts of a grpc.aio.AioRpcError that are read here."""

    def code(self) -> grpc.StatusCode:
        """The status code."""

    def details(self) -> str | None:
        """The status message."""

    def trailing_metadata(self) -> object:
        """Pairs of key and value."""


class Abortable(Protocol):
    """The part of a grpc.aio.ServicerContext that ends a call."""

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: tuple[tuple[str, bytes], ...] = ()
    ) -> NoReturn:
        """Raise the transport's own exception."""


def code_of(kind: Kind) -> grpc.StatusCode:
    """The gRPC code a kind travels as."""
    return _CODE_OF[kind]


def encode(error: AppError, *, domain: str) -> tuple[grpc.StatusCode, str, bytes]:
    """The status code, message and serialised google.rpc.Status of an error.

    Args:
        error: The typed error; a RemoteError keeps the domain it came with.
        domain: The service that answers.
    """
    code = _CODE_OF[error.kind]
    message = error.message[:_MESSAGE_CHARS_MAX]
    status = status_pb2.Status(code=_NUMBER_OF[code], message=message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=error.domain or domain)
    localized = error_details_pb2.LocalizedMessage(locale="vi", message=error.vi[:_MESSAGE_CHARS_MAX])
    rest = [localized]
    if error.field:
        path = error.field[:_MESSAGE_CHARS_MAX]
        violation = error_details_pb2.BadRequest.FieldViolation(field=path)
        rest.append(error_details_pb2.BadRequest(field_violations=[violation]))
    room = _DETAILS_BYTES_MAX - sum(message.ByteSize() for message in rest)
    for name, value in error.facts.items():
        room -= len(name.encode()) + len(value.encode())
        if room < 0:
            break  # an error with fewer facts is better than one that gRPC drops whole
        info.metadata[name] = value
    for detail in (info, *rest):
        _pack(status, detail)
    return code, message, status.SerializeToString()


async def abort(context: Abortable, error: AppError, *, domain: str) -> NoReturn:
    """End the call with the error; raises the transport's own exception."""
    code, message, details = encode(error, domain=domain)
    await context.abort(code, message, ((DETAILS_KEY, details),))


def decode(error: WireError, *, peer: str) -> AppError:
    """The typed error a failed call stands for.

    Args:
        error: What the transport raised.
        peer: The service that was called.
    Returns:
        A RemoteError when the peer said why; else the transport's own trouble as one of our classes.
    """
    for key, value in error.trailing_metadata() or ():  # type: ignore[attr-defined]  # grpc's Metadata or pairs
        if key == DETAILS_KEY and isinstance(value, bytes):
            remote = _remote(error.code(), value)
            if remote is not None:
                return remote
    return _transport_error(error.code(), peer)


def _remote(code: grpc.StatusCode, details: bytes) -> RemoteError | None:
    try:
        status = status_pb2.Status.FromString(details)
    except Exception:  # protobuf's DecodeError differs by backend; a foreign trailer is no reason to fail
        return None
    info = error_details_pb2.ErrorInfo()
    localized = error_details_pb2.LocalizedMessage()
    bad = error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, localized, bad):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    if not info.reason:
        return None
    return RemoteError(
        status.message,
        kind=_KIND_OF.get(code, Kind.INTERNAL),
        reason=info.reason,
        vi=localized.message or AppError.vi,
        field=bad.field_violations[0].field if bad.field_violations else None,
        facts=info.metadata,
        domain=info.domain,
    )


def _transport_error(code: grpc.StatusCode, peer: str) -> AppError:
    """What a status without ErrorInfo means: it was written by gRPC itself, not by the peer's code."""
    if code is grpc.StatusCode.UNAVAILABLE:
        return PeerUnavailable(peer)
    if code is grpc.StatusCode.CANCELLED:
        # We did not cancel: the peer's cap on pending calls did, or its drain.
        return Overloaded(peer)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlinePassed()
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return MethodNotOffered(peer)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        # What gRPC itself says of a message or metadata above the limit, on either side.
        return MessageTooLarge(MESSAGE_BYTES_MAX)
    kind = _KIND_OF.get(code, Kind.INTERNAL)
    return RemoteError(
        "The transport ended the call without a reason.",
        kind=kind,
        reason=f"TRANSPORT_{code.name}",
        vi=AppError.vi,
        facts={"service": peer},
        domain=peer,
    )


def _pack(status: status_pb2.Status, message: object) -> None:
    detail = any_pb2.Any()
    detail.Pack(message)  # type: ignore[arg-type]  # googleapis-common-protos ships no types
    status.details.append(detail)
