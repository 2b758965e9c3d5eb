"""Whole suites for tests: all services in this process, or as the separate processes that are deployed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from chassis.db import migrations
from cli.connection import DEADLINE_MS, Gateway
from sandbox.config import read_settings
from sandbox.control import SandboxControl
from sandbox.server import Sandbox
from station import layout
from station.demo.desk import ROLES, Desk, open_desk
from station.onebox import OneBox, assembled
from station.processes import Processes

FAST = {
    f"{name}_{setting}": value
    for name in ("IDENTITY", "EMR", "INSURANCE", "PAYMENT")
    for setting, value in (("OUTBOX_BACKOFF_S", "0.2"), ("OUTBOX_POLL_MS", "50"))
} | {"GATEWAY_WATCH_POLL_INTERVAL_MS": "100"}
"""Settings that make waiting short; nothing else differs from a deployed suite."""


@asynccontextmanager
async def local_suite(
    folder: Path, *, databases: dict[str, str] | None = None, more: dict[str, str] | None = None
) -> AsyncIterator[tuple[Desk, OneBox, layout.Layout]]:
    """All five services and the sandbox in this process; the sandbox still speaks HTTP over loopback."""
    place = layout.plan(folder, databases=databases, any_ports=True)
    for name in layout.SERVICES:
        await migrations.upgrade(place.databases[name], package=f"{name}_svc")
    environment = layout.onebox_program(place).environment | FAST | (more or {})
    async with AsyncExitStack() as ends:
        sandbox = Sandbox(read_settings(layout.sandbox_environment(place)))
        await sandbox.start()
        ends.push_async_callback(sandbox.stop)
        box = await ends.enter_async_context(assembled(environment))
        for database in box.gateway.databases:
            ends.push_async_callback(database.close)
        for close in box.gateway.close:
            ends.push_async_callback(close)
        await ends.enter_async_context(_running(box.gateway.workers))
        control = await ends.enter_async_context(SandboxControl(place.url("sandbox_control")))
        people = {role: await _signed_in(box, control, role) for role in ROLES}
        yield Desk(sandbox=control, people=people), box, place


async def _signed_in(box: OneBox, control: SandboxControl, role: str) -> Gateway:
    return Gateway(box.channel(), await control.token(role), DEADLINE_MS)


@asynccontextmanager
async def _running(workers: Sequence[Callable[[], Awaitable[None]]]) -> AsyncIterator[None]:
    """Run workers as a service would, until the block ends; a worker that fails fails the test."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_as_coroutine(worker)) for worker in workers]
        try:
            # Long enough for the HTTP front to listen and for the issuer's keys to come.
            await asyncio.sleep(0.2)
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _as_coroutine(worker: Callable[[], Awaitable[None]]) -> None:
    await worker()


@asynccontextmanager
async def process_suite(
    folder: Path, *, one_process: bool = False, more: dict[str, str] | None = None
) -> AsyncIterator[tuple[Desk, Processes, layout.Layout]]:
    """The suite as it is deployed on one machine."""
    place = layout.plan(folder, any_ports=True)
    processes = Processes(place.log_dir)
    try:
        await asyncio.to_thread(processes.run_to_end, layout.migrations(place))
        services = [layout.onebox_program(place)] if one_process else layout.service_programs(place)
        programs = [layout.sandbox_program(place), *services]
        quick = [layout.with_settings(program, FAST | (more or {})) for program in programs]
        await asyncio.to_thread(processes.start, quick)
        async with open_desk(place) as desk:
            yield desk, processes, place
    finally:
        await asyncio.to_thread(processes.stop)
