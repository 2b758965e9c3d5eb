"""Serves every annotated method over HTTP/JSON through the same pipeline as gRPC."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

from aiohttp import web
from google.protobuf import json_format
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chassis.errors import AppError
from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller, acting_as
from gateway.http.api.bindings import HttpBinding, bindings_of, fields_of
from gateway.http.api.errors import (
    BodyMalformed,
    BodyTooLarge,
    DeadlineMalformed,
    UnknownParameter,
    error_body,
)

_BEARER = re.compile(r"Bearer +(\S+)", re.IGNORECASE)
_CHUNK_BYTES = 256 * 1024
_DEADLINE_HEADER = "X-Deadline-Ms"
_FIELD_IN_MESSAGE = re.compile(r'(?:named|parse) "?([\w.\[\]]+)"? (?:at|field)')

Handler = Callable[[web.Request], Any]


class Transcoder:
    """Routes of the HTTP/JSON front.

    Args:
        channel: A local channel to the gateway's own methods: rights, deadlines and errors are the same.
        services: Whose annotated methods are served.
        body_max_bytes: Largest JSON body.
        upload_max_bytes: Largest file as a request body.
    """

    def __init__(
        self,
        channel: Channel,
        services: Sequence[ServiceDescriptor],
        *,
        body_max_bytes: int,
        upload_max_bytes: int,
    ) -> None:
        self._channel = channel
        self._services = services
        self._body_max_bytes = body_max_bytes
        self._upload_max_bytes = upload_max_bytes

    def routes(self) -> list[web.RouteDef]:
        """One route for each annotated method."""
        return [
            web.route(binding.verb, binding.route, self._handler(binding))
            for service in self._services
            for binding in bindings_of(service)
        ]

    def _handler(self, binding: HttpBinding) -> Handler:
        if binding.method.client_streaming:
            return self._upload(binding)
        if binding.method.server_streaming:
            return self._stream(binding)
        return self._unary(binding)

    def _unary(self, binding: HttpBinding) -> Handler:
        call = self._channel.unary_unary(binding.full_name)

        async def handle(request: web.Request) -> web.StreamResponse:
            message = await self._message(binding, request)
            with acting_as(_bearer(request), within_ms=_deadline_ms(binding, request)):
                answer = await call(message)
            return _json_response(answer)

        return handle

    def _stream(self, binding: HttpBinding) -> Handler:
        call = self._channel.unary_stream(binding.full_name)

        async def handle(request: web.Request) -> web.StreamResponse:
            message = await self._message(binding, request)
            response = web.StreamResponse(
                headers={"Content-Type": "application/x-ndjson; charset=utf-8", "Cache-Control": "no-store"}
            )
            with acting_as(_bearer(request), within_ms=_deadline_ms(binding, request)):
                try:
                    async for answer in call(message):
                        if not response.prepared:
                            await response.prepare(request)
                        await response.write(_json_line(answer))
                except AppError as error:
                    if not response.prepared:
                        raise
                    # The status line is gone; the last line tells how the stream ended.
                    line = json.dumps(error_body(error), ensure_ascii=False)
                    await response.write(line.encode() + b"\n")
            if not response.prepared:
                await response.prepare(request)
            return response

        return handle

    def _upload(self, binding: HttpBinding) -> Handler:
        """A client's stream over HTTP: the query is its header, the body its content."""
        call = self._channel.stream_unary(binding.full_name)

        async def handle(request: web.Request) -> web.StreamResponse:
            first = _upload_header(binding, request)
            with acting_as(_bearer(request), within_ms=_deadline_ms(binding, request)):
                answer = await call(self._parts(first, request))
            return _json_response(answer)

        return handle

    async def _parts(self, first: Message, request: web.Request) -> AsyncIterator[Message]:
        yield first
        size = 0
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._upload_max_bytes:
                raise BodyTooLarge(self._upload_max_bytes)
            yield type(first)(content=chunk)

    async def _message(self, binding: HttpBinding, request: web.Request) -> Message:
        values: dict[str, Any] = {}  # Any: JSON
        if binding.takes_body:
            values = await self._body(request)
        known = fields_of(binding.method.input_type)
        for name in request.query:
            if name not in known or binding.takes_body:
                raise UnknownParameter(name)
            values[name] = request.query[name]
        for field in binding.path_fields:
            values.pop(field, None)
            values[field] = request.match_info[field]
        message = GetMessageClass(binding.method.input_type)()
        _fill(message, values)
        return message

    async def _body(self, request: web.Request) -> dict[str, Any]:  # Any: JSON
        if request.content_length is not None and request.content_length > self._body_max_bytes:
            raise BodyTooLarge(self._body_max_bytes)
        try:
            body = await request.read()
            values = json.loads(body) if body else {}
        except web.HTTPRequestEntityTooLarge as cause:
            raise BodyTooLarge(self._body_max_bytes) from cause
        except (ValueError, RecursionError) as cause:
            raise BodyMalformed from cause
        if not isinstance(values, dict):
            raise BodyMalformed
        return values


def _bearer(request: web.Request) -> Caller:
    """Whoever the Authorization header names; the pipeline checks the token, or its absence."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return Caller(subject="", roles=frozenset(), token=found[1] if found else "")


def _deadline_ms(binding: HttpBinding, request: web.Request) -> int:
    text = request.headers.get(_DEADLINE_HEADER, "")
    if not text:
        return binding.cap_ms
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise DeadlineMalformed(_DEADLINE_HEADER)
    return min(int(text), binding.cap_ms)


def _upload_header(binding: HttpBinding, request: web.Request) -> Message:
    """The first message of an upload; what is missing or wrong in it is the service's to say."""
    first: Any = GetMessageClass(binding.method.input_type)()  # Any: its fields are the method's own
    first.header.SetInParent()
    known = fields_of(first.header.DESCRIPTOR)
    for name in request.query:
        if name not in known:
            raise UnknownParameter(name)
    _fill(first.header, {**request.query, **request.match_info})
    return cast(Message, first)


def _fill(message: Message, values: dict[str, Any]) -> None:  # Any: JSON
    try:
        json_format.ParseDict(values, message)
    except (json_format.ParseError, ValueError, OverflowError, RecursionError) as error:
        # The library's text may quote a value; only the field's name is taken from it.
        found = _FIELD_IN_MESSAGE.search(str(error))
        raise BodyMalformed(found[1] if found else None) from error


def _json_response(message: Message) -> web.Response:
    return web.Response(
        text=json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _json_line(message: Message) -> bytes:
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, ensure_ascii=False, indent=None
    )
    return text.encode() + b"\n"
