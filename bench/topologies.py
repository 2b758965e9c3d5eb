"""The topologies that bench.checkin compares, each as running processes that answer CheckIn at one port."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench.noop import messages
from sandbox.control import SandboxControl
from station import layout
from station.processes import DidNotStart, Processes, Program, free_port

NOOP, FIVE, UNTRACED, ONEBOX = "no-op", "five processes", "untraced", "one process"
START_TRIES = 3
CLERKS = 16
TOKEN_LIFE_S = 6 * 3_600
_NOOP_ROLES = ("external", "identity", "emr", "insurance", "payment", "gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """One running set of processes."""

    name: str
    processes: Processes
    target: str
    """host:port of the gateway."""
    cards: tuple[str, ...]
    tokens: tuple[str, ...] = ()
    control_url: str = ""
    """The sandbox's control port; empty for the no-op."""

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds used so far, by process."""
        used = {}
        for name in self.processes.alive():
            times = psutil.Process(self.processes.pid(name)).cpu_times()
            used[name] = times.user + times.system
        return used

    async def outside_calls(self) -> dict[str, int]:
        """Calls the sandbox has answered, by system and path."""
        if not self.control_url:
            return {}
        async with SandboxControl(self.control_url) as control:
            by_system = await control.calls()
        return {
            f"{system} {path}": count for system, paths in by_system.items() for path, count in paths.items()
        }


def start(name: str, folder: Path, *, people_count: int) -> Topology:
    """Start one topology in a folder of its own.

    Free ports are chosen before they are taken, and a busy machine may hand one out meanwhile: so it is tried thrice.
    """
    for attempt in range(START_TRIES):
        state_dir = folder / f"{name.replace(' ', '-').replace(',', '')}-{attempt}"
        try:
            if name == NOOP:
                return start_noop(state_dir)
            return start_suite(name, state_dir, people_count=people_count)
        except DidNotStart:
            if attempt == START_TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def start_noop(state_dir: Path) -> Topology:
    """The no-op topology; its outside program stands where the sandbox stands."""
    ports = {role: free_port(0) for role in _NOOP_ROLES}
    processes = Processes(state_dir / "logs")
    processes.start(
        [
            Program(
                name=role,
                arguments=("bench.noop", role, json.dumps(ports)),
                environment={},
                ports=(ports[role],),
            )
            for role in _NOOP_ROLES
        ]
    )
    return Topology(
        name=NOOP, processes=processes, target=f"127.0.0.1:{ports['gateway']}", cards=(messages.QR,)
    )


def start_suite(name: str, state_dir: Path, *, people_count: int) -> Topology:
    """One of the real topologies, with a sandbox and databases of its own."""
    place = layout.plan(state_dir, any_ports=True)
    processes = Processes(place.log_dir)
    processes.run_to_end(layout.migrations(place))
    programs = [layout.onebox_program(place)] if name == ONEBOX else layout.service_programs(place)
    if name == UNTRACED:
        programs = [
            replace(program, arguments=("bench.untraced", *program.arguments)) for program in programs
        ]
    processes.start([layout.sandbox_program(place), *programs])
    cards, tokens = asyncio.run(_people_and_tokens(place.url("sandbox_control"), people_count))
    return Topology(
        name=name,
        processes=processes,
        target=place.address("gateway"),
        cards=cards,
        tokens=tokens,
        control_url=place.url("sandbox_control"),
    )


async def _people_and_tokens(url: str, people_count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Cards of people with clean data, whose legs all end well, and the tokens of sixteen clerks."""
    async with SandboxControl(url) as control:
        people = await control.people("clean", count=people_count)
        tokens = [
            await control.token("clerk", subject=f"staff-bench-{number}", expires_in_s=TOKEN_LIFE_S)
            for number in range(CLERKS)
        ]
    return tuple(str(person["qr_text"]) for person in people), tuple(tokens)
