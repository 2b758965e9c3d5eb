"""`lienthong reconcile`, `breaks` and `balances`: the bank's statement against the books."""

from __future__ import annotations

import os
import uuid
from argparse import ArgumentTypeError, Namespace
from collections.abc import AsyncIterator
from pathlib import Path

from rich.console import Group

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.payment.v1 import payment_pb2 as payment

FORMATS = {
    "camt053": payment.STATEMENT_FORMAT_CAMT053,
    "mt940": payment.STATEMENT_FORMAT_MT940,
    "csv": payment.STATEMENT_FORMAT_CSV,
}
RESOLUTIONS = {
    "applied": payment.BREAK_RESOLUTION_APPLIED,
    "refund": payment.BREAK_RESOLUTION_REFUND_PAYABLE,
    "explained": payment.BREAK_RESOLUTION_EXPLAINED,
}
CHUNK_BYTES = 256 * 1024
IMPORT_MS = 60_000


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("reconcile", help="import a statement, match it, list what does not fit")
    parser.add_argument("file", type=readable, help="the bank's file")
    parser.add_argument("--format", choices=sorted(FORMATS), required=True)
    parser.add_argument("--account", required=True, help="the facility's account number")
    add_request_id(parser)
    parser.set_defaults(run=reconcile)
    listing = commands.add_parser("breaks", help="list breaks, or resolve one")
    listing.add_argument("--all", action="store_true", help="resolved ones too")
    listing.add_argument("--resolve", metavar="BREAK", default="", help="breaks/…")
    listing.add_argument("--as", dest="resolution", choices=sorted(RESOLUTIONS), default="explained")
    listing.add_argument("--visit", default="", help="visit whose bill gets the money, with --as applied")
    listing.add_argument("--note", default="", help="why, without personal data")
    add_request_id(listing)
    listing.set_defaults(run=breaks)
    commands.add_parser("balances", help="the ledger's balances").set_defaults(run=balances)


def readable(text: str) -> Path:
    """A file that can be read now: a stream of parts that breaks off has no good error of its own."""
    file = Path(text)
    try:
        with file.open("rb"):
            return file
    except OSError as cause:
        raise ArgumentTypeError(f"cannot read {text}: {cause.strerror}") from cause


def writable(text: str) -> Path:
    """A file or folder that can be written: an answer about a person must not be asked for and then be lost."""
    place = Path(text)
    folder = place if place.is_dir() else place.parent
    if not folder.is_dir():
        raise ArgumentTypeError(f"cannot write {text}: no such folder")
    if not os.access(folder, os.W_OK):
        raise ArgumentTypeError(f"cannot write {text}: the folder is read-only")
    return place


def writable_file(text: str) -> Path:
    """A file that can be written, no folder."""
    file = writable(text)
    if file.is_dir():
        raise ArgumentTypeError(f"cannot write {text}: it is a folder")
    return file


async def reconcile(arguments: Namespace, gateway: Gateway) -> None:
    """Import, match, and show the open breaks."""
    first = request_id(arguments)
    header = payment.ImportStatementHeader(
        request_id=first, format=FORMATS[arguments.format], account=arguments.account
    )
    async with gateway.call(within_ms=IMPORT_MS) as stub:
        imported = await stub.ImportStatement(_parts(header, arguments.file))
        run = await stub.Reconcile(
            pb.ReconcileRequest(
                request_id=str(uuid.uuid5(uuid.UUID(first), "reconcile")), account=arguments.account
            )
        )
        page = await stub.ListBreaks(pb.ListBreaksRequest(state=payment.BREAK_STATE_OPEN))
    if arguments.json:
        print_json(
            {
                "statement": as_dict(imported.statement),
                "run": as_dict(run.run),
                "breaks": as_dict(page).get("breaks", []),
            }
        )
        return
    tables.show(Group(tables.statement(imported.statement, run.run), tables.breaks(page.breaks)))


async def _parts(
    header: payment.ImportStatementHeader, file: Path
) -> AsyncIterator[pb.ImportStatementRequest]:
    yield pb.ImportStatementRequest(header=header)
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            yield pb.ImportStatementRequest(content=chunk)


async def breaks(arguments: Namespace, gateway: Gateway) -> None:
    """List breaks, or resolve one."""
    async with gateway.call() as stub:
        if arguments.resolve:
            done = await stub.ResolveBreak(
                pb.ResolveBreakRequest(
                    request_id=request_id(arguments),
                    name=arguments.resolve,
                    resolution=RESOLUTIONS[arguments.resolution],
                    visit=arguments.visit,
                    note=arguments.note,
                )
            )
            answer(arguments, done.resolved_break, lambda row: tables.breaks([row]))
            return
        state = payment.BREAK_STATE_UNSPECIFIED if arguments.all else payment.BREAK_STATE_OPEN
        page = await stub.ListBreaks(pb.ListBreaksRequest(state=state, page_size=200))
    answer(arguments, page, lambda found: tables.breaks(found.breaks))


async def balances(arguments: Namespace, gateway: Gateway) -> None:
    """Show the ledger."""
    async with gateway.call() as stub:
        found = await stub.ListBalances(pb.ListBalancesRequest())
    answer(arguments, found, tables.balances)
