"""The server side of every call, in one fixed order, for both transports.

    span -> error mapping -> deadline -> authentication -> access policy -> request checks -> handler

A transport hands over the request, the metadata and the time left; it gets a response or an AppError.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from typing import Any

import structlog

from chassis.errors import (
    AppError,
    DeadlineRequired,
    DeadlineTooShort,
    Internal,
    InvalidArgument,
    MethodWithoutPolicy,
    RoleNotAllowed,
    TokenMissing,
    leaves,
    typed,
)
from chassis.rpc.access import method_descriptor, policy_of
from chassis.rpc.binding import ServiceBinding
from chassis.rpc.checks import RequestChecks, check_request_id, has_request_id
from chassis.rpc.context import NOBODY, Call, Caller, Isolated, enter_call, isolated_stream
from chassis.rpc.errors import code_of
from chassis.rpc.tokens import Authenticator
from chassis.telemetry import Span, Telemetry
from chassis.telemetry.logs import describe_error
from chassis.telemetry.metrics import Metrics

LEFT_MS_MIN = 100
OK = "OK"
CANCELLED = "CANCELLED"
AUTHORIZATION_KEY = "authorization"
TRACEPARENT_KEY = "traceparent"
SERVICE_KEY = "x-lt-service"
_BEARER = "Bearer "

_log = structlog.get_logger("chassis.rpc")

Metadata = Iterable[tuple[str, str | bytes]]


TraceIdOf = Callable[[str, Any], int | str | None]
"""From full method and request to the trace a call belongs to, None for a new one."""  # Any: its message


class Unread:
    """Stands for request bytes that were not read; refused inside the pipeline, so with a reason."""

    def __init__(self, refusal: Callable[[], AppError]) -> None:
        self.refusal = refusal


def malformed() -> AppError:
    """The refusal of bytes that are not the message."""
    return InvalidArgument("Send the message the .proto describes.", reason="MALFORMED_MESSAGE")


MALFORMED = Unread(malformed)


class Inbound:
    """One call as its transport delivered it; handed to handlers as their `context`."""

    __slots__ = ("left_s", "metadata", "peer_service")

    def __init__(self, metadata: Metadata, left_s: float | None, peer_service: str = "") -> None:
        # Positional on purpose: built once per call on the hot path.
        self.metadata = metadata
        self.left_s = left_s
        self.peer_service = peer_service

    def time_remaining(self) -> float | None:
        """Seconds the deadline left when the call arrived, None without a deadline."""
        return self.left_s


Unary = Callable[
    [Any, Inbound], Coroutine[Any, Any, Any]
]  # Any here and below: each method has its own messages
Stream = Callable[[Any, Inbound], AsyncGenerator[Any, None]]


class Method:
    """One method with its wrapped handler."""

    __slots__ = (
        "check", "full_name", "handler", "has_request_id", "policy",
        "request_streaming", "response_streaming", "stream", "unary",
    )  # fmt: skip

    def __init__(self, full_name: str, handler: Any, checks: RequestChecks) -> None:
        self.full_name = full_name
        self.handler = handler
        self.policy = policy_of(full_name)
        self.request_streaming: bool = handler.request_streaming
        self.response_streaming: bool = handler.response_streaming
        descriptor = method_descriptor(full_name)
        self.check = None if descriptor is None else checks.compile(descriptor.input_type)
        self.has_request_id = descriptor is not None and has_request_id(descriptor.input_type)
        self.unary: Unary
        """Set when the response is one message."""
        self.stream: Stream
        """Set when the response is a stream."""


class Dispatcher:
    """The methods of one server behind the pipeline.

    Args:
        service_name: The domain of errors that leave here, such as `identity`.
        bindings: What `chassis.rpc.binding.collect` gave.
        verifier: Checks the tokens.
        telemetry: Makes the spans.
        metrics: Counts the calls; None counts nothing.
        trace_id_of: Given at the gateway's front alone: every call begins a trace, the one this function
            names or a new one, and the client's own is kept as a link.
    """

    def __init__(
        self,
        service_name: str,
        bindings: Sequence[ServiceBinding],
        *,
        verifier: Authenticator,
        telemetry: Telemetry,
        metrics: Metrics | None = None,
        trace_id_of: TraceIdOf | None = None,
    ) -> None:
        self.service_name = service_name
        self._verifier = verifier
        self._telemetry = telemetry
        self._metrics = metrics
        self._trace_id_of = trace_id_of
        self.methods: dict[str, Method] = {}
        checks = RequestChecks()
        for binding in bindings:
            for name, handler in binding.handlers.items():
                method = Method(f"/{binding.service}/{name}", handler, checks)
                self._wrap(method)
                self.methods[method.full_name] = method

    def count_in(self, metrics: Metrics) -> None:
        """Count and time the calls from now on."""
        self._metrics = metrics

    def _wrap(self, method: Method) -> None:
        handler = method.handler
        if method.response_streaming:
            method.stream = self._stream(method, handler.stream_stream or handler.unary_stream)
        else:
            method.unary = self._unary(method, handler.stream_unary or handler.unary_unary)

    def call(self, full_method: str, request: Any, *, metadata: Metadata, left_s: float) -> Awaitable[Any]:
        """Serve one call of another front, such as HTTP, in a context of its own.

        Args:
            full_method: A key of `methods`, with one response.
            request: The method's message, or an async iterator of them.
            metadata: Pairs in lower case; `authorization` holds `Bearer <token>`.
            left_s: Deadline, seconds from now; the caller enforces it with asyncio.timeout.
        Raises:
            AppError: and nothing else but cancellation.
        """
        return Isolated(self.methods[full_method].unary(request, Inbound(metadata, left_s)))

    def call_stream(
        self, full_method: str, request: Any, *, metadata: Metadata, left_s: float
    ) -> AsyncGenerator[Any, None]:
        """As `call`, for a method with a stream of responses."""
        return isolated_stream(self.methods[full_method].stream(request, Inbound(metadata, left_s)))

    def _unary(self, method: Method, handler: Callable[[Any, Any], Awaitable[Any]]) -> Unary:
        begin, admit, count = self._begin, self._admit, self._count

        async def call(request: Any, inbound: Inbound) -> Any:
            started_s = time.perf_counter()
            with begin(method, request, inbound) as span:
                try:
                    request = admit(method, request, inbound)
                    response = await handler(request, inbound)
                except Exception as error:
                    left = self._left_as(error, method, span)
                    count(method, code_of(left.kind).name, started_s)
                    raise left from error
                except BaseException:
                    count(method, CANCELLED, started_s)
                    raise
                count(method, OK, started_s)
                return response

        return call

    def _stream(self, method: Method, handler: Callable[[Any, Any], AsyncIterator[Any]]) -> Stream:
        async def call(request: Any, inbound: Inbound) -> AsyncGenerator[Any, None]:
            started_s = time.perf_counter()
            with self._begin(method, request, inbound) as span:
                try:
                    request = self._admit(method, request, inbound)
                    async with aclosing(handler(request, inbound)) as responses:  # type: ignore[type-var]
                        # Every stream handler is an async generator, which has aclose; the Protocol has not.
                        async for response in responses:
                            yield response
                except Exception as error:
                    left = self._left_as(error, method, span)
                    self._count(method, code_of(left.kind).name, started_s)
                    raise left from error
                except BaseException:
                    self._count(method, CANCELLED, started_s)
                    raise
                self._count(method, OK, started_s)

        return call

    def _count(self, method: Method, code: str, started_s: float) -> None:
        if self._metrics is not None:
            self._metrics.rpc_handled(method.full_name, code, time.perf_counter() - started_s)

    def _begin(self, method: Method, request: Any, inbound: Inbound) -> Span:
        """The span of a call, below the caller's; at the gateway's front beside it."""
        parent = ""
        for key, value in inbound.metadata:
            if key == TRACEPARENT_KEY and isinstance(value, str):
                parent = value
        if self._metrics is not None:
            self._metrics.rpc_started(method.full_name)
        name = method.full_name[1:]
        if self._trace_id_of is None:
            return self._telemetry.span(name, kind="server", parent=parent)
        single = not method.request_streaming and not isinstance(request, Unread)
        trace_id = self._trace_id_of(method.full_name, request) if single else None
        span = self._telemetry.span(name, kind="server", trace_id=trace_id, parent="")
        if parent:
            span.link(parent)
        return span

    def _admit(self, method: Method, request: Any, inbound: Inbound) -> Any:
        """Everything before the handler; enters the call into the context and returns the request."""
        left_s = inbound.left_s
        if left_s is None:
            raise DeadlineRequired
        if left_s * 1000 < LEFT_MS_MIN:
            raise DeadlineTooShort(int(left_s * 1000), LEFT_MS_MIN)
        caller = self._caller(method, inbound)
        request_id = ""
        if method.request_streaming:
            request = self._checked_stream(method, request)
        else:
            request_id = self._check(method, request)
        enter_call(Call(caller, time.monotonic() + left_s, method.full_name, request_id))
        return request

    def _caller(self, method: Method, inbound: Inbound) -> Caller:
        policy = method.policy
        if policy is None:
            raise MethodWithoutPolicy
        token = service = ""
        for key, value in inbound.metadata:
            if key == AUTHORIZATION_KEY and isinstance(value, str):
                token = value.removeprefix(_BEARER)
            elif key == SERVICE_KEY and isinstance(value, str):
                service = value
        if not token:
            if policy.public:
                return NOBODY
            raise TokenMissing
        caller = self._verifier.verify(token)
        if not policy.public and policy.roles.isdisjoint(caller.roles):
            raise RoleNotAllowed
        service = inbound.peer_service or service
        if service != caller.service:
            caller = Caller(
                subject=caller.subject,
                roles=caller.roles,
                facility=caller.facility,
                purpose=caller.purpose,
                token=caller.token,
                service=service,
            )
        return caller

    def _check(self, method: Method, request: Any) -> str:
        if isinstance(request, Unread):
            raise request.refusal()
        if method.check is not None:
            method.check(request)
        if not method.has_request_id:
            return ""
        request_id: str = request.request_id
        check_request_id(request_id)
        return request_id

    async def _checked_stream(self, method: Method, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Each message of a client's stream is checked; its request_id is left to the operation."""
        async for request in requests:
            if isinstance(request, Unread):
                raise request.refusal()
            if method.check is not None:
                method.check(request)
            yield request

    def _left_as(self, error: Exception, method: Method, span: Span) -> AppError:
        """The typed error that leaves; what has no type is logged by kind and place, never by its text."""
        found = typed(error)
        for leaf in leaves(error):
            if typed(leaf) is None and not isinstance(leaf, asyncio.CancelledError):
                _log.error("unexpected error", rpc_method=method.full_name, **describe_error(leaf))
        if found is None:
            found = Internal(span.trace_id)
        found.domain = found.domain or self.service_name
        span.fail(found.reason)
        return found
