"""`lienthong trace`: the waterfall of a journey by the code on the receipt."""

from __future__ import annotations

from argparse import Namespace

from cli import tables
from cli.connection import Gateway
from cli.output import answer
from cli.parsers import Commands
from lienthong.gateway.v1 import gateway_pb2 as pb


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("trace", help="draw the waterfall of a journey")
    parser.add_argument("code", help="the code on the receipt or ticket")
    parser.set_defaults(run=run)


async def run(arguments: Namespace, gateway: Gateway) -> None:
    """Read and draw."""
    async with gateway.call() as stub:
        found = await stub.GetTrace(pb.GetTraceRequest(code=arguments.code))
    answer(arguments, found, tables.waterfall)
