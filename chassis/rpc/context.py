"""What is known of the call being served: who calls, how long it may take, which request it is."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from chassis.errors import TokenMissing

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asked, as the internal token says."""

    subject: str
    """Our own id of the person, device or service; never an identifier of the outside world."""
    roles: frozenset[str]
    """Names of lienthong.options.v1.Role without the prefix, such as `CLERK`."""
    facility: str = ""
    """The facility the person works for in this session, "" for citizens and services."""
    purpose: str = ""
    """Why personal data is used, such as `treatment`."""
    token: str = ""
    """The internal token itself, passed on to peers."""
    service: str = ""
    """The service that sent the call: its certificate's name under TLS, else what it says of itself."""


NOBODY = Caller(subject="", roles=frozenset())


class Call:
    """One call under way; a plain slotted class, since one is built per call."""

    __slots__ = ("caller", "deadline_s", "method", "request_id")

    def __init__(self, caller: Caller, deadline_s: float | None, method: str, request_id: str) -> None:
        # Positional on purpose: built once per call on the hot path.
        self.caller = caller
        self.deadline_s = deadline_s
        self.method = method
        self.request_id = request_id


_current: ContextVar[Call | None] = ContextVar("chassis_current_call", default=None)
current_call = _current.get
enter_call = _current.set


def current_caller() -> Caller:
    """The caller of the call being served; on a public method without a token the nobody with no role.

    Raises:
        TokenMissing: nothing is being served and no `acting_as` surrounds us.
    """
    call = _current.get()
    if call is None:
        raise TokenMissing
    return call.caller


def current_request_id() -> str:
    """The request_id of the call being served, "" where the request has none."""
    call = _current.get()
    return "" if call is None else call.request_id


def current_method() -> str:
    """The full method being served, such as `/package.v1.Service/GetThing`, "" outside a call."""
    call = _current.get()
    return "" if call is None else call.method


def remaining_ms() -> int | None:
    """Milliseconds left of the deadline of the call being served, at least 0; None without a deadline."""
    call = _current.get()
    if call is None or call.deadline_s is None:
        return None
    return max(0, int((call.deadline_s - time.monotonic()) * 1000))


@contextmanager
def acting_as(caller: Caller, *, within_ms: int | None = None, request_id: str = "") -> Iterator[None]:
    """Work on behalf of `caller` outside a call, as a worker does; peers see the caller's token.

    Args:
        caller: Whose token goes to the peers, usually `Minter.service_caller()`.
        within_ms: Deadline of the work; the one already running, if shorter, stays.
        request_id: The request the work belongs to.
    """
    outer = _current.get()
    deadline_s = None if within_ms is None else time.monotonic() + within_ms / 1000
    if outer is not None and outer.deadline_s is not None:
        deadline_s = outer.deadline_s if deadline_s is None else min(deadline_s, outer.deadline_s)
    token = _current.set(Call(caller, deadline_s, outer.method if outer else "", request_id))
    try:
        yield
    finally:
        _current.reset(token)


# The step of an async generator is driven like a coroutine, and is none to the type checker.
Steppable = Coroutine[Any, Any, T] | Awaitable[T]


class Isolated(Awaitable[T]):
    """Awaits a coroutine inside a copied context without the price of a task.

    The handler of a local call sees and sets context variables as if it ran in a task of its own,
    yet cancellation and timeouts of the caller reach it directly.
    """

    __slots__ = ("_coroutine", "_run")

    def __init__(
        self, coroutine: Steppable[T], run: Callable[..., Any] | None = None
    ) -> None:  # Any: a context runs whatever it is given
        self._coroutine: Any = coroutine
        self._run = run or copy_context().run

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[Any], Any] = self._coroutine.send
        value: Any = None
        run = self._run
        while True:
            try:
                waited = run(step, value)
            except StopIteration as done:
                result: T = done.value
                return result
            try:
                value = yield waited
                step = self._coroutine.send
            except BaseException as error:  # thrown in by the task: cancellation, mostly
                value = error
                step = self._coroutine.throw


async def isolated_stream(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The items of a generator that runs in a copied context, also when its reader stops half-way."""
    run = copy_context().run
    try:
        while True:
            try:
                item = await Isolated(items.__anext__(), run)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await Isolated(items.aclose(), run)
