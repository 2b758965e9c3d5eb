"""Command line: python -m sandbox serve | people | settings."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sandbox.config import SETTINGS, SettingsError, read_settings
from sandbox.dirt import DIRT
from sandbox.person import Person
from sandbox.population import DEFAULT_SEED, build_population
from sandbox.server import serve

_FLAGS = {
    "--host": "SANDBOX_HOST",
    "--control-port": "SANDBOX_CONTROL_PORT",
    "--registry-port": "SANDBOX_REGISTRY_PORT",
    "--portal-port": "SANDBOX_PORTAL_PORT",
    "--bank-port": "SANDBOX_BANK_PORT",
    "--oidc-port": "SANDBOX_OIDC_PORT",
    "--only": "SANDBOX_ONLY",
    "--seed": "SANDBOX_SEED",
    "--state-dir": "SANDBOX_STATE_DIR",
    "--callback-url": "SANDBOX_BANK_CALLBACK_URL",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="National systems and bank with faults."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run the systems until SIGTERM")
    for flag, name in _FLAGS.items():
        serving.add_argument(flag, dest=name, help=f"as {name}")
    serving.add_argument("--dev", action="store_true", help="as SANDBOX_DEV=1")
    serving.add_argument(
        "--fault", action="append", default=[], metavar="SYSTEM=MODE", help="may be repeated"
    )
    people = commands.add_parser("people", help="print seeded people")
    people.add_argument("--class", dest="classes", default="", help="comma list; all must be carried")
    people.add_argument("--count", type=int, default=1)
    people.add_argument("--seed", type=int, default=DEFAULT_SEED)
    people.add_argument("--year", type=int, default=None)
    people.add_argument("--json", action="store_true", help="everything known of each person")
    commands.add_parser("classes", help="print the classes of dirt")
    commands.add_parser("settings", help="print the settings with their defaults")
    return parser


def _environment(arguments: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with every given flag put over it."""
    merged = dict(environment)
    for name in _FLAGS.values():
        value = getattr(arguments, name)
        if value is not None:
            merged[name] = value
    if arguments.dev:
        merged["SANDBOX_DEV"] = "1"
    if arguments.fault:
        merged["SANDBOX_FAULTS"] = ",".join(arguments.fault)
    return merged


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _print_people(people: Sequence[Person], *, as_json: bool) -> None:
    if as_json:
        _say(json.dumps([person.to_json() for person in people], ensure_ascii=False, indent=1))
        return
    for person in people:
        _say(f"{','.join(person.dirt)}\t{person.card.qr_text()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when well, 2 when settings or arguments are wrong, 1 when a port is taken."""
    given = _parser().parse_args(arguments)
    match given.command:
        case "classes":
            for name in DIRT:
                _say(name)
        case "settings":
            for setting in SETTINGS:
                _say(f"{setting.name}\t{setting.default}\t{setting.about}")
        case "people":
            year = given.year or datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).year
            population = build_population(given.seed, year=year)
            wanted = [name for name in given.classes.split(",") if name]
            try:
                people = population.find(wanted, count=given.count)
            except KeyError as refusal:
                sys.stderr.write(f"no such class: {refusal.args[0]}\n")
                return 2
            _print_people(people, as_json=given.json)
        case _:
            logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
            try:
                settings = read_settings(_environment(given, os.environ))
                asyncio.run(serve(settings, say=_say))
            except SettingsError as refusal:
                sys.stderr.write(f"{refusal}\n")
                return 2
            except OSError as refusal:
                sys.stderr.write(f"cannot listen: {refusal.strerror}\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
