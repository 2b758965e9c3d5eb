"""The aiohttp application of the HTTP front and its life."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog
from aiohttp import web
from google.protobuf.descriptor import ServiceDescriptor

from chassis.errors import AppError, Internal, typed
from chassis.rpc.channel import Channel
from gateway.http.api import openapi
from gateway.http.api.errors import RequestUnreadable, RouteNotFound, error_response
from gateway.http.api.transcoder import Transcoder
from gateway.http.webhooks import Webhooks

_log = structlog.get_logger("gateway.http")
_SECURITY_HEADERS = {
    # aiohttp's own names its version and Python's.
    "Server": "lienthong",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_HEADER_MAX_BYTES = 16 * 1024
_NO_ACCESS_LOG = logging.Logger("gateway.http.access", logging.CRITICAL + 1)
"""An address may hold what must not be logged; spans tell what was called."""


def application(
    channel: Channel,
    services: Sequence[ServiceDescriptor],
    *,
    webhooks: Webhooks,
    version: str,
    body_max_bytes: int,
    upload_max_bytes: int,
) -> web.Application:
    """Everything the HTTP front serves: the annotated methods of the services, webhooks, health and the description."""
    app = web.Application(middlewares=[_typed_errors], client_max_size=body_max_bytes)
    transcoder = Transcoder(
        channel, services, body_max_bytes=body_max_bytes, upload_max_bytes=upload_max_bytes
    )
    description = openapi.document(version, services)

    async def describe(_: web.Request) -> web.Response:
        return web.json_response(description)

    async def healthy(_: web.Request) -> web.Response:
        return web.json_response({"status": "serving"})

    own = [
        web.get("/openapi.json", describe),
        web.get("/healthz", healthy),
        web.route("*", "/{_:.*}", _nothing),
    ]
    app.add_routes(_with_expectations([*transcoder.routes(), *webhooks.routes(), *own]))
    app.on_response_prepare.append(_secure)
    return app


class HttpFront:
    """The listening HTTP front."""

    def __init__(self, app: web.Application, *, listen: str) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._listen = listen
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        host, _, port = self._listen.rpartition(":")
        await self._runner.setup()
        manager = self._runner.server
        assert manager is not None, "made by setup"
        loop = asyncio.get_running_loop()
        # Not a TCPSite: that one takes aiohttp's own protocol, whose error pages quote the request.
        self._listening = await loop.create_server(
            lambda: _Protocol(
                manager, loop=loop, access_log=_NO_ACCESS_LOG, max_field_size=_HEADER_MAX_BYTES
            ),
            host.strip("[]"),
            int(port),
        )

    async def stop(self) -> None:
        """Finish running requests and stop listening."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()


class _Protocol(web.RequestHandler):
    """Answers what is not HTTP, and what failed outside every handler, without repeating a byte of it."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer was sent; the connection is of no more use")
        ours = status >= 500
        error = Internal("") if ours else RequestUnreadable()
        told = _log.error if ours else _log.warning
        told("request not served", error_type=type(exc).__name__, reason=error.reason)
        response = error_response(error)
        response.headers.update(_SECURITY_HEADERS)
        response.force_close()
        return response


def _with_expectations(routes: Iterable[web.RouteDef]) -> list[web.RouteDef]:
    return [
        web.RouteDef(route.method, route.path, route.handler, {**route.kwargs, "expect_handler": _expect})
        for route in routes
    ]


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Let a client go on that waits for 100 Continue; aiohttp's own handler quotes any other expectation."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return error_response(RequestUnreadable())
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun
    return None


async def _nothing(_: web.Request) -> web.Response:
    """Whatever has no address here; a wrong verb ends here as well."""
    raise RouteNotFound


@web.middleware
async def _typed_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every refusal leaves as JSON with its reason; what has no type leaves without its text."""
    try:
        return await handler(request)
    except AppError as error:
        return error_response(error)
    except Exception as error:
        found = typed(error)
        if found is None:
            _log.error("unexpected error", error_type=type(error).__name__)
            found = Internal("")
        return error_response(found)


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_SECURITY_HEADERS)
