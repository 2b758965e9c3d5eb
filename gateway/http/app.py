"""The aiohttp application of the HTTP front and its life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from chassis.errors import AppError, Internal, typed
from chassis.rpc.channel import Channel
from gateway.http.api import openapi
from gateway.http.api.errors import RouteNotFound, error_response
from gateway.http.api.transcoder import Transcoder
from gateway.http.webhooks import Webhooks

_log = structlog.get_logger("gateway.http")
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_HEADER_MAX_BYTES = 16 * 1024


def application(
    channel: Channel, *, webhooks: Webhooks, version: str, body_max_bytes: int, statement_max_bytes: int
) -> web.Application:
    """Everything the HTTP front serves."""
    app = web.Application(middlewares=[_typed_errors], client_max_size=body_max_bytes)
    transcoder = Transcoder(channel, body_max_bytes=body_max_bytes, statement_max_bytes=statement_max_bytes)
    description = openapi.document(version)

    async def describe(_: web.Request) -> web.Response:
        return web.json_response(description)

    async def healthy(_: web.Request) -> web.Response:
        return web.json_response({"status": "serving"})

    app.add_routes(transcoder.routes())
    app.add_routes(webhooks.routes())
    app.add_routes([web.get("/openapi.json", describe), web.get("/healthz", healthy)])
    app.on_response_prepare.append(_secure)
    return app


class HttpFront:
    """The listening HTTP front."""

    def __init__(self, app: web.Application, *, listen: str) -> None:
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, max_field_size=_HEADER_MAX_BYTES
        )
        self._listen = listen

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        host, _, port = self._listen.rpartition(":")
        await self._runner.setup()
        await web.TCPSite(self._runner, host.strip("[]"), int(port)).start()

    async def stop(self) -> None:
        """Finish running requests and stop listening."""
        await self._runner.cleanup()


@web.middleware
async def _typed_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every refusal leaves as JSON with its reason; what has no type leaves without its text."""
    try:
        return await handler(request)
    except AppError as error:
        return error_response(error)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return error_response(RouteNotFound())
    except web.HTTPException:
        raise
    except Exception as error:
        found = typed(error)
        if found is None:
            _log.error("unexpected error", error_type=type(error).__name__)
            found = Internal("")
        return error_response(found)


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
