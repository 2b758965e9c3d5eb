"""`lienthong`: reads the command line, connects, runs one command, and says what went wrong in both languages."""

from __future__ import annotations

import argparse
import asyncio
import sys
from argparse import ArgumentParser, Namespace

from chassis.errors import AppError, Kind
from cli.commands import (
    card,
    cases,
    check_in,
    citizen,
    claim,
    consent,
    correction,
    coverage,
    delegation,
    duplicates,
    facility,
    identity_import,
    me,
    pay,
    quality,
    recoding,
    reconcile,
    trace,
    unit,
    visit,
)
from cli.connection import Access, connected
from cli.output import print_json

EXIT_REFUSED = 1
EXIT_UNREACHED = 3
_UNKNOWN_OUTCOME = {Kind.UNAVAILABLE, Kind.DEADLINE, Kind.INTERNAL}
_EPILOGUE = """environment: LIENTHONG_GATEWAY (host:port), and LIENTHONG_TOKEN, or LIENTHONG_ISSUER with
LIENTHONG_CLIENT_ID and LIENTHONG_CLIENT_SECRET; LIENTHONG_TLS_CERT_FILE, _KEY_FILE and _CA_FILE where the
gateway asks for a certificate."""


def parser() -> ArgumentParser:
    """The whole command line."""
    whole = ArgumentParser(
        prog="lienthong",
        description="Client of the Liên Thông gateway.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--gateway", help="host:port of the gateway's gRPC front")
    whole.add_argument("--deadline-ms", type=int, help="time one command may take")
    whole.add_argument("--json", action="store_true", help="JSON for programs instead of tables")
    commands = whole.add_subparsers(dest="command", required=True)
    for module in (
        check_in,
        card,
        visit,
        coverage,
        claim,
        pay,
        reconcile,
        trace,
        unit,
        facility,
        recoding,
        citizen,
        cases,
        quality,
        correction,
        duplicates,
        identity_import,
        consent,
        delegation,
        me,
    ):
        module.add(commands)
    return whole


def main() -> int:
    """Run one command; 0 done, 1 refused, 2 wrong arguments, 3 not reached or outcome unknown.

    A command with `run_offline` is run here and now, without a gateway or an access token; it returns its own code.
    """
    arguments = parser().parse_args(_json_first(sys.argv[1:]))
    try:
        if "run_offline" in arguments:
            return int(arguments.run_offline(arguments))
        asyncio.run(_run(arguments))
    except AppError as error:
        return _explain(arguments, error)
    except KeyboardInterrupt:
        return 130
    return 0


def _json_first(words: list[str]) -> list[str]:
    """The same command line with `--json`, which people write at its end, where the parser knows it."""
    return sorted(words, key=lambda each: each != "--json")


async def _run(arguments: Namespace) -> None:
    access = Access.from_environment(gateway=arguments.gateway, deadline_ms=arguments.deadline_ms)
    async with connected(access) as gateway:
        await arguments.run(arguments, gateway)


def _explain(arguments: Namespace, error: AppError) -> int:
    """Tell what went wrong and, when the outcome is unknown, how to repeat without doubling."""
    request_id = getattr(arguments, "request_id", "")
    unknown = error.kind in _UNKNOWN_OUTCOME
    if arguments.json:
        told = {
            "reason": error.reason,
            "message": error.message,
            "message_vi": error.vi,
            "facts": error.facts,
        }
        print_json({"error": told | {"field": error.field, "request_id": request_id}})
    else:
        print(f"{error.reason}: {error.vi}\n{error.message}", file=sys.stderr)
        if error.field:
            print(f"field: {error.field}", file=sys.stderr)
        if unknown and request_id:
            print(f"repeat safely with --request-id {request_id}", file=sys.stderr)
    return EXIT_UNREACHED if unknown else EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
