"""A suite of real processes on ports that stay free while their owner is dead, and the hand that kills them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from station import layout
from station.processes import DidNotStart, Processes, Program
from tests.support.suites import FAST

PROCESSES = ("sandbox", *layout.SERVICES, "gateway")
SETTINGS = (
    FAST
    | {f"{name.upper()}_OUTBOX_LEASE_S": "5" for name in layout.SERVICES}
    | {"SANDBOX_BANK_ATTEMPTS": "9", "SANDBOX_BANK_RETRY_BASE_MS": "200"}
)
"""Shorter waits: a killed worker's lease ends after 5 s, and the bank calls again after 0.2 s to 25 s."""
_HEALTH_PAUSE_S = 0.02
_PROGRESS = 4
"""Requests answered since the last restart before the next kill."""
_PROGRESS_WITHIN_S = 6.0
_CHANCE_S = 0.6
_START_S = 0.7
"""A process that is killed while it starts is killed in this time."""


@asynccontextmanager
async def crash_suite(
    folder: Path, *, start_as: Callable[[Program], Program] = lambda program: program
) -> AsyncIterator[tuple[Processes, layout.Layout]]:
    """The suite as it is deployed on one machine, with short waits.

    Args:
        start_as: Changes how a service's program is started.
    """
    place = layout.plan(folder, any_ports=True)
    processes = Processes(place.log_dir)
    try:
        await asyncio.to_thread(processes.run_to_end, layout.migrations(place))
        programs = [layout.sandbox_program(place), *map(start_as, layout.service_programs(place))]
        await asyncio.to_thread(
            processes.start, [layout.with_settings(program, SETTINGS) for program in programs]
        )
        yield processes, place
    finally:
        await asyncio.to_thread(processes.stop)


@dataclass(slots=True, kw_only=True)
class Killings:
    """What was killed and how long each took to serve again."""

    count_by_process: Counter[str] = field(default_factory=Counter)
    while_starting_count: int = 0
    restart_s: list[float] = field(default_factory=list)
    """From starting the program until it answers that it serves; seconds."""
    recovery_s: list[float] = field(default_factory=list)
    """From there until the clients get answers again; seconds."""
    ended_alone: list[str] = field(default_factory=list)
    """Processes that ended without being killed: none may."""

    @property
    def count(self) -> int:
        """How often any process was killed."""
        return self.count_by_process.total()


def percentile_ms(times_s: Sequence[float], part: float) -> int:
    """The time that this part (0 to 1) of the times stays under, milliseconds; 0 without any."""
    ordered = sorted(times_s)
    return int(ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000) if ordered else 0


class Killer:
    """Ends processes with SIGKILL at random instants and starts them again.

    Args:
        progress: How much the clients got done so far; a kill waits for some of it, so that it hits running work.
        two_at_once: Part of the kills that take a second process down in the same instant.
        while_starting: Part of the kills that hit the process again in its first moments.
        hasty: Part of the kills that do not wait for work, and so hit a suite that is still finding together.
    """

    def __init__(
        self,
        processes: Processes,
        place: layout.Layout,
        *,
        dice: random.Random,
        progress: Callable[[], int],
        two_at_once: float = 0.3,
        while_starting: float = 0.15,
        hasty: float = 0.2,
    ) -> None:
        self.killings = Killings()
        self._processes = processes
        self._place = place
        self._dice = dice
        self._progress = progress
        self._two_at_once = two_at_once
        self._while_starting = while_starting
        self._hasty = hasty
        self._bag: list[str] = []

    async def run(self, kill_count: int) -> None:
        """Kill so many times, then wait until everything serves again.

        Raises:
            DidNotStart: a process that nobody killed does not start.
        """
        while self.killings.count < kill_count:
            await self._until_work_is_running()
            count = 2 if self._dice.random() < self._two_at_once else 1
            victims = [self._next_victim() for _ in range(count)]
            async with asyncio.TaskGroup() as group:
                for name in sorted(set(victims)):
                    group.create_task(self._kill_and_start(name))

    async def _until_work_is_running(self) -> None:
        """Wait until the clients have got answers since the last restart, then for a moment of chance."""
        if self._dice.random() < self._hasty:
            await asyncio.sleep(self._dice.uniform(0.0, _CHANCE_S))
            return
        before = self._progress()
        began = time.monotonic()
        while self._progress() < before + _PROGRESS and time.monotonic() < began + _PROGRESS_WITHIN_S:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.killings.recovery_s.append(time.monotonic() - began)
        await asyncio.sleep(self._dice.uniform(0.0, _CHANCE_S))

    def _next_victim(self) -> str:
        """Every process once before any is hit again, in an order of chance."""
        if not self._bag:
            self._bag = list(PROCESSES)
            self._dice.shuffle(self._bag)
        return self._bag.pop()

    async def _kill_and_start(self, name: str) -> None:
        if not self._is_alive(name):
            self.killings.ended_alone.append(name)
        self._processes.kill(name)
        self.killings.count_by_process[name] += 1
        while self._dice.random() < self._while_starting:
            start = asyncio.create_task(self._start(name))
            await asyncio.sleep(self._dice.uniform(0.05, _START_S))
            if start.done() or not self._is_alive(name):
                await start
                return
            os.kill(self._processes.pid(name), signal.SIGKILL)
            self.killings.count_by_process[name] += 1
            self.killings.while_starting_count += 1
            await asyncio.gather(start, return_exceptions=True)
        await self._start(name)

    async def _start(self, name: str) -> None:
        started = time.monotonic()
        await asyncio.to_thread(self._processes.restart, name)
        if not await self._serves(name):
            raise DidNotStart(f"{name} ended; see {self._processes.log_file(name)}")
        self.killings.restart_s.append(time.monotonic() - started)

    def _is_alive(self, name: str) -> bool:
        try:
            return bool(psutil.Process(self._processes.pid(name)).status() != psutil.STATUS_ZOMBIE)
        except (KeyError, psutil.NoSuchProcess):
            return False

    async def _serves(self, name: str) -> bool:
        """Wait until a listening process says that it serves; False when it ended before."""
        if name == "sandbox":
            return True
        while self._is_alive(name):
            async with grpc.aio.insecure_channel(self._place.address(name)) as channel:
                try:
                    stub = health_pb2_grpc.HealthStub(channel)
                    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2.0)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return True
                except grpc.aio.AioRpcError:
                    pass
            await asyncio.sleep(_HEALTH_PAUSE_S)
        return False
