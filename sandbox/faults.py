"""Faults set by flag or call, and the count of calls that lets a test prove how often a system was asked."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random

from aiohttp import web
from aiohttp.typedefs import Middleware

SYSTEMS = ("registry", "portal", "bank", "oidc")

ANY_SYSTEM_MODES = frozenset(
    {
        "slow", "down", "hung", "reset", "error500", "html", "late", "truncated", "wrong",
        "flapping", "maintenance", "answer_lost", "answer_twice",
    }
)  # fmt: skip
MODES: dict[str, frozenset[str]] = {
    "registry": ANY_SYSTEM_MODES,
    "portal": ANY_SYSTEM_MODES
    | {"code", "expired_token", "expires_format", "file_lost", "pending", "wrong_sums"},
    "bank": ANY_SYSTEM_MODES | {"duplicate", "lost", "reordered", "bad_signature"},
    "oidc": ANY_SYSTEM_MODES | {"expired_token"},
}
CALLBACK_MODES = frozenset({"late", "duplicate", "lost", "reordered", "wrong", "bad_signature"})
"""For the bank these touch the callbacks it sends and leave the calls it receives alone."""

_LOOK_UPS = ("/api/egw/KQNhanLichSuKCB", "/api/TraCuuCCT")
_RECEIPTS = ("/api/qd130/traCuuKetQua", "/api/egw/nhanChiTiet")
_USUAL_PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    ("portal", "code"): _LOOK_UPS,
    ("portal", "wrong"): _LOOK_UPS,
    ("portal", "expired_token"): _LOOK_UPS,
    ("portal", "expires_format"): ("/api/token",),
    ("portal", "file_lost"): ("/api/qd130",),
    ("portal", "pending"): _RECEIPTS,
    ("portal", "wrong_sums"): ("/api/his",),
    ("oidc", "wrong"): ("/token",),
    ("oidc", "expired_token"): ("/token",),
}
"""Where a fault without a path strikes; everywhere when it is not listed."""

DEFAULT_DELAY_MS = 3_000
MAX_DELAY_MS = 600_000
MAX_COUNT = 1_000_000
FLAP_RUN = 3
"""A flapping system cuts this many calls, answers as many, and so on."""
_HUNG_LIMIT_S = 3_600.0
_CODE_FORM = re.compile(r"[A-Za-z0-9_+-]{1,32}")
_HTML = (
    "<!DOCTYPE html><html><head><title>503</title></head>"
    "<body><h1>Hệ thống đang bảo trì</h1><p>Vui lòng quay lại sau.</p></body></html>"
)


class FaultError(ValueError):
    """The wanted fault does not exist or a value is out of range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way a system misbehaves."""

    system: str
    mode: str
    delay_ms: int = DEFAULT_DELAY_MS
    """0 to 600,000; used by slow and late, and by maintenance as its length."""
    probability: float = 1.0
    """Above 0, at most 1."""
    count: int | None = None
    """How often it still strikes; None is for ever."""
    code: str = ""
    """Portal: the result code, the form of expires_in, the way sums are wrong. Bank, wrong: the amount told."""
    path: str = ""
    """Only calls whose path starts so; empty is every call the mode makes sense for."""

    def __post_init__(self) -> None:
        if self.system not in SYSTEMS:
            raise FaultError(f"system must be one of {', '.join(SYSTEMS)}")
        if self.mode not in MODES[self.system]:
            raise FaultError(f"mode must be none or one of {', '.join(sorted(MODES[self.system]))}")
        if not 0 <= self.delay_ms <= MAX_DELAY_MS:
            raise FaultError(f"delay_ms must be 0 to {MAX_DELAY_MS}")
        if not 0 < self.probability <= 1:
            raise FaultError("probability must be above 0 and at most 1")
        if self.count is not None and not 1 <= self.count <= MAX_COUNT:
            raise FaultError(f"count must be 1 to {MAX_COUNT}")
        if self.path and not self.path.startswith("/"):
            raise FaultError("path must begin with /")
        if self.code and not _CODE_FORM.fullmatch(self.code):
            raise FaultError("code must be up to 32 letters, digits, _, + or -")

    def concerns(self, path: str) -> bool:
        """True when this fault may strike a call to this path."""
        prefixes = (self.path,) if self.path else _USUAL_PATHS.get((self.system, self.mode), ("",))
        return path.startswith(prefixes)


class FaultBoard:
    """The faults in force and the calls counted, one board for all systems of a process."""

    def __init__(self, seed: int = 0, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._faults: list[Fault] = []
        self._elapsed_s = elapsed_s
        self._ends_s: dict[tuple[str, str, str], float] = {}
        self._flaps: Counter[tuple[str, str, str]] = Counter()
        self._calls: dict[str, Counter[str]] = {system: Counter() for system in SYSTEMS}
        self._random = Random(seed)  # noqa: S311 - faults must repeat, not be secret

    def set(self, fault: Fault) -> None:
        """Put this fault in force; it replaces one of the same system, mode and path."""
        same = (fault.system, fault.mode, fault.path)
        self._faults = [held for held in self._faults if (held.system, held.mode, held.path) != same]
        self._faults.append(fault)
        self._flaps.pop(same, None)
        if fault.mode == "maintenance":
            self._ends_s[same] = self._elapsed_s() + fault.delay_ms / 1_000

    def clear(self, system: str | None = None) -> None:
        """Lift the faults of one system, or all."""
        self._faults = [held for held in self._faults if system is not None and held.system != system]

    def faults(self) -> tuple[Fault, ...]:
        """Every fault in force, oldest first."""
        self._end_windows()
        return tuple(self._faults)

    def left_s(self, fault: Fault) -> float:
        """Seconds until a maintenance window ends by itself."""
        return max(0.0, self._ends_s[(fault.system, fault.mode, fault.path)] - self._elapsed_s())

    def _end_windows(self) -> None:
        over = [held for held in self._faults if held.mode == "maintenance" and not self.left_s(held)]
        self._faults = [held for held in self._faults if held not in over]

    def _works_now(self, held: Fault) -> bool:
        """True in the good phase of a flapping system; asking counts as a call."""
        if held.mode != "flapping":
            return False
        place = (held.system, held.mode, held.path)
        self._flaps[place] += 1
        return (self._flaps[place] - 1) // FLAP_RUN % 2 == 1

    def is_down(self, system: str) -> bool:
        """True while the system shall not listen at all."""
        return any(held.system == system and held.mode == "down" for held in self._faults)

    def strike(self, system: str, path: str, modes: frozenset[str]) -> Fault | None:
        """The first fault of these modes that hits this call, or None; a counted fault is used up by it."""
        self._end_windows()
        for held in self._faults:
            if held.system != system or held.mode not in modes or not held.concerns(path):
                continue
            if held.probability < 1 and self._random.random() >= held.probability:
                continue
            if self._works_now(held):
                continue
            self._use_up(held)
            return held
        return None

    def _use_up(self, held: Fault) -> None:
        if held.count is None:
            return
        place = self._faults.index(held)
        if held.count == 1:
            del self._faults[place]
        else:
            self._faults[place] = replace(held, count=held.count - 1)

    def count_call(self, system: str, call: str) -> None:
        """Count one received call; `call` is method and route, never the query."""
        self._calls[system][call] += 1

    def calls(self) -> dict[str, dict[str, int]]:
        """Calls received so far per system, by method and path."""
        return {system: dict(counter) for system, counter in self._calls.items()}

    def forget_calls(self) -> None:
        """Start counting from nought."""
        for counter in self._calls.values():
            counter.clear()


FAULT = web.RequestKey("fault", Fault)
"""The fault a handler itself must act out: every mode that `_act` does not know."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _abort(request: web.Request) -> None:
    """Cut the connection so that the caller sees a reset, not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    plain = transport.get_extra_info("socket")
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _answer_twice(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, and put the same answer on the line once more, where the next call's answer is awaited."""
    response = await handler(request)
    assert isinstance(response, web.Response), "only plain answers are repeated"
    body = response.body if isinstance(response.body, bytes) else b""
    await response.prepare(request)
    await response.write_eof()
    head = f"HTTP/1.1 {response.status} OK\r\nContent-Type: {response.content_type}; charset=utf-8\r\n"
    if request.transport is not None:
        request.transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return response


def _closed_for_maintenance(left_s: float) -> web.Response:
    headers = {"Retry-After": str(math.ceil(left_s))}
    return web.Response(status=503, text=_HTML, content_type="text/html", headers=headers)


async def _act(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    match fault.mode:
        case "slow":
            await asyncio.sleep(fault.delay_ms / 1_000)
            return await handler(request)
        case "late":
            response = await handler(request)
            await asyncio.sleep(fault.delay_ms / 1_000)
            return response
        case "hung":
            await asyncio.sleep(_HUNG_LIMIT_S)
            return web.Response(status=504)
        case "answer_lost":
            await handler(request)
            _abort(request)
            return web.Response(status=503)
        case "answer_twice":
            return await _answer_twice(request, handler)
        case "reset" | "down" | "flapping":
            _abort(request)
            return web.Response(status=503)
        case "error500":
            return web.Response(status=500, text="Internal Server Error")
        case "html":
            return web.Response(status=200, text=_HTML, content_type="text/html")
        case "truncated":
            whole = await handler(request)
            body = whole.body if isinstance(whole, web.Response) else None
            assert isinstance(body, bytes), "only plain answers are cut"
            half = body[: len(body) // 2]
            return web.Response(status=whole.status, body=half, headers={"Content-Type": "application/json"})
        case _:
            request[FAULT] = fault
            return await handler(request)


def fault_middleware(board: FaultBoard, system: str) -> Middleware:
    """The middleware that counts each call of a system and then lets the fault in force strike."""
    modes = MODES[system] - CALLBACK_MODES if system == "bank" else MODES[system]

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "(unknown)"
        board.count_call(system, f"{request.method} {path}")
        fault = board.strike(system, request.path, modes)
        if fault is None:
            return await handler(request)
        if fault.mode == "maintenance":
            return _closed_for_maintenance(board.left_s(fault))
        return await _act(fault, request, handler)

    return middleware
