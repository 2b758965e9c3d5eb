"""Measures CheckIn: the real suite against the same processes and hops with nothing in them, in one run.

    python -m bench.checkin [--quick] [--rounds 5] [--seconds 4] [--clients 1,16,64] [--json FILE] [--check]

Four topologies run side by side and are loaded in turns, so that a drift of a shared machine meets all of them alike;
medians of the rounds are told, and a ratio is the median of the rounds' own ratios. Any failed call or leg makes the
run invalid. With --check the exit status is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import topologies
from bench.load import Orders, Seen
from bench.topologies import FIVE, NOOP, ONEBOX, UNTRACED, Topology

WARM_UP_S = 1.0
RETURNING_CLIENTS = 16
MEASURED_MAX_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A ratio of two topologies' throughput that must hold."""

    name: str
    over: str
    under: str
    at_least: float
    clients: int = 16


BARS = (
    Bar(name="real, traced / no-op", over=FIVE, under=NOOP, at_least=0.6),
    Bar(name="one process / five processes", over=ONEBOX, under=FIVE, at_least=2.0),
    Bar(name="traced / untraced", over=FIVE, under=UNTRACED, at_least=0.85),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One topology under one load in one round."""

    topology: str
    clients: int
    round: int
    seen: Seen
    cpu_ms: dict[str, float]
    """Processor milliseconds of each process per check-in, warm-up and idling included."""


class Invalid(Exception):
    """Calls failed, so the figures mean nothing; the text says which."""


def load(topology: Topology, *, clients: int, seconds: float, first_card: int = 0) -> Seen:
    """Run the load generator once.

    Raises:
        Invalid: a call failed or a leg was not done.
    """
    orders = Orders(
        target=topology.target,
        tokens=topology.tokens,
        cards=topology.cards,
        first_card=first_card,
        clients=clients,
        warm_up_s=WARM_UP_S if seconds else 0.0,
        seconds=seconds,
    )
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(orders)) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=MEASURED_MAX_S + seconds,
    )
    seen = Seen(**json.loads(done.stdout))
    if seen.faults:
        raise Invalid(f"{topology.name}, {clients} clients: {seen.faults}")
    return seen


def measure(topology: Topology, *, clients: int, seconds: float, number: int) -> Measurement:
    """Load one topology and add what its processes used."""
    before = topology.cpu_s()
    seen = load(topology, clients=clients, seconds=seconds, first_card=number * 397)
    after = topology.cpu_s()
    cpu_ms = {name: (after[name] - used) * 1000 / max(1, seen.calls) for name, used in before.items()}
    cpu_ms["client"] = seen.client_cpu_ms
    return Measurement(topology=topology.name, clients=clients, round=number, seen=seen, cpu_ms=cpu_ms)


def run(options: argparse.Namespace, folder: Path) -> tuple[list[Measurement], dict[str, float]]:
    """Start everything, let every patient come once, and measure in turns."""
    with ExitStack() as ends:
        running = []
        for name in options.topologies:
            say(f"starting: {name}")
            topology = topologies.start(name, folder, people_count=options.people)
            ends.callback(topology.processes.stop)
            running.append(topology)
        for topology in running:
            if topology.tokens:
                say(f"{topology.name}: {len(topology.cards)} patients come for the first time")
                load(topology, clients=RETURNING_CLIENTS, seconds=0)
        before = {topology.name: asyncio.run(topology.outside_calls()) for topology in running}
        measurements = []
        for number in range(options.rounds):
            for clients in options.clients:
                # Another one begins in each round, so that nobody always follows the same neighbour.
                turn = number % len(running)
                for topology in running[turn:] + running[:turn]:
                    measurements.append(
                        measure(topology, clients=clients, seconds=options.seconds, number=number)
                    )
            say(f"round {number + 1} of {options.rounds} done, load average {os.getloadavg()[0]:.1f}")
        return measurements, outside_per_check_in(running, before, measurements)


def outside_per_check_in(
    running: Sequence[Topology], before: dict[str, dict[str, int]], measurements: Sequence[Measurement]
) -> dict[str, float]:
    """Calls of the five processes to national systems per check-in; the no-op makes exactly one."""
    for topology in running:
        if topology.name == FIVE:
            after = asyncio.run(topology.outside_calls())
            made = {path: count - before[FIVE].get(path, 0) for path, count in after.items()}
            lookups = max(made.values())
            return {path: round(count / lookups, 3) for path, count in made.items() if count and lookups}
    return {}


def median_of(measurements: Sequence[Measurement], topology: str, clients: int, field: str) -> float:
    """The median over the rounds of one figure."""
    return statistics.median(
        float(getattr(each.seen, field))
        for each in measurements
        if each.topology == topology and each.clients == clients
    )


def ratio(measurements: Sequence[Measurement], over: str, under: str, clients: int) -> float | None:
    """The median over the rounds of the ratio of two throughputs; None where one was not measured."""
    rates = {(each.round, each.topology): each.seen.per_s for each in measurements if each.clients == clients}
    pairs = [
        rate / rates[number, under]
        for (number, name), rate in rates.items()
        if name == over and (number, under) in rates
    ]
    return statistics.median(pairs) if pairs else None


def report(
    measurements: Sequence[Measurement], outside: dict[str, float], options: argparse.Namespace
) -> bool:
    """Print the tables; whether every bar that was measured holds."""
    print(
        f"\n{'topology':<16} {'clients':>7} {'calls/s':>8} {'p50 ms':>7} {'p99 ms':>7} {'to no-op':>8}  "
        "CPU ms a check-in"
    )
    for clients in options.clients:
        for name in options.topologies:
            rate, p50, p99 = (
                median_of(measurements, name, clients, field) for field in ("per_s", "p50_ms", "p99_ms")
            )
            to_noop = ratio(measurements, name, NOOP, clients)
            print(
                f"{name:<16} {clients:>7} {rate:>8.0f} {p50:>7.1f} {p99:>7.1f} "
                f"{'' if to_noop is None else format(to_noop, '.2f'):>8}  {cpu_text(measurements, name, clients)}"
            )
    sizes = {
        name: int(median_of(measurements, name, options.clients[0], "response_bytes"))
        for name in options.topologies
    }
    print(f"\nanswer, bytes: {sizes}\noutside calls per portal look-up, five processes: {outside}")
    holds = True
    for bar in BARS:
        found = ratio(measurements, bar.over, bar.under, bar.clients)
        if found is not None:
            holds &= found >= bar.at_least
            word = "held" if found >= bar.at_least else "MISSED"
            print(f"{bar.name:<30} at {bar.clients} clients: {found:.2f}, bar {bar.at_least}: {word}")
    return holds


def cpu_text(measurements: Sequence[Measurement], topology: str, clients: int) -> str:
    """Processor time by process, the median of the rounds, most used first."""
    rounds = [each.cpu_ms for each in measurements if each.topology == topology and each.clients == clients]
    used = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    parts = sorted(used.items(), key=lambda item: -item[1])
    return f"{sum(used.values()):.2f}: " + " ".join(f"{name} {value:.2f}" for name, value in parts)


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(f"• {text}", file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="CheckIn against its no-op topology.")
    parser.add_argument("--quick", action="store_true", help="two short rounds with 200 patients")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (5)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (4)")
    parser.add_argument("--people", type=int, help="patients (1,500)")
    parser.add_argument("--clients", default="1,16,64", help="concurrent clients, by commas")
    parser.add_argument("--topologies", default=",".join((NOOP, FIVE, UNTRACED, ONEBOX)), help="by commas")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (1.5 if options.quick else 4.0)
    options.people = options.people or (200 if options.quick else 1_500)
    options.clients = [int(text) for text in options.clients.split(",")]
    options.topologies = options.topologies.split(",")
    return options


def main() -> int:
    """Run from the command line; the exit status tells of an invalid run, and with --check of a missed bar."""
    options = parse()
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        try:
            measurements, outside = run(options, Path(name))
        except Invalid as invalid:
            print(f"the run is invalid: {invalid}", file=sys.stderr)
            return 2
    holds = report(measurements, outside, options)
    if options.json:
        machine = {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "load_average": os.getloadavg(),
        }
        document = {
            "machine": machine,
            "outside_calls": outside,
            "measurements": [asdict(each) for each in measurements],
        }
        options.json.write_text(json.dumps(document, indent=1))
    return int(options.check and not holds)


if __name__ == "__main__":
    sys.exit(main())
