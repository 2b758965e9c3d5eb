"""`lienthong pay`: show a VietQR for what is still due."""

from __future__ import annotations

import sys
from argparse import Namespace

import segno

from cli import tables
from cli.connection import Gateway
from cli.output import add_request_id, answer, request_id
from cli.parsers import Commands
from lienthong.gateway.v1 import gateway_pb2 as pb


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("pay", help="show a VietQR for what is still due")
    parser.add_argument("visit", help="visits/…")
    parser.add_argument("--qr", action="store_true", help="draw the QR in the terminal")
    add_request_id(parser)
    parser.set_defaults(run=run)


async def run(arguments: Namespace, gateway: Gateway) -> None:
    """Ask for an intent and show it."""
    async with gateway.call() as stub:
        asked = await stub.PayVisit(
            pb.PayVisitRequest(request_id=request_id(arguments), visit=arguments.visit)
        )
    answer(arguments, asked.bill, lambda bill: tables.intents(bill.intents))
    if arguments.qr and not arguments.json:
        for payload in asked.bill.intents[-1].vietqr_payloads:
            segno.make(payload, error="m").terminal(out=sys.stdout, compact=True)
