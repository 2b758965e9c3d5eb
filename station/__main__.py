"""`python -m station up | demo | onebox`; people call it through dev.py."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from station import layout, onebox, settings_table
from station.demo import play
from station.processes import DidNotStart, Processes

STATE_DIR = Path("var")


def main() -> int:
    """Read the command line and run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up_command = commands.add_parser("up", help="start the suite and keep it running")
    up_command.add_argument("--one-process", action="store_true", help="all five services in one process")
    up_command.add_argument("--state-dir", type=Path, default=STATE_DIR, help="databases, keys and logs")
    up_command.add_argument("--any-ports", action="store_true", help="free ports instead of the usual ones")
    demo_command = commands.add_parser("demo", help="play six patients through a suite of its own")
    demo_command.add_argument("--one-process", action="store_true", help="all five services in one process")
    commands.add_parser(
        "onebox", help="the five services in this process; the settings are in the environment"
    )
    commands.add_parser("settings", help="put today's tables of settings into README.md")
    chosen = parser.parse_args()
    # A closed terminal (SIGHUP) and a supervisor (SIGTERM) end it like Ctrl-C: in order, leaving nobody behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if chosen.command == "onebox":
            uvloop.run(onebox.serve())
            return 0
        if chosen.command == "settings":
            print("README.md changed" if settings_table.write(Path("README.md")) else "README.md is right")
            return 0
        if chosen.command == "up":
            return up(chosen.state_dir, one_process=chosen.one_process, any_ports=chosen.any_ports)
        with tempfile.TemporaryDirectory(prefix="lienthong-demo-") as folder:
            return with_suite(Path(folder), play, one_process=chosen.one_process)
    except DidNotStart as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def up(state_dir: Path, *, one_process: bool, any_ports: bool) -> int:
    """Start the suite, say where everything is, and wait for Ctrl-C."""

    def wait(place: layout.Layout) -> int:
        with contextlib.suppress(KeyboardInterrupt):
            print(addresses(place), flush=True)
            threading.Event().wait()
        print("\nstopping")
        return 0

    return with_suite(state_dir, wait, one_process=one_process, any_ports=any_ports)


def with_suite(
    state_dir: Path, use: Callable[[layout.Layout], int], *, one_process: bool, any_ports: bool = False
) -> int:
    """Start a suite, use it, and stop it whatever happened."""
    place = layout.plan(state_dir, any_ports=any_ports)
    processes = Processes(place.log_dir)
    started = time.monotonic()
    print("• bringing the databases to today's schema", flush=True)
    processes.run_to_end(layout.migrations(place))
    programs = [layout.onebox_program(place)] if one_process else layout.service_programs(place)
    names = ", ".join(program.name for program in programs)
    print(f"• starting the sandbox of national systems, {names}", flush=True)
    try:
        processes.start([layout.sandbox_program(place), *programs])
        print(f"• all listen after {time.monotonic() - started:.1f} s", flush=True)
        return use(place)
    finally:
        processes.stop()


def addresses(place: layout.Layout) -> str:
    """Where people and programs find the running suite."""
    lines = {
        "gateway (gRPC)": place.address("gateway"),
        "gateway (HTTP/JSON)": place.url("gateway_http"),
        "OpenAPI": f"{place.url('gateway_http')}/openapi.json",
        "sign-in (sandbox issuer)": place.url("sandbox_oidc"),
        "sandbox control": place.url("sandbox_control"),
        "metrics": ", ".join(
            f"{name} {place.address(f'{name}_metrics')}" for name in (*layout.SERVICES, "gateway")
        ),
        "logs": str(place.log_dir),
    }
    width = max(map(len, lines))
    return (
        "\n".join(f"  {name:<{width}}  {where}" for name, where in lines.items())
        + "\n  Ctrl-C stops everything"
    )


if __name__ == "__main__":
    sys.exit(main())
