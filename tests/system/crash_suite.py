"""A suite of real processes on ports that stay free while their owner is dead, and the hand that kills them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
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
_PORTS = range(12_000, 32_000)
"""Below the range (32768 and up on Linux) from which connections take their own ports: a client that calls a
dead process there may be given the very port it calls, and the restarted process finds it taken."""
_HEALTH_PAUSE_S = 0.02
_START_TRIES = 5


def _free_ports(names: list[str], dice: random.Random) -> dict[str, int]:
    ports: dict[str, int] = {}
    while len(ports) < len(names):
        port = dice.choice(_PORTS)
        with socket.socket() as probe:
            if port not in ports.values() and probe.connect_ex(("127.0.0.1", port)) != 0:
                ports[names[len(ports)]] = port
    return ports


@asynccontextmanager
async def crash_suite(
    folder: Path, *, start_as: Callable[[Program], Program] = lambda program: program
) -> AsyncIterator[tuple[Processes, layout.Layout]]:
    """The suite as it is deployed on one machine, with short waits.

    Args:
        start_as: Changes how a service's program is started.
    """
    place = layout.plan(folder, any_ports=True)
    # Its own dice: ports must differ between runs of one seed, as an earlier run may still hold them.
    place = replace(place, ports=_free_ports(list(place.ports), random.Random()))
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
    ended_alone: list[str] = field(default_factory=list)
    """Processes that ended without being killed: none may."""

    @property
    def count(self) -> int:
        """How often any process was killed."""
        return self.count_by_process.total()

    def restart_ms(self, part: float) -> int:
        """The restart time that this part (0 to 1) of the restarts stays under, milliseconds."""
        ordered = sorted(self.restart_s)
        return int(ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000) if ordered else 0


class Killer:
    """Ends processes with SIGKILL at random instants and starts them again.

    Args:
        pause_s: Shortest and longest time between two kills.
        at_once: How many processes may be down together.
        while_starting: Part of the kills that hit a process which is just starting.
    """

    def __init__(
        self,
        processes: Processes,
        place: layout.Layout,
        *,
        dice: random.Random,
        pause_s: tuple[float, float] = (0.1, 0.9),
        at_once: int = 2,
        while_starting: float = 0.1,
    ) -> None:
        self.killings = Killings()
        self._processes = processes
        self._place = place
        self._dice = dice
        self._pause_s = pause_s
        self._at_once = at_once
        self._while_starting = while_starting
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._bag: list[str] = []

    async def run(self, kill_count: int) -> None:
        """Kill so many times, then wait until everything serves again."""
        while self.killings.count < kill_count:
            await asyncio.sleep(self._dice.uniform(*self._pause_s))
            starting = sorted(self._starting)
            if starting and self._dice.random() < self._while_starting:
                self._kill_while_starting(self._dice.choice(starting))
            elif len(starting) < self._at_once:
                await self._kill(self._next_victim())
        await asyncio.gather(*self._starting.values())

    def _next_victim(self) -> str:
        """Every process once before any is hit again, in an order of chance; one that is down is passed over."""
        while True:
            if not self._bag:
                self._bag = list(PROCESSES)
                self._dice.shuffle(self._bag)
            name = self._bag.pop()
            if name not in self._starting:
                return name

    async def _kill(self, name: str) -> None:
        if not self._is_alive(name):
            self.killings.ended_alone.append(name)
        await asyncio.to_thread(self._processes.kill, name)
        self.killings.count_by_process[name] += 1
        task = asyncio.create_task(self._start_again(name), name=f"restart {name}")
        self._starting[name] = task
        task.add_done_callback(lambda _: self._starting.pop(name))

    def _kill_while_starting(self, name: str) -> None:
        """Hit a process in its first moments; whoever starts it notices and starts it once more."""
        # A start that is over may not be hit: nobody would start it again.
        if self._is_alive(name) and not self._starting[name].done():
            os.kill(self._processes.pid(name), signal.SIGKILL)
            self.killings.count_by_process[name] += 1
            self.killings.while_starting_count += 1

    async def _start_again(self, name: str) -> None:
        for _ in range(_START_TRIES):
            killed_before = self.killings.count_by_process[name]
            started = time.monotonic()
            try:
                await asyncio.to_thread(self._processes.restart, name)
                if await self._serves(name):
                    self.killings.restart_s.append(time.monotonic() - started)
                    return
            except DidNotStart:
                pass
            if self.killings.count_by_process[name] == killed_before:
                self.killings.ended_alone.append(name)
        raise DidNotStart(f"{name} did not start in {_START_TRIES} tries")

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
