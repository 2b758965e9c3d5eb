"""The demonstration: six patients through a running suite, each from the QR of a citizen card."""

from __future__ import annotations

import asyncio
import time

from rich.console import Console

from chassis.errors import AppError
from cli import tables
from station.demo import patients
from station.demo.desk import Desk, open_desk
from station.demo.expectations import Expectations
from station.layout import Layout

_SPANS_WAIT_S = 5.0


def play(place: Layout) -> int:
    """Play all patients; 0 only if every outcome is the expected one."""
    return asyncio.run(_play(place))


async def _play(place: Layout) -> int:
    console = Console()
    expectations = Expectations()
    started = time.monotonic()
    async with open_desk(place) as desk:
        for number, patient in enumerate(patients.ALL, start=1):
            title = (patient.__doc__ or "").partition("\n")[0]
            console.print(f"• [bold]{number}[/bold] {title}")
            with expectations.patient(number, title):
                await patient(desk, expectations)
        console.print("• the bank's statement is imported and reconciled")
        with expectations.patient(len(patients.ALL) + 1, "the day's statement"):
            await patients.end_of_day(desk, expectations)
        console.print()
        console.print(expectations.table())
        await _draw_one_journey(console, desk, expectations)
    console.print(expectations.verdict(time.monotonic() - started))
    return 0 if expectations.all_met else 1


async def _draw_one_journey(console: Console, desk: Desk, expectations: Expectations) -> None:
    """Draw the waterfall of the first patient, who went through every service."""
    wanted = {"gateway", "identity", "emr", "insurance", "payment"}
    with expectations.patient(len(patients.ALL) + 2, "the trace of the first journey"):
        deadline = time.monotonic() + _SPANS_WAIT_S
        while True:
            try:
                trace = await desk.trace(desk.trace_codes[0])
                seen = {span.service for span in trace.spans}
            except AppError:
                trace, seen = None, set()
            if wanted <= seen or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.25)
        expectations.equal("one trace over all services", sorted(wanted & seen), sorted(wanted))
        if trace is not None:
            console.print(tables.waterfall(trace))
